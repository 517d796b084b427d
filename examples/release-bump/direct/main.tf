# The release of a repository, pinned in one line. The next release is a change of that line: by hand, or
# by Renovate (see ../renovate.json), reviewed as any change of this configuration.

terraform {
  required_version = ">= 1.8"
  required_providers {
    infrahub = {
      source = "infrahub-community/infrahub"
    }
  }
  # In a pipeline: a backend with locking, such as "s3" or GitLab's "http". Each run needs the state of the last.
}

provider "infrahub" {} # INFRAHUB_ADDRESS, INFRAHUB_API_TOKEN, and INFRAHUB_GIT_TOKEN where Git asks for it

variable "name" {
  description = "Name of the repository in Infrahub."
  type        = string
  default     = "automation"
}

variable "location" {
  description = "URL of the Git repository, for Infrahub and for this plan."
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
  # The URL is that of location; leave the release to this line, which Renovate changes.
  # renovate: datasource=git-tags depName=https://git.example.com/network/automation.git
  default = "v1.0.0"
}

resource "infrahub_read_only_repository" "automation" {
  name          = var.name
  location      = var.location
  ref           = var.release
  credential_id = var.credential_id
  resolve_ref   = true # a tag that is missing fails the plan
}

output "commit" {
  description = "The commit that Infrahub has imported."
  value       = infrahub_read_only_repository.automation.commit
}
