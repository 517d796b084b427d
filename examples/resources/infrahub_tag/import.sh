# By id
terraform import infrahub_tag.production 7d1c1f5e-2b0f-4d59-8a35-5f0f0b7c9a11

# By name
terraform import infrahub_tag.production production
