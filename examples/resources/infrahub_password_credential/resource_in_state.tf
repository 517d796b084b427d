variable "git_password" {
  type      = string
  sensitive = true
}

# Any version: the password is kept in the state, and a change of it in Infrahub is seen.
resource "infrahub_password_credential" "git_in_state" {
  name     = "git-automation-in-state"
  username = "automation"
  password = var.git_password
}
