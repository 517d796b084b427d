# Infrahub follows the default branch: its periodic sync imports each push.
resource "infrahub_repository" "automation" {
  name           = "automation"
  description    = "Schemas, transformations and checks"
  location       = "https://git.example.com/network/automation.git"
  default_branch = "main"

  # A change of any value imports the current commit again.
  reimport_triggers = {
    reason = "first import"
  }

  timeouts = {
    create = "15m"
    update = "15m"
  }
}
