mock_provider "infrahub" {}

variables {
  location     = "https://git.example.com/automation.git"
  git_password = "not-a-secret"
  ref          = "v1.0.0"
}

run "repository_uses_the_credential" {
  assert {
    condition = (
      infrahub_read_only_repository.automation.credential_id ==
      infrahub_password_credential.git.id
    )
    error_message = "The repository has another credential."
  }

  assert {
    condition     = length(infrahub_branch.candidate) == 0
    error_message = "There is a branch without a candidate."
  }
}

run "candidate_is_imported_on_its_branch" {
  variables {
    candidate = "v1.1.0"
  }

  assert {
    condition = (
      infrahub_read_only_repository_ref.candidate[0].repository_id ==
      infrahub_read_only_repository.automation.id
    )
    error_message = "The ref is of another repository."
  }

  assert {
    condition = (
      infrahub_read_only_repository_ref.candidate[0].branch ==
      infrahub_branch.candidate[0].name
    )
    error_message = "The ref is on another branch."
  }
}
