import {
  to = infrahub_branch.release
  id = "release-1.1.0"
}

import {
  to = infrahub_proposed_change.release
  id = "Release 1.1.0" # the id, or the name if it is unique
}
