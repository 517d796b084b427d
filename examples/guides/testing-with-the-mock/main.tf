# A module that pins an automation repository to a release.

terraform {
  required_providers {
    infrahub = {
      source = "infrahub-community/infrahub"
    }
  }
}

variable "location" {
  description = "Git repository to import: a URL, or an absolute path on the server."
  type        = string
}

variable "ref" {
  description = "Tag, branch or commit to import."
  type        = string
}

resource "infrahub_read_only_repository" "automation" {
  name     = "automation"
  location = var.location
  ref      = var.ref
  tags     = ["production"]
}

output "commit" {
  description = "The commit that Infrahub has imported."
  value       = infrahub_read_only_repository.automation.commit
}
