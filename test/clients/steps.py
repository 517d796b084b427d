"""Makes every call that Infrahub's SDK and infrahubctl offer on the kinds of infrahub-mock, and prints the answers.

The answers are JSON, one step a line, in which ids, times and the like are replaced: so those of two servers can be
compared. A step that fails answers with its error. Everything is created under names of its own, and deleted.
"""

import asyncio
import json
import os
import re
import secrets
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from infrahub_sdk import Config, InfrahubClient, InfrahubClientSync
from infrahub_sdk.ctl.cli_commands import app
from infrahub_sdk.task.models import TaskFilter, TaskState
from infrahub_sdk.types import Order
from typer.testing import CliRunner

TAG, CREDENTIAL, ANY_CREDENTIAL = "BuiltinTag", "CorePasswordCredential", "CoreCredential"
READ_ONLY, READ_WRITE, ANY_REPOSITORY = "CoreReadOnlyRepository", "CoreRepository", "CoreGenericRepository"
QUERY, CHECK, CHANGE = "CoreGraphQLQuery", "CoreCheckDefinition", "CoreProposedChange"
KINDS = [TAG, CREDENTIAL, ANY_CREDENTIAL, READ_ONLY, READ_WRITE, ANY_REPOSITORY, QUERY, CHECK, CHANGE]

SUFFIX = "sdk" + secrets.token_hex(3)
ADDRESS, TOKEN = os.environ["INFRAHUB_ADDRESS"], os.environ["INFRAHUB_API_TOKEN"]
PASSWORD = os.environ.get("INFRAHUB_PASSWORD", "infrahub")
UNREACHABLE = "http://127.0.0.1:1/none.git"


def client_with(**settings):
    return InfrahubClientSync(address=ADDRESS, config=Config(timeout=120, **settings))


client = client_with(api_token=TOKEN)
scratch = tempfile.TemporaryDirectory(prefix="infrahub-clients-")


def name(base):
    return f"{base}-{SUFFIX}"


def own(nodes):
    """Returns the labels of the nodes that this run has made, sorted."""
    return sorted(str(n.display_label) for n in nodes if SUFFIX in str(n.display_label))


def values(node, *attributes):
    return {a: getattr(node, a).value for a in attributes}


# --- Git and imports


def git(directory, *arguments):
    identity = ("-c", "user.name=clients", "-c", "user.email=clients@example.com")
    subprocess.run(["git", "-C", directory, *identity, *arguments], check=True, capture_output=True)


def make_remote(base, query="{ BuiltinTag { count } }"):
    """Makes a Git repository with a query and two releases, and returns its location."""
    directory = Path(scratch.name) / base
    directory.mkdir()
    git(directory, "init", "--initial-branch=main")
    for release in ("v1.0.0", "v1.1.0"):
        (directory / ".infrahub.yml").write_text(
            f"# {release}\nqueries:\n  - name: {name(base)}\n    file_path: query.gql\n"
        )
        (directory / "query.gql").write_text(query)
        git(directory, "add", ".")
        git(directory, "commit", "-m", release)
        git(directory, "tag", release)
    return str(directory)


def settle(identifier, want=lambda repository: repository.commit.value, kind=READ_ONLY):
    """Waits until the imports of a repository have ended, and returns it."""
    for _ in range(300):
        running = [TaskState.SCHEDULED, TaskState.PENDING, TaskState.RUNNING]
        repository = client.get(kind, id=identifier, populate_store=False)
        busy = client.task.count(TaskFilter(related_node__ids=[identifier], state=running))
        if not busy and want(repository):
            return repository
        time.sleep(0.2)
    raise TimeoutError(f"the imports of {kind} did not end")


# --- infrahubctl, in this process: it takes seconds to start


def ctl(*arguments, stdin=""):
    """Runs infrahubctl and returns its exit code, and what it prints of this run's objects, or its errors."""
    result = CliRunner(env={"COLUMNS": "300", "TERM": "dumb"}).invoke(app, [str(a) for a in arguments], input=stdin)
    lines = [" ".join(re.sub(r"[│┃]", " ", line).split()) for line in result.output.splitlines()]
    shown = [line for line in lines if SUFFIX in line]
    if result.exit_code:
        shown = [line for line in lines if line and not re.match(r"^[─━┏┡┣╭╰└┌]", line)][:12]
    return {"exit": result.exit_code, "shown": shown}


def written(file, content):
    path = Path(scratch.name) / file
    path.write_text(content)
    return path


# --- The steps

STEPS = []


def step(function):
    STEPS.append(function)
    return function


@step
def server_version():
    return client.get_version().split(".")[0]


@step
def server_information():
    return sorted(client.get_server_information().model_dump())


@step
def server_user():
    profile = client.get_user()["AccountProfile"]
    return {key: profile[key] for key in ("display_label", "account_type", "status", "label", "name", "__typename")}


@step
def server_user_groups():
    return client.get_user()["AccountProfile"]["member_of_groups"]["count"]


