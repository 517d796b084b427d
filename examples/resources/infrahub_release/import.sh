# By id of the repository
terraform import infrahub_release.automation 18eb02d4-7138-90e7-e333-1c4c16d41e07

# By its name
terraform import infrahub_release.automation automation
