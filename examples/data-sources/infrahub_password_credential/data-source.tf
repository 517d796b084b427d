# A credential whose password is managed elsewhere. It is not read.
data "infrahub_password_credential" "github" {
  name = "github"
}

resource "infrahub_read_only_repository" "automation" {
  name          = "automation"
  location      = "https://git.example.com/network/automation.git"
  ref           = "v1.0.0"
  credential_id = data.infrahub_password_credential.github.id
}
