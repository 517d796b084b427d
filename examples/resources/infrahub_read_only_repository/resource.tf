# A release, pinned. To roll out the next one change `ref` and apply: the plan shows that one line,
# and apply ends when Infrahub has imported the commit.
resource "infrahub_read_only_repository" "automation" {
  name     = "automation"
  location = "https://git.example.com/network/automation.git"
  ref      = "v1.0.0"
}

output "imported_commit" {
  value = infrahub_read_only_repository.automation.commit
}
