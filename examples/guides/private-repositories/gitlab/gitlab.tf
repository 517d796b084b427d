# The GitLab provider makes the token, and makes a new one before it expires.

terraform {
  required_version = ">= 1.11" # write-only attributes
  required_providers {
    gitlab = {
      source = "gitlabhq/gitlab"
    }
    infrahub = {
      source = "infrahub-community/infrahub"
    }
  }
}

provider "gitlab" {}   # reads GITLAB_TOKEN and, for a server of your own, GITLAB_BASE_URL
provider "infrahub" {} # reads INFRAHUB_ADDRESS and INFRAHUB_API_TOKEN

resource "gitlab_project_access_token" "infrahub" {
  project      = "network/automation"
  name         = "infrahub"
  access_level = "reporter"
  scopes       = ["read_repository"]

  rotation_configuration = {
    expiration_days    = 90
    rotate_before_days = 30
  }
}

locals {
  token      = gitlab_project_access_token.infrahub.token
  expires_at = gitlab_project_access_token.infrahub.expires_at # such as 2026-07-31
}
