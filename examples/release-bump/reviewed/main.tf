# Imports each release on a branch of its own, and merges it once Infrahub's checks have passed, or
# leaves the merge to a reviewer. A release is a change of one line.

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

variable "merge" {
  description = "Who merges a release: when_checks_pass or by_reviewer."
  type        = string
  default     = "when_checks_pass"
}

variable "release" {
  description = "Tag to release."
  type        = string
  # The URL must be that of location. Set the release on this line only: Renovate changes it.
  # renovate: datasource=git-tags depName=https://git.example.com/network/automation.git
  default = "v1.0.0"
}

resource "infrahub_read_only_repository" "automation" {
  name          = var.name
  location      = var.location
  ref           = var.release # of the first import: infrahub_release brings the next ones
  credential_id = var.credential_id

  lifecycle {
    ignore_changes = [ref]
  }
}

resource "infrahub_release" "automation" {
  repository_id = infrahub_read_only_repository.automation.id
  ref           = var.release
  merge         = var.merge
}

output "released" {
  description = "The release on main."
  value = (
    infrahub_release.automation.state == "merged" ?
    infrahub_release.automation.ref : infrahub_read_only_repository.automation.ref
  )
}

output "in_review" {
  description = "Id of the proposed change in Infrahub that waits for its merge, if there is one."
  value = (
    infrahub_release.automation.state == "open" ?
    infrahub_release.automation.proposed_change_id : null
  )
}
