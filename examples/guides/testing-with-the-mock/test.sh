#!/bin/sh
# Starts a mock and tests the module in this directory against it, with terraform or tofu.
set -eu

cli=$(command -v terraform || command -v tofu) ||
  { echo "Neither terraform nor tofu is on PATH." >&2; exit 1; }
scratch=$(mktemp -d)
infrahub-mock --listen 127.0.0.1:8123 --seed tests/seed.yaml >"$scratch/mock.log" 2>&1 &
mock=$!
trap 'kill "$mock"; rm -rf "$scratch"' EXIT

# Create a Git repository with two releases for the mock to import.
git init --quiet --initial-branch main "$scratch/clone"
for release in v1.0.0 v1.1.0; do
  printf 'queries: []\n# %s\n' "$release" >"$scratch/clone/.infrahub.yml"
  git -C "$scratch/clone" add .
  git -C "$scratch/clone" -c user.name=Automation -c user.email=automation@example.com \
    commit --quiet --message "$release"
  git -C "$scratch/clone" tag "$release"
done
git clone --quiet --bare "$scratch/clone" "$scratch/automation.git"

export INFRAHUB_ADDRESS=http://127.0.0.1:8123
export INFRAHUB_API_TOKEN=11111111-2222-4333-8444-555555555555
export TF_VAR_location="$scratch/automation.git"
until curl --silent --fail --output /dev/null "$INFRAHUB_ADDRESS/api/info"; do sleep 0.1; done

"$cli" init -input=false
"$cli" test
