# A branch that somebody else created.
data "infrahub_branch" "release" {
  name = "release-1.2"
}

resource "infrahub_proposed_change" "release" {
  name          = "Release 1.2"
  source_branch = data.infrahub_branch.release.name

  lifecycle {
    precondition {
      condition     = data.infrahub_branch.release.status == "OPEN"
      error_message = "The branch takes no more changes."
    }
  }
}
