import {
  to = infrahub_read_only_repository.automation
  id = "automation"
}

import {
  to = infrahub_release.automation
  id = "automation" # name or id of the repository
}
