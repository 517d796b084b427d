import {
  to = infrahub_read_only_repository.automation
  id = "automation"
}

import {
  to = infrahub_branch.release
  id = "release-1.1.0"
}

import {
  to = infrahub_read_only_repository_ref.release
  id = "automation/release-1.1.0" # name or id of the repository, then the branch
}
