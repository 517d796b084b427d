import {
  to = infrahub_password_credential.git
  identity = {
    id = "0e4c2f6a-5a0b-4d0e-9f6d-3c1f5b7a9e21"
  }
}
