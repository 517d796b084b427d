variable "git_token" {
  type      = string
  ephemeral = true
}

# Terraform and OpenTofu 1.11 or newer: the password is sent to Infrahub, and stored in no plan and
# no state.
resource "infrahub_password_credential" "git" {
  name                = "git-automation"
  description         = "Reads the automation repositories"
  username            = "automation"
  password_wo         = var.git_token
  password_wo_version = 1 # a change of this number sends the password again
}
