resource "infrahub_read_only_repository" "automation" {
  name     = "automation"
  location = "https://git.example.com/network/automation.git"
  ref      = "v1.0.0"
}

# Create the branch after the repository is imported: an older branch does not keep a ref.
resource "infrahub_branch" "release" {
  name          = "release-1.1.0"
  sync_with_git = false
  depends_on    = [infrahub_read_only_repository.automation]
}

# The next release, on the branch only.
resource "infrahub_read_only_repository_ref" "release" {
  repository_id = infrahub_read_only_repository.automation.id
  branch        = infrahub_branch.release.name
  ref           = "v1.1.0"

  lifecycle {
    # Set the ref again if the branch is replaced.
    replace_triggered_by = [infrahub_branch.release.id]
  }
}