@step
def server_user_permissions():
    return client.get_user_permissions()


@step
def login_with_password():
    return client_with(username="admin", password=PASSWORD).branch.get("main").name


@step
def login_with_wrong_password():
    return client_with(username="admin", password="wrong").branch.get("main").name


@step
def login_with_wrong_token():
    return client_with(api_token="wrong").branch.get("main").name


@step
def schema_with_wrong_token():
    return client_with(api_token="wrong").schema.get(TAG).kind


@step
def schema_of_unknown_branch():
    return client.schema.get(TAG, branch=name("none")).kind


@step
def schema_all():
    return sorted(kind for kind in client.schema.all() if kind in KINDS)


def schema_attributes(kind):
    return {
        a.name: {key: getattr(a, key) for key in ("kind", "optional", "unique", "read_only", "default_value", "branch", "inherited", "label")}
        for a in client.schema.get(kind).attributes
    }


@step
def schema_attributes_of_tag():
    return schema_attributes(TAG)


@step
def schema_attributes_of_credential():
    return schema_attributes(CREDENTIAL)


@step
def schema_attributes_of_read_only_repository():
    return schema_attributes(READ_ONLY)


@step
def schema_attributes_of_repository():
    return schema_attributes(READ_WRITE)


@step
def schema_attributes_of_proposed_change():
    return sorted(schema_attributes(CHANGE))


@step
def schema_relationships_of_repository():
    relationships = client.schema.get(READ_ONLY).relationships
    return {r.name: [r.peer, r.cardinality, r.kind, r.optional] for r in relationships if r.name in ("credential", "tags")}


@step
def schema_all_relationships_of_repository():
    return sorted(r.name for r in client.schema.get(READ_ONLY).relationships)


@step
def schema_of_generic():
    generic = client.schema.get(ANY_REPOSITORY)
    return [generic.kind, sorted(generic.used_by), generic.human_friendly_id, sorted(a.name for a in generic.attributes)]


@step
def schema_identification():
    found = {kind: client.schema.get(kind) for kind in KINDS}
    return {kind: [s.human_friendly_id, getattr(s, "default_filter", None), s.display_labels] for kind, s in found.items()}


@step
def schema_of_unknown_kind():
    return client.schema.get("NoSuchKind").kind


@step
def schema_fetch_of_namespace():
    return sorted(kind for kind in client.schema.fetch("main", namespaces=["Builtin"], populate_cache=False) if kind in KINDS)


@step
def schema_in_sync():
    return client.schema.in_sync()


@step
def schema_converged():
    return client.schema.wait_until_converged()


@step
def schema_export():
    return sorted(client.schema.export().namespaces)


@step
def schema_as_graphql():
    text = client.schema.get_graphql_schema()
    return [f"type {kind} " in text or f"interface {kind} " in text for kind in KINDS]


@step
def schema_as_graphql_of_unknown_branch():
    return client.schema.get_graphql_schema(branch=name("none"))


@step
def schema_check():
    return client.schema.check([{"version": "1.0", "nodes": []}])[0]


@step
def tag_create():
    node = client.create(TAG, name=name("a"), description="first")
    node.save()
    return {"id": node.id, **values(node, "name", "description")}


@step
def tag_create_with_id():
    node = client.create(TAG, data={"name": name("b"), "description": {"value": "with owner", "is_protected": True}})
    node.save()
    return values(node, "name", "description")


@step
def tag_create_with_a_taken_name():
    client.create(TAG, name=name("a")).save()


@step
def tag_create_without_name():
    client.create(TAG, description="none").save()


@step
def tag_create_with_special_text():
    node = client.create(TAG, name=name("ü"), description='a "quoted" text,\nand a line')
    node.save()
    return values(client.get(TAG, id=node.id), "name", "description")


@step
def tag_get_by_id():
    identifier = client.get(TAG, name__value=name("a")).id
    return values(client.get(TAG, id=identifier), "name", "description")


@step
def tag_get_by_default_filter():
    return values(client.get(TAG, id=name("a")), "name")


@step
def tag_get_by_hfid():
    node = client.get(TAG, hfid=[name("a")])
    return [node.hfid, node.display_label, node.typename, node.get_kind()]


@step
def tag_get_with_properties():
    node = client.get(TAG, name__value=name("a"), property=True)
    text = node.description
    return [text.value, text.is_default, text.is_from_profile, text.is_protected, text.source, text.owner]


@step
def tag_get_protected():
    return client.get(TAG, name__value=name("b"), property=True).description.is_protected


@step
def tag_get_with_metadata():
    metadata = client.get(TAG, name__value=name("a"), include_metadata=True).get_node_metadata()
    return [metadata.created_at, metadata.updated_at, metadata.created_by and metadata.created_by.display_label]


@step
def tag_get_missing():
    return client.get(TAG, name__value=name("none"))


@step
def tag_get_missing_quietly():
    return client.get(TAG, name__value=name("none"), raise_when_missing=False)


