terraform {
  required_providers {
    infrahub = {
      source = "infrahub-community/infrahub"
    }
  }
}

provider "infrahub" {
  address     = "https://infrahub.example.com"
  tls_ca_file = "/etc/ssl/certs/example-authority.pem"
  proxy       = "http://proxy.example.com:8080"
}
