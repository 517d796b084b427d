# A read-only repository that is pinned to a branch. After a push to it:
#   terraform apply -invoke=action.infrahub_import_latest_commit.automation
resource "infrahub_read_only_repository" "automation" {
  name     = "automation"
  location = "https://git.example.com/network/automation.git"
  ref      = "main"
}

action "infrahub_import_latest_commit" "automation" {
  config {
    repository_id = infrahub_read_only_repository.automation.id
  }
}
