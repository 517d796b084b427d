resource "infrahub_branch" "automatic" {
  name          = "release-1.2.0"
  sync_with_git = false
}

# The apply merges the branch once Infrahub's checks have passed.
resource "infrahub_proposed_change" "automatic" {
  name          = "Release 1.2.0"
  source_branch = infrahub_branch.automatic.name
  merge         = true

  lifecycle {
    replace_triggered_by = [infrahub_branch.automatic.id]
  }
}
