import {
  to = infrahub_release.automation
  identity = {
    id = "18eb02d4-7138-90e7-e333-1c4c16d41e07"
  }
}
