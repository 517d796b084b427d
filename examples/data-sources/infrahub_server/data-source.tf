data "infrahub_server" "this" {}

output "infrahub" {
  value = "${data.infrahub_server.this.version} at ${data.infrahub_server.this.address}"
}
