#!/bin/sh
# Creates ./automation, a Git repository with the releases v1.0.0 and v1.1.0 for Infrahub to import.
set -eu

git init --quiet --initial-branch main automation
for release in v1.0.0 v1.1.0; do
  printf 'queries: []\n# %s\n' "$release" >automation/.infrahub.yml
  git -C automation add .infrahub.yml
  git -C automation -c user.name=Automation -c user.email=automation@example.com \
    commit --quiet --message "$release"
  git -C automation tag "$release"
done
