terraform {
  required_providers {
    infrahub = {
      source = "infrahub-community/infrahub"
    }
  }
}

provider "infrahub" {} # reads INFRAHUB_ADDRESS and INFRAHUB_API_TOKEN

resource "infrahub_repository" "design" {
  name     = "design"
  location = "https://git.example.com/network/design.git"
}

# Each plan and apply warns if Infrahub does not reach the repository any more, or could not import
# the last push.
check "design_is_healthy" {
  assert {
    condition     = infrahub_repository.design.operational_status == "online"
    error_message = "Infrahub does not reach it: ${infrahub_repository.design.operational_status}."
  }

  assert {
    condition     = infrahub_repository.design.sync_status != "error-import"
    error_message = "Infrahub could not import the last push. Its Tasks tab shows why."
  }
}
