# Pins a repository to a release in one line. For the next release, change that line by hand or let
# Renovate change it (see ../renovate.json), and review it like any other change of this
# configuration.

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

resource "infrahub_read_only_repository" "automation" {
  name          = var.name
  location      = var.location
  ref           = var.release
  credential_id = var.credential_id
  resolve_ref   = true # a missing tag fails the plan
}

output "commit" {
  description = "The commit that Infrahub has imported."
  value       = infrahub_read_only_repository.automation.commit
}
