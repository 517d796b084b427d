import {
  to = infrahub_password_credential.git
  id = "git-automation" # the name, or the id
}
