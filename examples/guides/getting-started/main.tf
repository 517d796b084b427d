# Imports a release of an automation repository into Infrahub.

terraform {
  required_providers {
    infrahub = {
      source = "infrahub-community/infrahub"
    }
  }
}

provider "infrahub" {} # reads INFRAHUB_ADDRESS and INFRAHUB_API_TOKEN

variable "location" {
  description = "Git repository to import: a URL, or an absolute path on the machine of the server."
  type        = string
}

variable "release" {
  description = "Tag to import."
  type        = string
  default     = "v1.0.0"
}

resource "infrahub_tag" "production" {
  name        = "production"
  description = "In use by customers"
}

resource "infrahub_read_only_repository" "automation" {
  name     = "automation"
  location = var.location
  ref      = var.release
  tags     = [infrahub_tag.production.name]
}

output "commit" {
  description = "The commit that Infrahub has imported."
  value       = infrahub_read_only_repository.automation.commit
}
