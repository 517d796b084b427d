# Imports a release on its own branch, to be reviewed and merged in Infrahub. A change of one line
# opens the proposed change; the first apply after the merge cleans up.

terraform {
  required_version = ">= 1.8"
  required_providers {
    infrahub = {
      source = "infrahub-community/infrahub"
    }
  }
  # In a pipeline, add a backend with locking, such as "s3" or GitLab's "http": each run needs the
  # state of the last run.
}

# Reads INFRAHUB_ADDRESS, INFRAHUB_API_TOKEN and, for a private repository, INFRAHUB_GIT_TOKEN.
provider "infrahub" {}

variable "name" {
  description = "Name of the repository in Infrahub."
  type        = string
  default     = "automation"
}

variable "location" {
  description = "URL of the Git repository, which Infrahub and this plan read."
  type        = string
  default     = "https://git.example.com/network/automation.git"
}

variable "credential_id" {
  description = "Id of the credential with which Infrahub reads a private repository."
  type        = string
  default     = null
}

variable "release" {
  description = "Tag to import."
  type        = string
  # The URL must be that of location. Set the release on this line only: Renovate changes it.
  # renovate: datasource=git-tags depName=https://git.example.com/network/automation.git
  default = "v1.0.0"
}

# A missing tag fails the plan.
data "infrahub_git_ref" "release" {
  location = var.location
  ref      = var.release
}

resource "infrahub_read_only_repository" "automation" {
  name          = var.name
  location      = var.location
  ref           = var.release # used by the first apply only: later the merge of a release sets it
  credential_id = var.credential_id

  lifecycle {
    ignore_changes = [ref]
  }
}

locals {
  # The release that main does not have yet, if there is one.
  in_review = setsubtract([var.release], [infrahub_read_only_repository.automation.ref])
}

resource "infrahub_branch" "release" {
  for_each      = local.in_review
  name          = "${var.name}-${each.key}"
  description   = "${var.name} ${each.key}, to be reviewed"
  sync_with_git = false # read-only repositories do not need it
}

resource "infrahub_read_only_repository_ref" "release" {
  for_each      = local.in_review
  repository_id = infrahub_read_only_repository.automation.id
  branch        = infrahub_branch.release[each.key].name
  ref           = data.infrahub_git_ref.release.tag

  lifecycle {
    replace_triggered_by = [infrahub_branch.release[each.key].id]
    postcondition {
      condition = self.commit == data.infrahub_git_ref.release.commit
      error_message = format(
        "Planned %s, but Infrahub imported %s: the tag was moved in between. Plan again.",
        data.infrahub_git_ref.release.commit, self.commit,
      )
    }
  }
}

resource "infrahub_proposed_change" "release" {
  for_each      = local.in_review
  name          = "${var.name} ${each.key}"
  description   = "Imports commit ${infrahub_read_only_repository_ref.release[each.key].commit}."
  source_branch = infrahub_branch.release[each.key].name

  lifecycle {
    replace_triggered_by = [infrahub_branch.release[each.key].id]
  }
}

output "released" {
  description = "The release on main."
  value       = infrahub_read_only_repository.automation.ref
}

output "in_review" {
  description = "Id of the open proposed change in Infrahub, if there is one."
  value       = one([for change in infrahub_proposed_change.release : change.id])
}