@step
def tag_get_with_unknown_filter():
    return client.get(TAG, nosuch__value="a")


@step
def tag_get_on_unknown_branch():
    return client.get(TAG, name__value="a", branch=name("none"))


@step
def tag_get_in_the_past():
    return client.get(TAG, name__value=name("a"), at="2020-01-01T00:00:00Z", raise_when_missing=False)


@step
def tag_batch():
    batch = client.create_batch()
    for letter in "cde":
        node = client.create(TAG, name=name(letter), description="batch")
        batch.add(task=node.save, node=node)
    return own(node for node, _ in batch.execute())


@step
def tag_all():
    return own(client.all(TAG))


@step
def tag_all_parallel():
    return own(client.all(TAG, parallel=True))


@step
def tag_all_without_order():
    return own(client.all(TAG, order=Order(disable=True)))


@step
def tag_count():
    return client.count(TAG, name__values=[name("a"), name("b"), name("none")])


@step
def tag_filter_by_names():
    return own(client.filters(TAG, name__values=[name("a"), name("c")]))


@step
def tag_filter_by_ids():
    return own(client.filters(TAG, ids=[client.get(TAG, name__value=name("a")).id]))


@step
def tag_filter_by_description():
    return own(client.filters(TAG, description__value="batch"))


@step
def tag_filter_by_any_value():
    return own(client.filters(TAG, any__value="batch"))


@step
def tag_filter_by_any_value_partly():
    return own(client.filters(TAG, any__value=SUFFIX[1:], partial_match=True))


@step
def tag_filter_partly():
    return own(client.filters(TAG, name__value=SUFFIX.upper(), partial_match=True))


@step
def tag_filter_by_unset():
    return own(client.filters(TAG, name__value=SUFFIX, description__isnull=True, partial_match=True))


@step
def tag_filter_page():
    return [n.display_label for n in client.filters(TAG, name__values=[name(x) for x in "abcd"], offset=1, limit=2)]


@step
def tag_filter_without_attributes():
    node = client.filters(TAG, name__value=name("a"), exclude=["description"])[0]
    return [node.name.value, node.description.value]


@step
def tag_update():
    node = client.get(TAG, name__value=name("a"))
    node.description.value = "second"
    node.save()
    return values(client.get(TAG, id=node.id), "name", "description")


@step
def tag_update_nothing():
    node = client.get(TAG, name__value=name("a"))
    node.save()
    return values(node, "name", "description")


@step
def tag_update_to_null():
    node = client.get(TAG, name__value=name("c"))
    node.description.value = None
    node.save()
    return values(client.get(TAG, id=node.id), "description")


@step
def tag_update_protection_and_owner():
    node = client.get(TAG, name__value=name("a"))
    node.description.is_protected = True
    node.save()
    return client.get(TAG, id=node.id, property=True).description.is_protected


@step
def tag_upsert_of_existing():
    node = client.create(TAG, name=name("a"), description="third")
    node.save(allow_upsert=True)
    return [node.id == client.get(TAG, name__value=name("a")).id, client.get(TAG, id=node.id).description.value]


@step
def tag_upsert_of_new():
    node = client.create(TAG, name=name("f"), description="upserted")
    node.save(allow_upsert=True)
    return values(client.get(TAG, id=node.id), "name", "description")


@step
def tag_store():
    client.get(TAG, name__value=name("a"))
    return client.store.get(kind=TAG, key=name("a")).display_label


@step
def tag_flat_value():
    node = client.get(TAG, name__value=name("a"))
    return [node.get_flat_value("name__value"), node.extract({"label": "description__value"})]


@step
def tag_delete():
    node = client.get(TAG, name__value=name("e"))
    node.delete()
    return client.get(TAG, id=node.id, raise_when_missing=False)


@step
def tag_delete_by_client():
    identifier = client.get(TAG, name__value=name("d")).id
    client.delete(TAG, id=identifier)
    return client.get(TAG, id=identifier, raise_when_missing=False)


@step
def tag_delete_missing():
    client.delete(TAG, id="11111111-1111-4111-8111-111111111111")


@step
def tag_groups():
    return client.get(TAG, name__value=name("a"), include=["member_of_groups"]).member_of_groups.peers


@step
def tag_asynchronously():
    async def calls():
        other = InfrahubClient(address=ADDRESS, config=Config(api_token=TOKEN, timeout=120))
        node = await other.create(TAG, name=name("g"))
        await node.save(allow_upsert=True)
        node.description.value = "async"
        await node.save()
        found = await other.get(TAG, hfid=[name("g")])
        shown = [found.description.value, own(await other.all(TAG)), await other.count(TAG, name__value=name("g"))]
        await found.delete()
        return shown

    return asyncio.run(calls())


@step
def credential_create():
    node = client.create(CREDENTIAL, name=name("my-git"), username="bot", password="not-a-secret")
    node.save()
    return values(client.get(CREDENTIAL, id=node.id), "name", "label", "description", "username", "password")


