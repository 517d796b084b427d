terraform {
  required_providers {
    infrahub = { source = "infrahub-community/infrahub" }
  }
}

provider "infrahub" {}

resource "infrahub_tag" "core" {
  name        = "core"
  description = "The core of the network"
}

resource "infrahub_tag" "edge" {
  name = "edge"
}

resource "infrahub_password_credential" "password" {
  name        = "git"
  label       = "Git host"
  description = "Reads the network's repositories"
  username    = "bot"
  password    = "GIT_PASSWORD"
}

resource "infrahub_password_credential" "write_only" {
  name                = "git-write-only"
  username            = "bot"
  password_wo         = "GIT_PASSWORD"
  password_wo_version = 1
}

resource "infrahub_repository" "full" {
  name              = "schema"
  location          = "GIT_ADDRESS/private/schema.git"
  default_branch    = "main"
  description       = "The network's schema"
  credential_id     = infrahub_password_credential.password.id
  tags              = [infrahub_tag.core.name, infrahub_tag.edge.name]
  wait_for_import   = true
  reimport_triggers = { release = "1" }
  timeouts          = { create = "5m", update = "10m" }
}

resource "infrahub_repository" "minimal" {
  name     = "checks"
  location = "GIT_ADDRESS/checks.git"
}

resource "infrahub_read_only_repository" "full" {
  name              = "automation"
  location          = "GIT_ADDRESS/private/automation.git"
  ref               = "v1.0.0"
  description       = "The network's automation"
  credential_id     = infrahub_password_credential.write_only.id
  tags              = [infrahub_tag.core.name]
  wait_for_import   = true
  reimport_triggers = { release = "1" }
  timeouts          = { create = "5m", read = "1m", update = "10m", delete = "5m" }
}

# Infrahub appends .git to its location.
resource "infrahub_read_only_repository" "minimal" {
  name     = "templates"
  location = "GIT_LOCALHOST/templates"
  tags     = []
}

resource "infrahub_read_only_repository" "resolved" {
  name        = "generators"
  location    = "GIT_ADDRESS/generators.git"
  ref         = "v1.1.0"
  resolve_ref = true
}

resource "infrahub_branch" "release" {
  name          = "release-1.1"
  description   = "The next release"
  sync_with_git = false
  depends_on    = [infrahub_read_only_repository.full]
}

resource "infrahub_read_only_repository_ref" "release" {
  repository_id = infrahub_read_only_repository.full.id
  branch        = infrahub_branch.release.name
  ref           = "v1.1.0"
}

resource "infrahub_proposed_change" "release" {
  name          = "Release 1.1"
  description   = "Imports v1.1.0"
  source_branch = infrahub_branch.release.name
  is_draft      = true
  depends_on    = [infrahub_read_only_repository_ref.release]
}
