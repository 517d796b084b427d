# By id
terraform import infrahub_branch.release 18eb02d5-6d0d-d15f-e31c-1c4ce957f2db

# By name
terraform import infrahub_branch.release release-1.1.0
