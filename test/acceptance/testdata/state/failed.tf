terraform {
  required_providers {
    infrahub = { source = "infrahub-community/infrahub" }
  }
}

provider "infrahub" {}

# Its ref was changed to one that the remote does not have.
resource "infrahub_read_only_repository" "ref" {
  name     = "automation"
  location = "GIT_ADDRESS/automation.git"
  ref      = "v9.9.9"
}

# Its location was changed to a remote whose .infrahub.yml is broken.
resource "infrahub_read_only_repository" "location" {
  name     = "templates"
  location = "GIT_ADDRESS/broken/templates.git"
}

# Its location was changed to a remote whose .infrahub.yml is broken.
resource "infrahub_repository" "location" {
  name     = "schema"
  location = "GIT_ADDRESS/broken/schema.git"
}

resource "infrahub_read_only_repository" "released" {
  name     = "generators"
  location = "GIT_ADDRESS/generators.git"
  ref      = "v1.0.0"
}

resource "infrahub_branch" "release" {
  name          = "release-9.9"
  sync_with_git = false
  depends_on    = [infrahub_read_only_repository.released]
}

# Its ref was changed to one that the remote does not have.
resource "infrahub_read_only_repository_ref" "release" {
  repository_id = infrahub_read_only_repository.released.id
  branch        = infrahub_branch.release.name
  ref           = "v9.9.9"
}
