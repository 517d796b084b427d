variable "git_password" {
  type      = string
  sensitive = true
}

# Any version: the password is stored in the state, and a plan shows a change made in Infrahub.
resource "infrahub_password_credential" "git_in_state" {
  name     = "git-automation-in-state"
  username = "automation"
  password = var.git_password
}