@step
def credential_upsert():
    node = client.create(CREDENTIAL, name=name("my-git"), username="robot", password="not-a-secret")
    node.save(allow_upsert=True)
    return values(client.get(CREDENTIAL, id=node.id), "name", "label", "username", "password")


@step
def credential_by_generic():
    node = client.get(ANY_CREDENTIAL, name__value=name("my-git"))
    return [node.typename, node.display_label, node.name.value]


@step
def credential_all_by_generic():
    return own(client.all(ANY_CREDENTIAL))


@step
def credential_all_by_generic_with_fragment():
    return [n.username.value for n in client.filters(ANY_CREDENTIAL, name__value=name("my-git"), fragment=True)]


@step
def repository_create():
    node = client.create(
        READ_ONLY, name=name("ro"), location=make_remote("ro"), ref="v1.0.0",
        credential=client.get(CREDENTIAL, name__value=name("my-git")), tags=[client.get(TAG, name__value=name("a"))],
    )
    node.save()
    return values(settle(node.id), "name", "ref", "commit", "sync_status", "operational_status", "internal_status")


@step
def repository_create_with_hfids():
    node = client.create(
        READ_ONLY, name=name("ro2"), location=make_remote("ro2"), ref="v1.0.0", credential=[name("my-git")], tags=[[name("a")], [name("b")]],
    )
    node.save()
    repository = client.get(READ_ONLY, id=settle(node.id).id, include=["tags"])
    return [repository.credential.display_label, sorted(p.display_label for p in repository.tags.peers)]


@step
def repository_create_unreachable():
    client.create(READ_ONLY, name=name("unreachable"), location=UNREACHABLE, ref="main").save()


@step
def repository_create_with_a_taken_name():
    client.create(READ_ONLY, name=name("ro"), location=make_remote("taken"), ref="main").save()


@step
def repository_create_with_unknown_credential():
    client.create(READ_ONLY, name=name("x"), location=make_remote("x"), ref="main", credential="11111111-1111-4111-8111-111111111111").save()


@step
def repository_get_with_relationships():
    repository = client.get(READ_ONLY, name__value=name("ro"), prefetch_relationships=True, include=["tags"])
    return [repository.credential.peer.username.value, [t.peer.description.value for t in repository.tags]]


@step
def repository_fetch_relationships():
    repository = client.get(READ_ONLY, name__value=name("ro"))
    repository.credential.fetch()
    repository.tags.fetch()
    return [repository.credential.peer.name.value, [t.peer.name.value for t in repository.tags]]


@step
def repository_get_with_properties():
    repository = client.get(READ_ONLY, name__value=name("ro"), property=True)
    return [repository.ref.is_default, repository.ref.is_protected, repository.credential.display_label]


@step
def repository_filter_by_ref():
    return own(client.filters(READ_ONLY, ref__value="v1.0.0"))


@step
def repository_filter_by_location():
    return own(client.filters(READ_ONLY, location__value=str(Path(scratch.name) / "ro")))


@step
def repository_filter_by_credential():
    identifier = client.get(CREDENTIAL, name__value=name("my-git")).id
    return [own(client.filters(kind, credential__ids=[identifier])) for kind in (READ_ONLY, ANY_REPOSITORY)]


@step
def repository_filter_by_name_of_credential():
    return own(client.filters(READ_ONLY, credential__name__value=name("my-git")))


@step
def repository_filter_by_tag():
    return [own(client.filters(READ_ONLY, tags__name__value=name("b"))), own(client.filters(READ_ONLY, tags__name__values=[name("a")]))]


@step
def repository_filter_by_id_of_tag():
    return own(client.filters(READ_ONLY, tags__ids=[client.get(TAG, name__value=name("b")).id]))


@step
def repository_filter_by_status():
    return own(client.filters(READ_ONLY, sync_status__value="in-sync", operational_status__value="online", name__value=name("ro")))


@step
def repository_filter_by_statuses():
    return own(client.filters(ANY_REPOSITORY, sync_status__values=["error-import"], operational_status__values=["online"]))


@step
def repository_filter_by_internal_status():
    return own(client.filters(ANY_REPOSITORY, internal_status__value="active"))


@step
def repository_by_generic():
    node = client.get(ANY_REPOSITORY, name__value=name("ro"), fragment=True)
    return [node.typename, node.name.value, node.sync_status.value]


@step
def repository_tag_added():
    repository = client.get(READ_ONLY, name__value=name("ro"), include=["tags"])
    repository.tags.add(client.get(TAG, name__value=name("b")))
    repository.save()
    return sorted(t.display_label for t in client.get(READ_ONLY, id=repository.id, include=["tags"]).tags.peers)


@step
def repository_tag_removed():
    repository = client.get(READ_ONLY, name__value=name("ro"), include=["tags"])
    repository.tags.remove(client.get(TAG, name__value=name("b")))
    repository.save()
    return sorted(t.display_label for t in client.get(READ_ONLY, id=repository.id, include=["tags"]).tags.peers)


