# `make demo` applies this: an automation repository, pinned to a release. The provider reads
# INFRAHUB_ADDRESS and INFRAHUB_API_TOKEN.

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
  description = "URL of a Git repository that requires a password."
  type        = string
}

variable "ref" {
  description = "Tag, branch or commit to import."
  type        = string
}

variable "username" {
  description = "User who reads the Git repository."
  type        = string
}

variable "password" {
  description = "Password of that user. Ephemeral, so that no saved plan contains it."
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
