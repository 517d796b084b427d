resource "infrahub_branch" "release" {
  name          = "release-1.1.0"
  sync_with_git = false
}

# Infrahub checks the branch. People review and merge it in Infrahub.
resource "infrahub_proposed_change" "release" {
  name          = "Release 1.1.0"
  description   = "See the changes of v1.1.0."
  source_branch = infrahub_branch.release.name

  lifecycle {
    replace_triggered_by = [infrahub_branch.release.id] # propose again if the branch is replaced
  }
}