@step
def relationship_add():
    repository = client.get(READ_ONLY, name__value=name("ro"))
    repository.add_relationships("tags", [client.get(TAG, name__value=name(x)).id for x in "bf"])
    return sorted(t.display_label for t in client.get(READ_ONLY, id=repository.id, include=["tags"]).tags.peers)


@step
def relationship_add_again():
    repository = client.get(READ_ONLY, name__value=name("ro"))
    repository.add_relationships("tags", [client.get(TAG, name__value=name("b")).id])
    return sorted(t.display_label for t in client.get(READ_ONLY, id=repository.id, include=["tags"]).tags.peers)


@step
def relationship_remove():
    repository = client.get(READ_ONLY, name__value=name("ro"))
    repository.remove_relationships("tags", [client.get(TAG, name__value=name(x)).id for x in "bf"])
    return sorted(t.display_label for t in client.get(READ_ONLY, id=repository.id, include=["tags"]).tags.peers)


@step
def relationship_remove_missing():
    repository = client.get(READ_ONLY, name__value=name("ro"))
    repository.remove_relationships("tags", [client.get(TAG, name__value=name("f")).id])
    return sorted(t.display_label for t in client.get(READ_ONLY, id=repository.id, include=["tags"]).tags.peers)


@step
def relationship_add_of_unknown():
    client.get(READ_ONLY, name__value=name("ro")).add_relationships("tags", ["11111111-1111-4111-8111-111111111111"])


@step
def relationship_add_to_one():
    repository = client.get(READ_ONLY, name__value=name("ro"))
    repository.add_relationships("credential", [client.get(CREDENTIAL, name__value=name("my-git")).id])


@step
def relationship_add_to_unknown():
    client.execute_graphql('mutation { RelationshipAdd(data: {id: "%s", name: "nosuch", nodes: []}) { ok } }' % client.get(READ_ONLY, name__value=name("ro")).id)


@step
def repository_update_ref():
    repository = client.get(READ_ONLY, name__value=name("ro"))
    before = repository.commit.value
    repository.ref.value = "v1.1.0"
    repository.save()
    after = settle(repository.id, lambda r: r.commit.value != before)
    return [before == after.commit.value, after.sync_status.value]


@step
def repository_update_commit():
    async def calls():
        other = InfrahubClient(address=ADDRESS, config=Config(api_token=TOKEN, timeout=120))
        repository = await other.get(READ_ONLY, name__value=name("ro2"))
        return await other.repository_update_commit(branch_name="main", repository_id=repository.id, commit=repository.commit.value, is_read_only=True)

    return asyncio.run(calls())


@step
def repository_upsert_of_existing():
    node = client.create(READ_ONLY, name=name("ro2"), location=str(Path(scratch.name) / "ro2"), ref="v1.1.0")
    node.save(allow_upsert=True)
    after = settle(node.id)
    return [after.ref.value, after.commit.value == client.get(READ_ONLY, name__value=name("ro")).commit.value, after.sync_status.value]


@step
def repository_upsert_of_new():
    node = client.create(READ_ONLY, name=name("ro3"), location=make_remote("ro3"), ref="v1.0.0")
    node.save(allow_upsert=True)
    return values(settle(node.id), "ref", "sync_status")


@step
def repository_read_write_create():
    node = client.create(READ_WRITE, name=name("rw"), location=make_remote("rw"))
    node.save()
    return values(settle(node.id, kind=READ_WRITE), "name", "default_branch", "sync_status", "internal_status")


@step
def repository_read_write_upsert():
    node = client.create(READ_WRITE, name=name("rw"), location=str(Path(scratch.name) / "rw"), description="upserted")
    node.save(allow_upsert=True)
    return values(client.get(READ_WRITE, name__value=name("rw")), "description", "default_branch", "sync_status")


@step
def repository_upsert_of_the_other_kind():
    client.create(READ_WRITE, name=name("ro"), location=str(Path(scratch.name) / "ro")).save(allow_upsert=True)


@step
def repository_all_by_generic():
    return own(client.all(ANY_REPOSITORY))


@step
def repository_list():
    async def calls():
        other = InfrahubClient(address=ADDRESS, config=Config(api_token=TOKEN, timeout=120))
        found = await other.get_list_repositories(branches={"main": await other.branch.get("main")})
        return {n: [r.branches.keys() == {"main"}, r.branch_info["main"].internal_status] for n, r in found.items() if SUFFIX in n}

    return asyncio.run(calls())


@step
def query_of_repository():
    query = client.get(QUERY, name__value=name("ro"))
    return [query.query.value, query.repository.display_label]


@step
def query_attributes():
    return values(client.get(QUERY, name__value=name("ro")), "models", "depth", "height", "operations", "variables")


@step
def query_stored():
    return sorted(client.query_gql_query(name=name("ro"))["data"]["BuiltinTag"])


