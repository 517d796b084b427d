import {
  to = infrahub_tag.production
  id = "production" # the name, or the id
}
