run "first_release" {
  variables {
    ref = "v1.0.0"
  }

  assert {
    condition     = infrahub_read_only_repository.automation.sync_status == "in-sync"
    error_message = "The first release is not imported."
  }
}

run "next_release" {
  variables {
    ref = "v1.1.0"
  }

  assert {
    condition     = output.commit != run.first_release.commit
    error_message = "The next release is not imported."
  }
}