@step
def query_stored_on_branch():
    return sorted(client.query_gql_query(name=name("ro"), branch_name="main", params={"nosuch": "x"})["data"]["BuiltinTag"])


@step
def query_stored_missing():
    return client.query_gql_query(name=name("none"))


@step
def check_definitions():
    return own(client.filters(CHECK, name__value=name("none")))


@step
def branch_create():
    branch = client.branch.create(name("branch"), description="a branch")
    return branch.model_dump(exclude={"id", "branched_from"})


@step
def branch_create_with_git():
    return client.branch.create(name("git"), sync_with_git=True).sync_with_git


@step
def branch_create_in_background():
    task = client.branch.create(name("background"), wait_until_completion=False)
    return client.task.wait_for_completion(task).state


@step
def branch_create_with_a_taken_name():
    client.branch.create(name("branch"))


@step
def branch_create_with_a_bad_name():
    client.branch.create("a b")


@step
def branch_get():
    return client.branch.get(name("branch")).model_dump(exclude={"id", "branched_from"})


@step
def branch_get_missing():
    return client.branch.get(name("none")).name


@step
def branch_all():
    return sorted(b for b in client.branch.all() if SUFFIX in b)


@step
def branch_main():
    return client.branch.get("main").model_dump(exclude={"id", "branched_from"})


@step
def branch_schema():
    return client.schema.get(TAG, branch=name("branch")).kind


@step
def branch_change():
    node = client.get(TAG, name__value=name("b"), branch=name("branch"))
    node.description.value = "on the branch"
    node.save()
    return [client.get(TAG, id=node.id, branch=b).description.value for b in ("main", name("branch"))]


@step
def branch_clone_of_client():
    return client.clone(branch=name("branch")).get(TAG, name__value=name("b")).description.value


@step
def branch_validate():
    return client.branch.validate(name("branch"))


@step
def branch_rebase():
    client.create(TAG, name=name("later")).save()
    before = client.get(TAG, name__value=name("later"), branch=name("branch"), raise_when_missing=False)
    done = client.branch.rebase(name("branch"))
    after = client.get(TAG, name__value=name("later"), branch=name("branch"), raise_when_missing=False)
    return [before is None, done, after is None, client.get(TAG, name__value=name("b"), branch=name("branch")).description.value]


@step
def branch_rebase_missing():
    client.branch.rebase(name("none"))


@step
def branch_validate_missing():
    client.branch.validate(name("none"))


@step
def diff_create():
    now = datetime.now(UTC)
    return client.create_diff(branch=name("branch"), name="d", from_time=now - timedelta(hours=1), to_time=now)


@step
def diff_summary():
    return client.get_diff_summary(branch=name("branch"))


@step
def diff_tree():
    return client.get_diff_tree(branch=name("branch"))


@step
def change_create():
    node = client.create(CHANGE, name=name("change"), source_branch=name("branch"), destination_branch="main", description="d")
    node.save()
    return values(client.get(CHANGE, id=node.id), "name", "description", "source_branch", "destination_branch", "is_draft", "state")


@step
def change_find():
    found = client.filters(CHANGE, source_branch__value=name("branch"), state__value="open")
    return [[n.display_label, n.hfid] for n in found]


@step
def change_update():
    node = client.get(CHANGE, source_branch__value=name("branch"))
    node.name.value = name("changed")
    node.save()
    return client.get(CHANGE, id=node.id).name.value


@step
def change_close():
    node = client.get(CHANGE, source_branch__value=name("branch"))
    node.state.value = "closed"
    node.save()
    return client.get(CHANGE, id=node.id).state.value


@step
def change_delete():
    node = client.get(CHANGE, source_branch__value=name("branch"))
    node.delete()
    return client.get(CHANGE, id=node.id, raise_when_missing=False)


@step
def branch_merge():
    done = client.branch.merge(name("branch"))
    return [done, client.branch.get(name("branch")).status, client.get(TAG, name__value=name("b")).description.value]


@step
def branch_merge_again():
    return client.branch.merge(name("branch"))


@step
def branch_delete():
    return client.branch.delete(name("git"))


@step
def branch_delete_missing():
    return client.branch.delete(name("none"))


def own_tasks(**more):
    identifier = client.get(READ_ONLY, name__value=name("ro3")).id
    return client.task.filter(TaskFilter(related_node__ids=[identifier]), **more)


@step
def task_filter():
    return sorted({f"{t.workflow} {t.state.value}" for t in own_tasks()})


@step
def task_count():
    return client.task.count(TaskFilter(workflow=["no-such-workflow"]))


@step
def task_all():
    return len(client.task.all(limit=3))


@step
def task_parallel():
    return len(own_tasks(parallel=True)) == len(own_tasks())


@step
def task_details():
    added = next(t for t in own_tasks() if t.workflow == "git-repository-add-read-only")
    task = client.task.get(added.id, include_logs=True, include_related_nodes=True)
    return [bool(task.logs), sorted({n.kind for n in task.related_nodes}), task.branch]


