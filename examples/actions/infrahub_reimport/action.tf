# A tag that objects of the repository refer to. When it changes, Infrahub imports the same commit
# again.
resource "infrahub_tag" "core" {
  name        = "core"
  description = "The core network"

  lifecycle {
    action_trigger {
      events  = [after_update]
      actions = [action.infrahub_reimport.automation]
    }
  }
}

resource "infrahub_repository" "automation" {
  name     = "automation"
  location = "https://git.example.com/network/automation.git"
}

# By hand: terraform apply -invoke=action.infrahub_reimport.automation
action "infrahub_reimport" "automation" {
  config {
    repository_id = infrahub_repository.automation.id
    timeouts = {
      invoke = "30m"
    }
  }
}
