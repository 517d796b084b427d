import {
  to = infrahub_read_only_repository_ref.release
  identity = {
    id = "18eb02d4-7138-90e7-e333-1c4c16d41e07/release-1.1.0"
  }
}
