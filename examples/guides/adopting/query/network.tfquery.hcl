list "infrahub_repository" "network" {
  provider = infrahub
  limit    = 1000 # the default is 100

  config {
    tag = "network"
  }
}

list "infrahub_read_only_repository" "network" {
  provider = infrahub
  limit    = 1000

  config {
    tag = "network"
  }
}

list "infrahub_password_credential" "network" {
  provider = infrahub

  config {
    names = ["git", "git-read"]
  }
}

list "infrahub_tag" "network" {
  provider = infrahub

  config {
    names = ["network", "pinned"]
  }
}