@step
def task_diagnostics():
    return client.task.get(own_tasks()[0].id, include_diagnostics=True).error


@step
def task_actions():
    return client.task.get(own_tasks()[0].id, include_actions=True).available_actions


@step
def task_search():
    return client.task.count(TaskFilter(q=name("ro3"))) > 0


@step
def task_wait():
    return client.task.wait_for_completion(own_tasks()[0].id).state


@step
def task_missing():
    return client.task.get("11111111-1111-4111-8111-111111111111")


@step
def task_cancel():
    return client.task.cancel(own_tasks()[0].id)


@step
def task_retry():
    return client.task.retry("11111111-1111-4111-8111-111111111111")


@step
def paths_traverse():
    ends = [client.get(READ_ONLY, name__value=name("ro")).id, client.get(TAG, name__value=name("a")).id]
    return client.path_exists(*ends)


@step
def object_store_upload():
    return sorted(client.object_store.upload(content="text"))


@step
def object_store_get():
    return client.object_store.get(identifier="none")


@step
def group_context():
    with client.start_tracking(identifier=name("group"), delete_unused_nodes=False) as tracking:
        tracking.create(TAG, name=name("tracked")).save(allow_upsert=True)
    return client.get(TAG, name__value=name("tracked")).name.value


@step
def graphql_raw():
    return client.execute_graphql("query($n: String) { BuiltinTag(name__value: $n) { count } }", variables={"n": name("a")})


@step
def graphql_error():
    return client.execute_graphql("{ NoSuchKind { count } }")


@step
def graphql_of_unimitated_kind():
    return list(client.execute_graphql("{ CoreStandardGroup { count } }"))


@step
def url_unknown():
    return client._get(f"{ADDRESS}/api/none").status_code


@step
def url_unknown_body():
    return client._get(f"{ADDRESS}/api/none").json()


@step
def ctl_version():
    return ctl("version")


@step
def ctl_info():
    return ctl("info")["exit"]


@step
def ctl_branch_create():
    return ctl("branch", "create", name("ctl"), "--description", "by infrahubctl")


@step
def ctl_branch_list():
    return ctl("branch", "list")


@step
def ctl_branch_rebase():
    return ctl("branch", "rebase", name("ctl"))


@step
def ctl_branch_validate():
    return ctl("branch", "validate", name("ctl"))


@step
def ctl_branch_report():
    return ctl("branch", "report", name("ctl"))


@step
def ctl_branch_merge():
    return ctl("branch", "merge", name("ctl"))


@step
def ctl_branch_delete():
    return ctl("branch", "delete", name("ctl"))


@step
def ctl_branch_delete_missing():
    return ctl("branch", "delete", name("none"))


@step
def ctl_repository_add():
    result = ctl("repository", "add", name("added"), make_remote("added"))
    after = settle(client.get(READ_WRITE, name__value=name("added")).id, kind=READ_WRITE)
    return [result, values(after, "default_branch", "sync_status", "operational_status", "commit")]


@step
def ctl_repository_add_read_only():
    result = ctl("repository", "add", name("addedro"), make_remote("addedro"), "--read-only", "--ref", "v1.0.0", "--username", "bot", "--password", "x")
    repository = client.get(READ_ONLY, name__value=name("addedro"))
    return [result, values(settle(repository.id), "ref", "sync_status"), repository.credential.display_label]


@step
def ctl_repository_add_read_only_without_ref():
    result = ctl("repository", "add", name("noref"), make_remote("noref"), "--read-only")
    identifier = client.get(READ_ONLY, name__value=name("noref")).id
    after = settle(identifier, lambda r: r.operational_status.value == "online" and r.sync_status.value == "in-sync")
    return [result, values(after, "ref", "sync_status", "operational_status", "commit")]


@step
def ctl_repository_add_unreachable():
    return ctl("repository", "add", name("lost"), UNREACHABLE)


@step
def ctl_repository_list():
    return ctl("repository", "list")


@step
def ctl_task_list():
    return ctl("task", "list", "--limit", "1", "--json")["exit"]


@step
def ctl_object_create():
    return ctl("object", "create", TAG, "--set", f"name={name('ctltag')}", "--set", "description=ctl")


@step
def ctl_object_get():
    return ctl("object", "get", TAG, name("ctltag"), "--output", "yaml")


@step
def ctl_object_list():
    return ctl("object", "get", TAG, "--filter", f"name__value={name('ctltag')}", "--output", "csv")


@step
def ctl_object_list_of_repositories():
    listed = ctl("object", "get", READ_ONLY, "--filter", f"name__value={name('ro')}", "--output", "csv")
    # The server returns the attributes of a kind in an order that changes from process to process.
    return [listed["exit"], [sorted(comparable(line.split(","))) for line in listed["shown"]]]


@step
def ctl_object_update():
    return ctl("object", "update", TAG, name("ctltag"), "--set", "description=changed")


@step
def ctl_object_delete():
    return ctl("object", "delete", TAG, name("ctltag"), "--yes")


