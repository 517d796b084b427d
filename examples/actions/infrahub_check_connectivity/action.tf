# By hand: terraform apply -invoke=action.infrahub_check_connectivity.automation
action "infrahub_check_connectivity" "automation" {
  config {
    repository_id = infrahub_repository.automation.id
  }
}

resource "infrahub_repository" "automation" {
  name     = "automation"
  location = "https://git.example.com/network/automation.git"

  # After each change, such as another credential. Infrahub itself connects only for the next
  # import.
  lifecycle {
    action_trigger {
      events  = [after_update]
      actions = [action.infrahub_check_connectivity.automation]
    }
  }
}
