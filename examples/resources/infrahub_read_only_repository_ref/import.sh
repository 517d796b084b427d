# By id of the repository and name of the branch
terraform import infrahub_read_only_repository_ref.release \
  18eb02d4-7138-90e7-e333-1c4c16d41e07/release-1.1.0

# By names of the repository and the branch
terraform import infrahub_read_only_repository_ref.release automation/release-1.1.0
