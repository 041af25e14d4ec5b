"""Labels of versions: pruning keeps a version that has one."""

import asyncio
from datetime import datetime
from typing import Any

import pytest

from service.projects.retention import PruneResult, prune
from service.settings import Settings
from service.storage import Pool
from service.storage.advisory_locks import labels_key
from tests.support.answer import Answer
from tests.support.client import XML, Client
from tests.support.databases import earlier
from tests.support.native import native
from tests.support.projects import until

WAITS = "SELECT count(*) > 0 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"


def named(name: str) -> str:
    return native(f'<project id="P"><name>{name}</name></project>')


async def label(client: Client, version: int, text: Any = "Approved", **more: Any) -> Answer:
    path = f"projects/1/versions/{version}/label"
    return await client.ask(path, "PUT", json={"label": text}, **more)


async def remove(client: Client, version: int) -> int:
    return (await client.ask(f"projects/1/versions/{version}/label", "DELETE")).status


async def labels(client: Client) -> dict[int, str | None]:
    """Return the labels of the versions in the list."""
    details = (await client.ask("projects/1/versions")).details
    return {item["version"]: item["label"] for item in details["versions"]}


@pytest.fixture
async def three(client: Client) -> None:
    for name in ("One", "Two", "Three"):
        await client.land(named(name))


@pytest.fixture
def last(settings: Settings) -> Settings:
    """Settings that keep only the current version."""
    rules = {"keep_versions": 1, "keep_days": 0, "keep_months": 0, "keep_superseded": 0}
    return settings.model_copy(update=rules)


pytestmark = [pytest.mark.usefixtures("three"), pytest.mark.settings(prune=False)]


async def test_a_label_is_listed_and_read_with_its_version(client: Client) -> None:
    answer = await label(client, 2, "Approved", sub="ann")
    assert answer.status == 201
    since = answer.details["created_at"]
    assert datetime.fromisoformat(since).tzinfo is not None
    assert answer.details == {
        "created_at": since,
        "project_id": 1,
        "version": 2,
        "label": "Approved",
        "created_by": "ann",
    }
    assert await labels(client) == {1: None, 2: "Approved", 3: None}
    assert (await client.ask("projects/1/versions/2")).details["label"] == "Approved"
    assert (await client.ask("projects/1")).details["label"] is None
    assert b"Approved" not in (await client.ask("projects/1/versions/2", accept=XML)).body


async def test_the_same_label_again_changes_nothing(client: Client) -> None:
    first = await label(client, 2, sub="ann")
    again = await label(client, 2, sub="bob")
    assert (again.status, again.details) == (200, first.details)


async def test_a_label_replaces_another(client: Client) -> None:
    first = await label(client, 2, "Draft", sub="ann")
    other = await label(client, 2, "Approved", sub="bob")
    assert (other.status, other.details["created_by"]) == (200, "bob")
    assert other.details["created_at"] > first.details["created_at"]
    assert await labels(client) == {1: None, 2: "Approved", 3: None}


async def test_a_label_names_one_version_of_a_project(client: Client) -> None:
    await label(client, 1)
    answer = await label(client, 2)
    assert (answer.status, answer.json["version"]) == (409, 1)
    assert await labels(client) == {1: "Approved", 2: None, 3: None}
    assert await remove(client, 1) == 204
    assert (await label(client, 2)).status == 201
    await client.land(native('<project id="Q"><name>Q</name></project>'))
    path = "projects/2/versions/1/label"
    assert (await client.ask(path, "PUT", json={"label": "Approved"})).status == 201


async def test_removing_a_label_again_changes_nothing(client: Client) -> None:
    await label(client, 1)
    assert [await remove(client, 1) for _ in range(2)] == [204, 204]
    assert await labels(client) == {1: None, 2: None, 3: None}


@pytest.mark.parametrize(
    "text", ["", " ", "\u3000", "x" * 101, "a\nb", "\0", "a\x85", None, 7, ["x"]]
)
async def test_an_invalid_label_is_refused(client: Client, text: Any) -> None:
    answer = await label(client, 1, text)
    assert answer.status == 400
    assert "1 to 100 characters" in answer.json["details"]
    assert await labels(client) == {1: None, 2: None, 3: None}


