# A branch on which a release is imported and reviewed before it is merged.
resource "infrahub_branch" "release" {
  name          = "release-1.1.0"
  description   = "The network automation of v1.1.0"
  sync_with_git = false
}
