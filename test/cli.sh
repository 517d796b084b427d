#!/usr/bin/env bash
# Runs a command with the Terraform or OpenTofu to test with in TF_ACC_TERRAFORM_PATH: the one that is set there already,
# else `terraform`, else `tofu`, else a terraform that hc-install gets into .cache/. The user's CLI settings stay outside.
set -euo pipefail
top=$(cd "$(dirname "$0")/.." && pwd)
version=1.15.9 # of the terraform to get

cli=${TF_ACC_TERRAFORM_PATH:-$(command -v terraform || command -v tofu || true)}
if [ -z "$cli" ]; then
  cli=$top/.cache/cli/terraform
  if [ ! -x "$cli" ]; then
    echo "Neither terraform nor tofu is on PATH: getting terraform into .cache/cli/" >&2
    mkdir -p "$top/.cache/cli"
    if ! go -C "$top/tools" tool hc-install install -version "$version" -path "$top/.cache/cli" terraform >&2; then
      echo "Could not get it. Install terraform (https://developer.hashicorp.com/terraform/install) or tofu (https://opentofu.org/docs/intro/install)," >&2
      echo "or set TF_ACC_TERRAFORM_PATH to the path of either." >&2
      exit 1
    fi
  fi
  export PATH=$top/.cache/cli:$PATH # tfplugindocs looks for it there
fi
export TF_ACC_TERRAFORM_PATH=$cli

# Before the CLI is asked for its name: it prints a warning first if its settings are missing.
export TF_CLI_CONFIG_FILE=/dev/null CHECKPOINT_DISABLE=1
unset TF_CLI_ARGS TF_DATA_DIR TF_WORKSPACE

case $("$cli" version 2>/dev/null) in
  OpenTofu*) export TF_ACC_PROVIDER_HOST=registry.opentofu.org TF_ACC_PROVIDER_NAMESPACE=hashicorp ;;
esac

exec "$@"
