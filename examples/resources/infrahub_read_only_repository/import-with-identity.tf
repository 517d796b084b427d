import {
  to = infrahub_read_only_repository.automation
  identity = {
    id = "c5a1d9be-7f0a-4b6e-b1c4-8d2e6f4a7b93"
  }
}
