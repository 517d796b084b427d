# What `make demo` applies: a release of an automation repository, pinned. INFRAHUB_ADDRESS and
# INFRAHUB_API_TOKEN say where.

terraform {
  required_version = ">= 1.11" # write-only attributes
  required_providers {
    infrahub = {
      source = "infrahub-community/infrahub"
    }
  }
}

variable "name" {
  description = "Name of the credential and the repository."
  type        = string
}

variable "location" {
  description = "URL of a Git repository that asks for a password."
  type        = string
}

variable "ref" {
  description = "Tag, branch or commit to import."
  type        = string
}

variable "username" {
  description = "Who reads the Git repository."
  type        = string
}

variable "password" {
  description = "Password of that user; ephemeral, so that no saved plan holds it."
  type        = string
  ephemeral   = true
}

resource "infrahub_password_credential" "git" {
  name                = var.name
  username            = var.username
  password_wo         = var.password
  password_wo_version = 1
}

resource "infrahub_read_only_repository" "automation" {
  name          = var.name
  location      = var.location
  ref           = var.ref
  credential_id = infrahub_password_credential.git.id
}

output "commit" {
  description = "The commit that Infrahub has imported."
  value       = infrahub_read_only_repository.automation.commit
}
