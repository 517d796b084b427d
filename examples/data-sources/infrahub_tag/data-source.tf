# A tag that somebody else manages.
data "infrahub_tag" "core" {
  name = "core"
}

resource "infrahub_read_only_repository" "automation" {
  name     = "automation"
  location = "https://git.example.com/network/automation.git"
  ref      = "v1.0.0"
  tags     = [data.infrahub_tag.core.name]
}
