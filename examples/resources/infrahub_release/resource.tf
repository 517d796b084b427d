resource "infrahub_read_only_repository" "automation" {
  name     = "automation"
  location = "https://git.example.com/network/automation.git"
  ref      = "v1.0.0" # of the first import

  lifecycle {
    ignore_changes = [ref] # infrahub_release brings the next ones
  }
}

# The next release is this line: it is imported on a branch, checked by Infrahub, and merged.
resource "infrahub_release" "automation" {
  repository_id = infrahub_read_only_repository.automation.id
  ref           = "v1.0.0"
  merge         = "when_checks_pass" # or "by_reviewer"
}
