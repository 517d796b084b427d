#!/usr/bin/env bash
# Builds a release as .goreleaser.yml describes it, without publishing it, and uses its archives as a user would: the mock from its
# archive, the provider from a filesystem mirror. TF_ACC_TERRAFORM_PATH is the CLI: test/cli.sh sets it.
#
#   release.sh [DIST]    checks the release in DIST instead of building one
set -euo pipefail
cd "$(dirname "$0")/.."

work=$(mktemp -d)
mock=
finish() {
  if [ -n "$mock" ]; then kill "$mock" 2>/dev/null || true; fi
  rm -rf "$work"
}
trap finish EXIT
fail() { echo "release-check: $*" >&2; exit 1; }
skipped=()
skip() { skipped+=("$1"); echo "==> Not checked: $1"; }
# macOS and BSDs have shasum instead of sha256sum, or a sha256sum without long options.
checksums() { if command -v sha256sum >/dev/null; then sha256sum "$@"; else shasum -a 256 "$@"; fi; }

dist=${1:-}
if [ -z "$dist" ]; then
  dist=dist
  skips=publish
  if ! command -v syft >/dev/null; then
    echo "==> Building syft, which is not on PATH: it takes some minutes"
    if GOBIN=$work/bin go install github.com/anchore/syft/cmd/syft@v1.57.1; then
      export PATH=$work/bin:$PATH
    else
      skips+=,sbom
      skip "SBOMs: syft is not on PATH, and could not be built"
    fi
  fi
  if ! docker buildx version >/dev/null 2>&1 || ! docker info >/dev/null 2>&1; then
    skips+=,docker
    skip "the container image: no docker with buildx is running"
  fi
  if command -v gpg >/dev/null; then
    # A key for this run alone: the signature is checked, not who signed.
    export GNUPGHOME=$work/gpg
    mkdir -m 700 "$GNUPGHOME"
    gpg --batch --quiet --passphrase '' --quick-generate-key release-check rsa3072 sign never 2>/dev/null
    GPG_FINGERPRINT=$(gpg --batch --list-keys --with-colons 2>/dev/null | awk -F: '/^fpr/ { print $10; exit }')
    export GPG_FINGERPRINT
  else
    skips+=,sign
    skip "the signature: gpg is not installed"
  fi
  goreleaser=(go run github.com/goreleaser/goreleaser/v2@v2.14.1)
  "${goreleaser[@]}" check
  "${goreleaser[@]}" release --snapshot --clean --skip="$skips"
fi

version=$(sed -E 's/.*"version":"([^"]+)".*/\1/' "$dist/metadata.json")
name=terraform-provider-infrahub_$version
target=$(go env GOOS)_$(go env GOARCH)
echo "==> Artefacts of $version"
for artefact in "$dist/infrahub-mock_"* "$dist/terraform-provider-infrahub_"*; do
  [ ! -f "$artefact" ] || printf '  %-72s %7d KiB\n' "$(basename "$artefact")" $((($(wc -c <"$artefact") + 1023) / 1024))
done

echo "==> Checksums"
# The manifest is published under another name than its file has.
cp terraform-registry-manifest.json "$dist/${name}_manifest.json"
(cd "$dist" && checksums -c "${name}_SHA256SUMS" >"$work/checksums") || fail "a checksum is wrong: $(grep -v ': OK$' "$work/checksums")"
for archive in "$dist"/*.zip "$dist"/*.tar.gz "$dist/${name}_manifest.json"; do
  grep -q " $(basename "$archive")\$" "$dist/${name}_SHA256SUMS" || fail "${name}_SHA256SUMS lacks $(basename "$archive")"
done
if [ -f "$dist/${name}_SHA256SUMS.sig" ] && [ -n "${GPG_FINGERPRINT:-}" ]; then
  gpg --batch --quiet --verify "$dist/${name}_SHA256SUMS.sig" "$dist/${name}_SHA256SUMS" 2>/dev/null || fail "the signature is wrong"
  echo "  all are right, and signed"
else
  echo "  all are right"
fi

if [[ ${skipped[*]-} != *SBOMs* ]]; then
  echo "==> SBOMs"
  for archive in "$dist"/*.zip "$dist"/*.tar.gz; do
    # Both programs contain this module.
    grep -q 'pkg:golang/github.com/go-git/go-git' "$archive.sbom.json" || fail "the SBOM of $(basename "$archive") does not list its modules"
  done
  echo "  each archive has one, which lists its modules"
fi

echo "==> The mock, from its archive"
tar -xzf "$dist/infrahub-mock_${version}_$target.tar.gz" -C "$work"
"$work/infrahub-mock" -listen 127.0.0.1:0 -delay none >"$work/mock.out" 2>&1 &
mock=$!
for _ in $(seq 100); do
  grep -q INFRAHUB_API_TOKEN= "$work/mock.out" && break
  kill -0 "$mock" 2>/dev/null || fail "the mock ended: $(cat "$work/mock.out")"
  sleep 0.1
done
settings=$(grep -E '^  export ' "$work/mock.out") || fail "the mock did not start: $(cat "$work/mock.out")"
eval "$settings"
head -n 1 "$work/mock.out" | sed 's/^/  /'

echo "==> The provider, from its archive in a filesystem mirror: no registry, no development override"
for host in registry.terraform.io registry.opentofu.org; do
  mirror=$work/mirror/$host/infrahub-community/infrahub
  mkdir -p "$mirror"
  cp "$dist/${name}_$target.zip" "$mirror"
done
mkdir "$work/module"
cat >"$work/module/main.tf" <<EOF
terraform {
  required_providers {
    infrahub = {
      source  = "infrahub-community/infrahub"
      version = "$version"
    }
  }
}

resource "infrahub_tag" "release" {
  name = "release-check"
}

data "infrahub_server" "mock" {}

output "server" {
  value = data.infrahub_server.mock.version
}
EOF
printf 'provider_installation {\n  filesystem_mirror {\n    path = "%s"\n  }\n}\n' "$work/mirror" >"$work/cli.tfrc"
export TF_CLI_CONFIG_FILE=$work/cli.tfrc TF_IN_AUTOMATION=1 TF_INPUT=0
terraform=("$TF_ACC_TERRAFORM_PATH" "-chdir=$work/module")
"${terraform[@]}" init -no-color | grep -E 'Install' || fail "init did not install the provider"
"${terraform[@]}" apply -no-color -auto-approve | grep -E '^(infrahub_|Apply|server)' || fail "apply failed"
"${terraform[@]}" plan -no-color -detailed-exitcode >/dev/null || fail "a second plan is not empty"
"${terraform[@]}" destroy -no-color -auto-approve | grep -E '^Destroy complete'

echo
if [ ${#skipped[@]} -gt 0 ]; then
  printf 'Not checked: %s\n' "${skipped[@]}"
fi
echo "The release can be installed and used."
