resource "infrahub_tag" "production" {
  name        = "production"
  description = "In use by customers"
}
