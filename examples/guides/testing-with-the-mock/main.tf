# A module that pins an automation repository to a release, and imports the next one on a branch.

terraform {
  required_providers {
    infrahub = {
      source = "infrahub-community/infrahub"
    }
  }
}

variable "location" {
  description = "Git repository to import: a URL, or an absolute path on the server."
  type        = string
}

variable "git_password" {
  description = "Password or token for the repository."
  type        = string
  sensitive   = true
}

variable "ref" {
  description = "Tag, branch or commit to import."
  type        = string
}

variable "candidate" {
  description = "Tag, branch or commit to import on a branch for review; null for none."
  type        = string
  default     = null
}

resource "infrahub_password_credential" "git" {
  name     = "automation"
  username = "bot"
  password = var.git_password
}

resource "infrahub_read_only_repository" "automation" {
  name          = "automation"
  location      = var.location
  ref           = var.ref
  credential_id = infrahub_password_credential.git.id
  tags          = ["production"]
}

resource "infrahub_branch" "candidate" {
  count         = var.candidate == null ? 0 : 1
  name          = "candidate"
  sync_with_git = false

  depends_on = [infrahub_read_only_repository.automation]
}

resource "infrahub_read_only_repository_ref" "candidate" {
  count         = var.candidate == null ? 0 : 1
  repository_id = infrahub_read_only_repository.automation.id
  branch        = infrahub_branch.candidate[0].name
  ref           = var.candidate
}

output "commit" {
  description = "The commit that Infrahub has imported."
  value       = infrahub_read_only_repository.automation.commit
}

output "candidate_commit" {
  description = "The commit that Infrahub has imported on the branch, null if there is none."
  value       = one(infrahub_read_only_repository_ref.candidate[*].commit)
}
