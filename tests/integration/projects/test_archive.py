"""Archiving projects, restoring them, and importing them again."""

from datetime import datetime
from typing import Any

import pytest

from service.storage import Pool
from service.tables import COLUMNS, Table
from tests.support.client import Client
from tests.support.native import RICH_FILE, native
from tests.support.planted import plant

ONE = native('<project id="P"><name>One</name></project>')


async def version_of(pool: Pool, version: int) -> dict[str, list[Any]]:
    """Return the content of a version, without who made it and when."""
    records = {}
    for table in Table:
        columns = ", ".join(COLUMNS[table])
        query = f"SELECT {columns} FROM {table.value} WHERE version = $1 ORDER BY ordinal"
        records[table.value] = [tuple(row) for row in await pool.fetch(query, version)]
    query = (
        "SELECT to_jsonb(v) - '{version,import_id,created_at,created_by,archived_at}'::text[]"
        " FROM project_versions v WHERE version = $1"
    )
    return records | {"own": [row[0] for row in await pool.fetch(query, version)]}


async def test_archiving_makes_a_version_with_the_same_content(client: Client, pool: Pool) -> None:
    await client.land(RICH_FILE)
    before = await version_of(pool, 1)
    assert all(before.values())
    answer = await client.ask("projects/1", "DELETE", sub="ann")
    assert (answer.status, answer.json["message"]) == (200, "Archived")
    assert (answer.details["project_id"], answer.details["version"]) == (1, 2)
    assert await version_of(pool, 2) == before

    details = (await client.ask("projects/1")).details
    since = datetime.fromisoformat(answer.details["archived_at"])
    assert datetime.fromisoformat(details["archived_at"]) == since
    assert (details["version"], details["import_id"], details["updated_by"]) == (2, None, "ann")
    assert (await client.ask("projects")).details["projects"] == []
    [item] = (await client.ask("projects?archived=only")).details["projects"]
    assert item["archived_at"] == details["archived_at"]


async def test_archiving_copies_a_large_project_in_pieces(
    client: Client, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.storage.version_copy.ROWS_AT_A_TIME", 7)
    await plant(pool, 50)
    assert (await client.ask("projects/1", "DELETE")).status == 200
    assert await version_of(pool, 2) == await version_of(pool, 1)


async def test_archiving_again_changes_nothing(client: Client) -> None:
    await client.land(ONE)
    first, second = [(await client.ask("projects/1", "DELETE")).details for _ in range(2)]
    assert first == second


async def test_a_request_with_a_version_archives_no_other_version(client: Client) -> None:
    await client.land(ONE)
    refused = await client.ask("projects/1?version=2", "DELETE")
    assert (refused.status, refused.details) == (409, "Version conflict")
    assert refused.json["current_version"] == 1
    archived = [await client.ask("projects/1?version=1", "DELETE") for _ in range(2)]
    await client.land(native('<project id="P"><name>Two</name></project>'))
    archived += [await client.ask(f"projects/1?version={version}", "DELETE") for version in (1, 2)]
    assert [answer.details["version"] for answer in archived] == [2, 2, 2, 2]
    assert len({answer.details["archived_at"] for answer in archived}) == 1
    assert (await client.ask("projects/1?version=3", "DELETE")).details["version"] == 4


async def test_an_import_activates_an_archived_project(client: Client) -> None:
    await client.land(ONE)
    old = await client.export(1)
    await client.ask("projects/1", "DELETE")
    refused = (await client.post(old)).json["errors"][0]
    assert (refused["error"], refused["current_version"]) == ("VERSION_CONFLICT", 2)
    [revived] = await client.land(await client.export(1))
    assert (revived["outcome"], revived["version"]) == ("updated", 3)
    assert (await client.ask("projects/1")).details["archived_at"] is None


async def test_restoring_makes_an_active_version_with_the_same_content(
    client: Client, pool: Pool
) -> None:
    await client.land(RICH_FILE)
    path = "projects/1/restore"
    untouched = await client.ask(path, "POST")
    assert untouched.details == {"project_id": 1, "version": 1, "archived_at": None}
    await client.ask("projects/1", "DELETE")
    restored = await client.ask(path, "POST", sub="ann", scope="projects:import")
    assert (restored.status, restored.json["message"]) == (200, "Restored")
    assert restored.details == {"project_id": 1, "version": 3, "archived_at": None}
    assert await version_of(pool, 3) == await version_of(pool, 1)
    details = (await client.ask("projects/1")).details
    assert (details["version"], details["archived_at"], details["updated_by"]) == (3, None, "ann")
    [item] = (await client.ask("projects")).details["projects"]
    assert (item["version"], item["import_id"]) == (3, None)
    [again] = await client.land(RICH_FILE)
    assert (again["outcome"], again["version"]) == ("unchanged", 3)


async def test_a_request_with_a_version_restores_no_other_version(client: Client) -> None:
    await client.land(ONE)
    await client.ask("projects/1", "DELETE")
    path = "projects/1/restore?version="
    for other in (1, 3):
        refused = await client.ask(f"{path}{other}", "POST")
        assert (refused.status, refused.json["current_version"]) == (409, 2)
    restored = [await client.ask(f"{path}2", "POST") for _ in range(2)]
    await client.ask("projects/1", "DELETE")
    restored.append(await client.ask(f"{path}2", "POST"))
    assert [answer.details["version"] for answer in restored] == [3, 3, 3]
    refused = await client.ask(f"{path}3", "POST")
    assert (refused.status, refused.json["current_version"]) == (409, 4)


async def test_the_holder_of_a_lock_can_archive_and_restore(client: Client) -> None:
    await client.land(ONE)
    await client.ask("projects/1/lock", "PUT", json={"ttl_seconds": 60}, sub="ann")
    for path, method in (("projects/1", "DELETE"), ("projects/1/restore", "POST")):
        assert (await client.ask(path, method, sub="bob")).status == 409
        assert (await client.ask(path, method, sub="ann")).status == 200


async def test_archiving_a_locked_or_unknown_project_is_refused(
    client: Client, subtests: pytest.Subtests
) -> None:
    await client.land(ONE)
    cases: list[tuple[str, dict[str, Any], int]] = [
        ("projects/9", {}, 404),
        ("projects/x", {}, 400),
        ("projects/1?x=1", {}, 400),
        ("projects/1?version=x", {}, 400),
        (f"projects/1?version={'9' * 18}", {}, 409),
        ("projects/1", {"scope": "projects:import projects:read projects:undo"}, 403),
        ("projects", {}, 405),
    ]
    for path, claims, status in cases:
        with subtests.test(path=path, claims=claims):
            assert (await client.ask(path, "DELETE", **claims)).status == status
    cases = [
        ("projects/9/restore", {}, 404),
        ("projects/x/restore", {}, 400),
        ("projects/1/restore?x=1", {}, 400),
        ("projects/1/restore?version=x", {}, 400),
        (f"projects/1/restore?version={'9' * 18}", {}, 409),
        ("projects/1/restore", {"scope": "projects:read projects:delete"}, 403),
    ]
    for path, claims, status in cases:
        with subtests.test(path=path, claims=claims):
            assert (await client.ask(path, "POST", **claims)).status == status
