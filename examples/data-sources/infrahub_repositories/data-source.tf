# All repositories of both kinds.
data "infrahub_repositories" "all" {}

# The read-only repositories with a tag whose import failed.
data "infrahub_tag" "core" {
  name = "core"
}

data "infrahub_repositories" "failed" {
  kind        = "CoreReadOnlyRepository"
  tag         = data.infrahub_tag.core.name
  sync_status = "error-import"
}

output "refs" {
  value = {
    for repository in data.infrahub_repositories.all.repositories :
    repository.name => repository.ref
  }
}

output "failed" {
  value = data.infrahub_repositories.failed.repositories[*].name
}
