# terraform query lists the read-write repositories.
# terraform query -generate-config-out=generated.tf also writes their resource and import blocks.
list "infrahub_repository" "all" {
  provider = infrahub
  limit    = 1000 # the default is 100
}

# Those that Infrahub could not import
list "infrahub_repository" "failed" {
  provider         = infrahub
  include_resource = true # with every attribute, for terraform query -json

  config {
    sync_status = "error-import"
  }
}

list "infrahub_repository" "production" {
  provider = infrahub

  config {
    tag                = "production"
    operational_status = "online"
  }
}
