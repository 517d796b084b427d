# terraform query lists the read-only repositories.
# terraform query -generate-config-out=generated.tf also writes their resource and import blocks.
list "infrahub_read_only_repository" "all" {
  provider = infrahub
  limit    = 1000 # the default is 100
}

# Those that use one credential
list "infrahub_read_only_repository" "with_credential" {
  provider = infrahub

  config {
    credential_id = "0e4c2f6a-5a0b-4d0e-9f6d-3c1f5b7a9e21"
  }
}

# Those in production that Infrahub reaches
list "infrahub_read_only_repository" "production" {
  provider         = infrahub
  include_resource = true # with every attribute, for terraform query -json

  config {
    tag                = "production"
    operational_status = "online"
  }
}
