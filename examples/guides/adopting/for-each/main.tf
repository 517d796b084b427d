terraform {
  required_providers {
    infrahub = {
      source = "infrahub-community/infrahub"
    }
  }
}

provider "infrahub" {} # reads INFRAHUB_ADDRESS and INFRAHUB_API_TOKEN

locals {
  table = yamldecode(file("${path.module}/repositories.yaml"))
}

data "infrahub_password_credential" "git" {
  name = "git"
}

data "infrahub_password_credential" "git_read" {
  name = "git-read"
}

# Those of the table that exist.
data "infrahub_repositories" "existing" {
  kind  = "CoreRepository"
  names = keys(local.table.repositories)
}

data "infrahub_repositories" "existing_read_only" {
  kind  = "CoreReadOnlyRepository"
  names = keys(local.table.read_only_repositories)
}

import {
  for_each = {
    for repository in data.infrahub_repositories.existing.repositories :
    repository.name => repository.id
  }
  to = infrahub_repository.network[each.key]
  id = each.value
}

import {
  for_each = {
    for repository in data.infrahub_repositories.existing_read_only.repositories :
    repository.name => repository.id
  }
  to = infrahub_read_only_repository.network[each.key]
  id = each.value
}

resource "infrahub_repository" "network" {
  for_each      = local.table.repositories
  name          = each.key
  location      = each.value.location
  description   = try(each.value.description, null)
  credential_id = data.infrahub_password_credential.git.id
  tags          = ["network"]
}

resource "infrahub_read_only_repository" "network" {
  for_each      = local.table.read_only_repositories
  name          = each.key
  location      = each.value.location
  ref           = each.value.ref
  description   = try(each.value.description, null)
  credential_id = data.infrahub_password_credential.git_read.id
  tags          = ["network", "pinned"]
}
