resource "infrahub_password_credential" "gitlab" {
  name        = "gitlab-automation"
  username    = "bot" # GitLab takes any name with a project access token
  password_wo = local.token

  # A new token has another date, so a plan that makes one also sends it to Infrahub.
  password_wo_version = tonumber(replace(local.expires_at, "-", ""))
}

resource "infrahub_read_only_repository" "automation" {
  name          = "automation"
  location      = "https://git.example.com/private/automation.git"
  ref           = "v1.0.0"
  credential_id = infrahub_password_credential.gitlab.id
}
