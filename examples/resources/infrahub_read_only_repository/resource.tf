# A repository that is pinned to a release. To roll out the next release, change `ref` and apply.
# The plan shows that one line, and apply ends when Infrahub has imported the commit.
resource "infrahub_read_only_repository" "automation" {
  name     = "automation"
  location = "https://git.example.com/network/automation.git"
  ref      = "v1.0.0"
}

output "imported_commit" {
  value = infrahub_read_only_repository.automation.commit
}
