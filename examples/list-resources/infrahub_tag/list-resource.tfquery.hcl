# terraform query lists every tag; -generate-config-out writes import blocks for them.
list "infrahub_tag" "all" {
  provider = infrahub
}

list "infrahub_tag" "some" {
  provider         = infrahub
  include_resource = true
  config {
    names = ["core", "edge"]
  }
}
