variables {
  git_password = "not-a-secret"
}

run "first_release" {
  variables {
    ref       = "v1.0.0"
    candidate = "v1.1.0"
  }

  assert {
    condition     = infrahub_read_only_repository.automation.sync_status == "in-sync"
    error_message = "The first release is not imported."
  }

  assert {
    condition     = output.candidate_commit != output.commit
    error_message = "The branch does not have the next release."
  }
}

run "next_release" {
  variables {
    ref       = "v1.1.0"
    candidate = "v1.1.0"
  }

  assert {
    condition     = output.commit == output.candidate_commit
    error_message = "The next release is not imported."
  }
}
