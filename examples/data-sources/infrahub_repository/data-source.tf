data "infrahub_repository" "automation" {
  name = "automation"
}

output "commit" {
  value = data.infrahub_repository.automation.commit
}
