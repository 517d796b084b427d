terraform {
  required_providers {
    infrahub = {
      source = "infrahub-community/infrahub"
    }
  }
}

# Each setting can also come from the environment: INFRAHUB_ADDRESS, INFRAHUB_API_TOKEN, …
provider "infrahub" {
  address   = "https://infrahub.example.com"
  api_token = var.infrahub_api_token
}

variable "infrahub_api_token" {
  type      = string
  sensitive = true
}
