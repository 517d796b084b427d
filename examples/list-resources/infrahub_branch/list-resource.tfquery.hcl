# terraform query lists the branches.
# terraform query -generate-config-out=generated.tf also writes their resource and import blocks.
list "infrahub_branch" "all" {
  provider = infrahub
}

list "infrahub_branch" "release" {
  provider = infrahub

  config {
    names = ["release-1.1.0"]
  }
}
