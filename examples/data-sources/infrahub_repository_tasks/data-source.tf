data "infrahub_read_only_repository" "automation" {
  name = "automation"
}

data "infrahub_repository_tasks" "automation" {
  repository_id = data.infrahub_read_only_repository.automation.id
  limit         = 20
}

# Why the latest imports failed.
output "reasons" {
  value = {
    for task in data.infrahub_repository_tasks.automation.tasks :
    task.id => task.reason if task.reason != null
  }
}
