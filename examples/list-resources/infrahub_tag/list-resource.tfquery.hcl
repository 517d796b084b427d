# terraform query lists the tags.
# terraform query -generate-config-out=generated.tf also writes their resource and import blocks.
list "infrahub_tag" "all" {
  provider = infrahub
  limit    = 1000 # the default is 100
}

list "infrahub_tag" "some" {
  provider         = infrahub
  include_resource = true # with every attribute, for terraform query -json

  config {
    names = ["production", "staging"]
  }
}
