# By its name, which must not be that of another proposed change; otherwise by its id.
data "infrahub_proposed_change" "release" {
  name = "Release 1.2"
}

output "merged" {
  value = data.infrahub_proposed_change.release.state == "merged"
}