OBJECTS = """
---
apiVersion: infrahub.app/v1
kind: Object
spec:
  kind: {kind}
  data:
    - name: {name}
      description: loaded
"""


@step
def ctl_object_validate():
    return ctl("object", "validate", written("tags.yml", OBJECTS.format(kind=TAG, name=name("loaded"))))["exit"]


@step
def ctl_object_load():
    result = ctl("object", "load", written("tags.yml", OBJECTS.format(kind=TAG, name=name("loaded"))))["exit"]
    return [result, client.get(TAG, name__value=name("loaded")).description.value]


@step
def ctl_object_load_again():
    result = ctl("object", "load", written("tags.yml", OBJECTS.format(kind=TAG, name=name("loaded")).replace("loaded\n", "again\n")))["exit"]
    return [result, [t.description.value for t in client.filters(TAG, name__value=name("loaded"))]]


@step
def ctl_schema_list():
    return ctl("schema", "list", "--filter", "BuiltinTag")["exit"]


@step
def ctl_schema_show():
    return ctl("schema", "show", TAG)["exit"]


@step
def ctl_schema_export():
    return ctl("schema", "export", "--directory", Path(scratch.name) / "schemas")["exit"]


SCHEMA = """
---
version: "1.0"
nodes:
  - name: Thing
    namespace: Mock
    attributes:
      - name: name
        kind: Text
"""


@step
def ctl_schema_check():
    return ctl("schema", "check", written("schema.yml", SCHEMA))["exit"]


@step
def ctl_graphql_export_schema():
    target = Path(scratch.name) / "schema.graphql"
    return [ctl("graphql", "export-schema", "--destination", target)["exit"], "type BuiltinTag " in target.read_text()]


@step
def ctl_graphql_query_report():
    return ctl("graphql", "query-report", name("ro"), "--online")["exit"]


@step
def ctl_graphql_query_validate():
    return ctl("validate", "graphql-query", written("tags.gql", '{ BuiltinTag(name__value: "none") { count } }'))["exit"]


@step
def ctl_protocols():
    target = Path(scratch.name) / "protocols.py"
    return ctl("protocols", "--out", target)["exit"]


@step
def ctl_run():
    script = written(
        "script.py", f'async def run(log, client, branch, **kwargs):\n    print((await client.get("{TAG}", name__value="{name("a")}")).name.value)\n',
    )
    return ctl("run", script)


@step
def ctl_dump():
    return ctl("dump", "--namespace", "Builtin", "--directory", Path(scratch.name) / "dump", "--quiet")["exit"]


@step
def ctl_load():
    return ctl("load", "--directory", Path(scratch.name) / "dump", "--quiet")["exit"]


@step
def repository_delete():
    node = client.get(READ_ONLY, name__value=name("ro3"))
    node.delete()
    return client.get(READ_ONLY, id=node.id, raise_when_missing=False)


def clean_up():
    for branch in [b for b in client.branch.all() if SUFFIX in b]:
        client.branch.delete(branch)
    for kind in (CHANGE, READ_ONLY, READ_WRITE, CREDENTIAL, TAG):
        for node in client.filters(kind, name__value=SUFFIX, partial_match=True, populate_store=False):
            node.delete()


# --- Answers that can be compared

REPLACEMENTS = [
    (re.compile(re.escape(scratch.name)), "SCRATCH"),
    (re.compile(SUFFIX, re.IGNORECASE), "SUFFIX"),
    (re.compile(re.escape(ADDRESS)), "ADDRESS"),
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"), "UUID"),
    (re.compile(r"\b[0-9a-f]{40}\b"), "COMMIT"),
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?"), "TIME"),
    (re.compile(r"value_[0-9a-f]{32}|\$?\bvalue_\w+"), "VARIABLE"),
    (re.compile(r"((\d+ ?[a-z]+ (and )?)+ago|just now|now)\b"), "AGO"),
]


def comparable(answer):
    text = json.dumps(answer, default=str, sort_keys=True, ensure_ascii=False)
    for pattern, replacement in REPLACEMENTS:
        text = pattern.sub(replacement, text)
    return json.loads(text)


def message(error):
    errors = getattr(error, "errors", None)
    if isinstance(errors, list):  # a GraphQLError: without the query
        return "; ".join(str(e.get("message") if isinstance(e, dict) else e) for e in errors)
    return str(error)


def main():
    only = sys.argv[1:]
    for run in STEPS:
        if only and run.__name__ not in only:
            continue
        started = time.monotonic()
        try:
            answer = run()
        except Exception as error:  # whatever the client raises is the answer
            answer = {"error": f"{type(error).__name__}: {message(error)}"}
        line = {"step": run.__name__, "answer": comparable(answer), "seconds": round(time.monotonic() - started, 1)}
        print(json.dumps(line, ensure_ascii=False), flush=True)
    clean_up()


if __name__ == "__main__":
    try:
        main()
    finally:
        scratch.cleanup()
