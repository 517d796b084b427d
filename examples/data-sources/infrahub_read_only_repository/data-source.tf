data "infrahub_read_only_repository" "automation" {
  name = "automation"
}

# Warns in every plan if the last import failed.
check "automation_is_imported" {
  assert {
    condition     = data.infrahub_read_only_repository.automation.sync_status == "in-sync"
    error_message = "Not imported: ${data.infrahub_read_only_repository.automation.ref}."
  }
}
