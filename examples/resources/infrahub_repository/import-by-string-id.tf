import {
  to = infrahub_repository.automation
  id = "automation" # the name, or the id
}
