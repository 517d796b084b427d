terraform {
  required_version = ">= 1.11" # ephemeral variables and write-only attributes
  required_providers {
    infrahub = {
      source = "infrahub-community/infrahub"
    }
  }
}

provider "infrahub" {} # reads INFRAHUB_ADDRESS and INFRAHUB_API_TOKEN

variable "git_token" {
  description = "Token for the repository. Ephemeral, so that no plan and no state contains it."
  type        = string
  ephemeral   = true
}

variable "git_token_version" {
  description = "Number of the token. Raise it whenever the token changes."
  type        = number
  default     = 1
}

resource "infrahub_password_credential" "git" {
  name                = "automation"
  username            = "bot"
  password_wo         = var.git_token
  password_wo_version = var.git_token_version
}

resource "infrahub_read_only_repository" "automation" {
  name          = "automation"
  location      = "https://git.example.com/private/automation.git"
  ref           = "v1.0.0"
  credential_id = infrahub_password_credential.git.id
}
