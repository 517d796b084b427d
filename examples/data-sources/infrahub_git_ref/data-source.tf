# The newest release below 2.0. Each plan looks it up again.
data "infrahub_git_ref" "release" {
  location = "https://git.example.com/network/automation.git"
  version  = "~> 1.0"
}

# The commit of a ref. The plan fails if the ref does not exist.
data "infrahub_git_ref" "main" {
  location = "https://git.example.com/network/automation.git"
  ref      = "main"
}

resource "infrahub_read_only_repository" "automation" {
  name     = "automation"
  location = data.infrahub_git_ref.release.location
  ref      = data.infrahub_git_ref.release.tag
}

output "unreleased" {
  value = data.infrahub_git_ref.main.commit != data.infrahub_git_ref.release.commit
}
