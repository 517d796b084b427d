terraform {
  required_version = ">= 1.11"
  required_providers {
    infrahub = {
      source = "infrahub-community/infrahub"
    }
  }
}

provider "infrahub" {
  adopt_existing = true # or INFRAHUB_ADOPT_EXISTING=true
}

variable "git_token" {
  type      = string
  ephemeral = true
}

variable "git_read_token" {
  type      = string
  ephemeral = true
}

locals {
  table = yamldecode(file("${path.module}/repositories.yaml"))
}

resource "infrahub_password_credential" "git" {
  name                = "git"
  username            = "bot"
  password_wo         = var.git_token
  password_wo_version = 1
}

resource "infrahub_password_credential" "git_read" {
  name                = "git-read"
  username            = "bot"
  password_wo         = var.git_read_token
  password_wo_version = 1
}

resource "infrahub_tag" "network" {
  name = "network"
}

resource "infrahub_tag" "pinned" {
  name = "pinned"
}

resource "infrahub_repository" "network" {
  for_each      = local.table.repositories
  name          = each.key
  location      = each.value.location
  description   = try(each.value.description, null)
  credential_id = infrahub_password_credential.git.id
  tags          = [infrahub_tag.network.name]
}

resource "infrahub_read_only_repository" "network" {
  for_each      = local.table.read_only_repositories
  name          = each.key
  location      = each.value.location
  ref           = each.value.ref
  description   = try(each.value.description, null)
  credential_id = infrahub_password_credential.git_read.id
  tags          = [infrahub_tag.network.name, infrahub_tag.pinned.name]
}
