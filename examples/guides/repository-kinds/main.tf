terraform {
  required_providers {
    infrahub = {
      source = "infrahub-community/infrahub"
    }
  }
}

provider "infrahub" {} # reads INFRAHUB_ADDRESS and INFRAHUB_API_TOKEN

# The repository in which this Infrahub's own schemas, queries and checks are developed. Infrahub
# imports each push.
resource "infrahub_repository" "design" {
  name           = "design"
  location       = "https://git.example.com/network/design.git"
  default_branch = "main"
}

# A library that several Infrahub servers share. Each server takes a new release when its
# configuration says so.
resource "infrahub_read_only_repository" "library" {
  name     = "library"
  location = "https://git.example.com/network/library.git"
  ref      = "v1.0.0"
}
