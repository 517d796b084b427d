"""Reads with Infrahub's SDK what the module manages, and fails if it is not as it should be."""

import sys

from infrahub_sdk import Config, InfrahubClientSync

# The address and the token are in INFRAHUB_ADDRESS and INFRAHUB_API_TOKEN.
client = InfrahubClientSync(config=Config())
automation = client.get("CoreReadOnlyRepository", name__value="automation", include=["tags"])
found = {
    "ref": automation.ref.value,
    "status": automation.sync_status.value,
    "credential": automation.credential.display_label,
    "tags": [tag.display_label for tag in automation.tags.peers],
}
expected = {
    "ref": sys.argv[1],
    "status": "in-sync",
    "credential": "Automation",
    "tags": ["production"],
}
if found != expected:
    sys.exit(f"Infrahub has {found}, not {expected}")
print("Infrahub has what the module manages.")
