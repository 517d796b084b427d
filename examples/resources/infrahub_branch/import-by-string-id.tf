import {
  to = infrahub_branch.release
  id = "release-1.1.0" # the name, or the id
}
