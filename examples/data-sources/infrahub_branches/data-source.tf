data "infrahub_branches" "all" {}

# The branches that may still change.
output "open" {
  value = [
    for branch in data.infrahub_branches.all.branches :
    branch.name if branch.status == "OPEN" && !branch.is_default
  ]
}
