import {
  to = infrahub_tag.production
  identity = {
    id = "7d1c1f5e-2b0f-4d59-8a35-5f0f0b7c9a11"
  }
}
