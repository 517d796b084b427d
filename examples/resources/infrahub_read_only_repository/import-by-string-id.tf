import {
  to = infrahub_read_only_repository.automation
  id = "automation" # the name, or the id
}
