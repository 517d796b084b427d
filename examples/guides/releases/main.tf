terraform {
  required_version = ">= 1.8"
  required_providers {
    infrahub = {
      source = "infrahub-community/infrahub"
    }
  }
}

provider "infrahub" {}

locals {
  release = "2026-07" # a new name for each release
  refs = {
    automation = "v1.1.0"
    design     = "v1.1.0"
  }
}

resource "infrahub_read_only_repository" "all" {
  for_each = local.refs
  name     = "network-${each.key}"
  location = "https://git.example.com/network/${each.key}.git"
  ref      = each.value # of the first import

  lifecycle {
    ignore_changes = [ref]
  }
}

resource "infrahub_branch" "release" {
  name          = "release-${local.release}"
  sync_with_git = false                               # read-only repositories do not need it
  depends_on    = [infrahub_read_only_repository.all] # an older branch keeps no ref
}

resource "infrahub_read_only_repository_ref" "release" {
  for_each      = local.refs
  repository_id = infrahub_read_only_repository.all[each.key].id
  branch        = infrahub_branch.release.name
  ref           = each.value

  lifecycle {
    replace_triggered_by = [infrahub_branch.release.id]
  }
}

resource "infrahub_proposed_change" "release" {
  name          = "Release ${local.release}"
  source_branch = infrahub_branch.release.name
  merge         = true # or leave it to a reviewer
  depends_on    = [infrahub_read_only_repository_ref.release]

  lifecycle {
    replace_triggered_by = [infrahub_branch.release.id]
  }
}
