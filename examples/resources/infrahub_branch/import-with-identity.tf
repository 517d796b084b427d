import {
  to = infrahub_branch.release
  identity = {
    id = "18eb02d5-6d0d-d15f-e31c-1c4ce957f2db"
  }
}