async def test_a_label_of_100_characters_is_kept_as_it_is(client: Client) -> None:
    text = " Für “Übergabe” 🏗 " + "x" * 82
    assert len(text) == 100
    assert (await label(client, 1, text)).status == 201
    assert (await labels(client))[1] == text


async def test_only_stored_versions_get_labels(client: Client) -> None:
    for path in ("projects/1/versions/4", "projects/1/versions/0", "projects/9/versions/1"):
        for method, json in (("PUT", {"label": "x"}), ("DELETE", None)):
            assert (await client.ask(f"{path}/label", method, json=json)).status == 404
    assert (await client.ask("projects/1/versions/x/label", "DELETE")).status == 400
    large = f"projects/1/versions/{2**31}/label"
    assert (await client.ask(large, "PUT", json={"label": "x"})).status == 404


async def test_a_label_needs_the_scope_that_imports(client: Client) -> None:
    assert (await label(client, 1, scope="projects:read")).status == 403


async def test_the_lock_of_another_user_does_not_prevent_a_label(client: Client) -> None:
    """It changes nothing of the project."""
    await client.ask("projects/1/lock", "PUT", json={"ttl_seconds": 60}, sub="bob")
    assert (await label(client, 1, sub="ann")).status == 201


async def test_pruning_keeps_a_labelled_version_until_its_label_is_removed(
    client: Client, pool: Pool, last: Settings
) -> None:
    await label(client, 1)
    await pool.execute(f"UPDATE project_versions SET {earlier('created_at', '9 years')}")
    assert (await prune(pool, last)).versions == 1
    assert await labels(client) == {1: "Approved", 3: None}
    await remove(client, 1)
    assert (await prune(pool, last)) == PruneResult()
    # The next sweep of the day finds it.
    await pool.execute("UPDATE prune_state SET swept_at = swept_at - interval '1 day'")
    assert (await prune(pool, last)).versions == 1
    assert await labels(client) == {3: None}
    assert (await label(client, 1)).status == 404


async def test_archiving_copies_no_label(client: Client) -> None:
    await label(client, 3)
    assert (await client.ask("projects/1", "DELETE")).details["version"] == 4
    assert await labels(client) == {1: None, 2: None, 3: "Approved", 4: None}


async def test_an_undo_keeps_labels_at_their_versions(client: Client) -> None:
    await label(client, 2)
    await label(client, 3, "Rejected")
    assert (await client.ask("imports/3/undo", "POST", scope="projects:undo")).status == 207
    assert (await client.ask("projects/1")).details["name"] == "Two"
    assert await labels(client) == {1: None, 2: "Approved", 3: "Rejected", 4: None}


async def test_a_version_that_is_being_pruned_gets_no_label(client: Client, pool: Pool) -> None:
    async with pool.acquire() as conn, conn.transaction():
        await conn.execute("SELECT pg_advisory_xact_lock($1)", labels_key(1))
        await conn.execute("DELETE FROM project_versions WHERE version = 1")
        labelling = asyncio.create_task(label(client, 1))
        await until(pool, WAITS)
    assert (await labelling).status == 404
    assert await pool.fetchval("SELECT count(*) FROM version_labels") == 0


async def test_pruning_keeps_a_version_that_is_being_labelled(
    client: Client, pool: Pool, last: Settings
) -> None:
    async with pool.acquire() as conn, conn.transaction():
        await conn.execute("SELECT pg_advisory_xact_lock_shared($1)", labels_key(1))
        await conn.execute("INSERT INTO version_labels VALUES (1, 1, 1, 'Approved')")
        pruning = asyncio.create_task(prune(pool, last))
        await until(pool, WAITS)
    assert (await pruning).versions == 1
    assert await labels(client) == {1: "Approved", 3: None}


async def test_many_requests_label_and_prune_at_the_same_time(
    client: Client, pool: Pool, last: Settings
) -> None:
    """No version with a label is deleted, and no deleted version has a label."""
    for number in range(12):
        await client.land(named(f"More {number}"))
    pruning = asyncio.create_task(prune(pool, last))
    answers = await asyncio.gather(*(label(client, n, f"Label {n}") for n in range(1, 15)))
    await pruning
    labelled = {n for n, answer in enumerate(answers, 1) if answer.status == 201}
    assert {answer.status for answer in answers} <= {201, 404}
    assert set(await labels(client)) == labelled | {15}
