# A branch that Infrahub follows: what is pushed to it is imported by the server's periodic sync.
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
