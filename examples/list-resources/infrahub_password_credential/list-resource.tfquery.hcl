# terraform query lists the credentials.
# terraform query -generate-config-out=generated.tf also writes their resource and import blocks.
list "infrahub_password_credential" "all" {
  provider = infrahub
}

list "infrahub_password_credential" "git" {
  provider = infrahub

  config {
    names = ["git-automation"]
  }
}
