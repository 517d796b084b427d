import {
  to = infrahub_repository.automation
  identity = {
    id = "6b7f3f0e-9d35-4a53-8a51-2f9f0f7c4d10"
  }
}
