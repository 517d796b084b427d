# By id
terraform import infrahub_read_only_repository.automation c5a1d9be-7f0a-4b6e-b1c4-8d2e6f4a7b93

# By name
terraform import infrahub_read_only_repository.automation automation
