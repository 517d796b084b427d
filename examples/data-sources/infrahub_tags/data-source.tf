data "infrahub_tags" "all" {}

output "tags" {
  value = data.infrahub_tags.all.tags[*].name
}
