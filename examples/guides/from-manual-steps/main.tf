terraform {
  required_version = ">= 1.11"
  required_providers {
    infrahub = {
      source = "infrahub-community/infrahub"
    }
  }
}

provider "infrahub" {} # reads INFRAHUB_ADDRESS and INFRAHUB_API_TOKEN

variable "git_token" {
  type      = string
  ephemeral = true
}

resource "infrahub_password_credential" "git" {
  name                = "my-git-credential"
  username            = "bot"
  password_wo         = var.git_token
  password_wo_version = 1
}

resource "infrahub_repository" "design" {
  name          = "My Git repository"
  location      = "https://git.example.com/network/design.git"
  credential_id = infrahub_password_credential.git.id
}

resource "infrahub_read_only_repository" "automation" {
  name          = "My release"
  location      = "https://git.example.com/network/automation.git"
  ref           = "v1.0.0"
  credential_id = infrahub_password_credential.git.id
}
