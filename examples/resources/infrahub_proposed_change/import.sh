# By id
terraform import infrahub_proposed_change.release 18eb02fd-05af-dae7-e38a-1c4cab22c267

# By name, if it is unique
terraform import infrahub_proposed_change.release "Release 1.1.0"
