# Two repositories on GitHub, each with the token that its kind needs.

terraform {
  required_version = ">= 1.11" # ephemeral variables and write-only attributes
  required_providers {
    infrahub = {
      source = "infrahub-community/infrahub"
    }
  }
}

provider "infrahub" {} # reads INFRAHUB_ADDRESS and INFRAHUB_API_TOKEN

variable "read_token" {
  description = "Token that can read the contents of automation."
  type        = string
  ephemeral   = true
}

variable "write_token" {
  description = "Token that can read and write the contents of design."
  type        = string
  ephemeral   = true
}

resource "infrahub_password_credential" "read" {
  name                = "automation-read"
  username            = "bot" # GitHub takes any name with a token
  password_wo         = var.read_token
  password_wo_version = 1 # change it when the token changes
}

resource "infrahub_read_only_repository" "automation" {
  name          = "automation"
  location      = "https://git.example.com/private/automation.git"
  ref           = "v1.0.0"
  credential_id = infrahub_password_credential.read.id
}

resource "infrahub_password_credential" "write" {
  name                = "design-write"
  username            = "bot"
  password_wo         = var.write_token
  password_wo_version = 1
}

resource "infrahub_repository" "design" {
  name          = "design"
  location      = "https://git.example.com/private/design.git"
  credential_id = infrahub_password_credential.write.id
}
