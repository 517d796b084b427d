terraform {
  required_providers {
    infrahub = {
      source = "infrahub-community/infrahub"
    }
  }
}

provider "infrahub" {} # reads INFRAHUB_ADDRESS and INFRAHUB_API_TOKEN

# The repositories to adopt. Without a filter: all.
data "infrahub_repositories" "network" {
  tag = "network"
}

# The credentials and the tags that they use.
data "infrahub_password_credential" "network" {
  for_each = toset(compact(data.infrahub_repositories.network.repositories[*].credential_id))
  id       = each.value
}

data "infrahub_tags" "network" {
  names = distinct(flatten(data.infrahub_repositories.network.repositories[*].tags))
}

locals {
  types = {
    CoreRepository         = "infrahub_repository"
    CoreReadOnlyRepository = "infrahub_read_only_repository"
  }
  objects = concat(
    [for credential in data.infrahub_password_credential.network : {
      type = "infrahub_password_credential", name = credential.name, id = credential.id
    }],
    [for tag in data.infrahub_tags.network.tags : {
      type = "infrahub_tag", name = tag.name, id = tag.id
    }],
    [for repository in data.infrahub_repositories.network.repositories : {
      type = local.types[repository.kind], name = repository.name, id = repository.id
    }],
  )
}

# An import block for each object. A label of a resource has letters, digits, _ and -, and no digit
# or - at its beginning.
output "import_blocks" {
  value = join("\n", [for object in local.objects : <<-EOT
    import {
      to = ${object.type}.${replace(replace(object.name, "/[^\\w-]/", "_"), "/^[0-9-]/", "_$0")}
      id = "${object.id}"
    }
  EOT
  ])
}
