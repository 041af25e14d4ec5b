"""Undoing imports by ``POST …/imports/{import_id}/undo``."""

import asyncio
from collections import Counter
from typing import Any

import pytest

from service.storage import Connection as Database
from service.storage import Pool, version_copy
from service.tables import Table
from tests.support.native import native
from tests.support.projects import until
from tests.support.raw_http import Connection, form, get, head, part, upload
from tests.support.running_imports import hold_projects
from tests.support.service import Service
from tests.support.uploads import current, plans, read_outcomes, send, undo


def rich(name: str) -> bytes:
    """A project with records of every kind."""
    return form(
        part(
            "file",
            native(
                f'<project id="A"><name>{name}</name><code>c</code>'
                "<start>2026-01-05T08:00:00</start>"
                '<tasks><task id="T1"><name>t</name><duration>PT8H</duration></task>'
                f'<task id="T2"><name>{name}</name></task></tasks>'
                '<dependencies><dependency predecessor="T1" successor="T2"/></dependencies>'
                '<resources><resource id="R"><name>r</name></resource></resources>'
                '<assignments><assignment task="T1" resource="R" units="1"/></assignments>'
                '<parts><part element="Note"><attribute name="x">1</attribute></part></parts>'
                "</project>"
            ).encode(),
        )
    )


async def test_undoing_an_update_restores_the_previous_content(
    service: Service, pool: Pool
) -> None:
    await send(service, rich("First"))
    before = await current(pool)
    changed = await send(service, rich("Second"))
    assert await current(pool) != before
    answer = await undo(service, changed.json["import_id"])
    assert (answer.status, answer.json["message"]) == (207, "1 of 1 projects restored")
    [item] = answer.json["details"]["successes"]
    assert (item["outcome"], item["version"], item["tasks"]) == ("updated", 3, 2)
    assert await current(pool) == before
    assert read_outcomes(await send(service, rich("First"))) == {"A": "unchanged"}


async def test_undoing_restores_large_projects_in_pieces(
    service: Service, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.storage.version_copy.ROWS_AT_A_TIME", 2)
    tasks = "".join(f'<task id="T{n}"><name>t</name></task>' for n in range(5))
    projects = "".join(
        f'<project id="P{n}"><name>p</name><tasks>{tasks[: n * 35]}</tasks></project>'
        for n in range(6)
    )
    await send(service, form(part("file", native(projects).encode())))
    before = await current(pool)
    changed = await send(service, plans(*(f"P{n}" for n in range(6)), name="Changed"))
    assert (await undo(service, changed.json["import_id"])).json["counts"]["updated"] == 6
    assert await current(pool) == before


async def test_undoing_a_creation_archives_the_project_and_undoing_that_revives_it(
    service: Service, pool: Pool
) -> None:
    created = await send(service, plans("A", "B"))
    answer = await undo(service, created.json["import_id"])
    assert read_outcomes(answer) == {"A": "updated", "B": "updated"}
    assert await pool.fetchval("SELECT count(*) FROM projects WHERE archived_at IS NULL") == 0
    assert read_outcomes(await undo(service, answer.json["import_id"])) == {
        "A": "updated",
        "B": "updated",
    }
    assert await pool.fetchval("SELECT count(*) FROM projects WHERE archived_at IS NULL") == 2
    assert read_outcomes(await send(service, plans("A", "B"))) == {
        "A": "unchanged",
        "B": "unchanged",
    }


async def test_undoing_a_revival_archives_the_project_again(service: Service, pool: Pool) -> None:
    await undo(service, (await send(service, plans("A"))).json["import_id"])
    since = await pool.fetchval("SELECT archived_at FROM projects")
    revived = await send(service, plans("A"))
    assert read_outcomes(revived) == {"A": "updated"}
    await undo(service, revived.json["import_id"])
    assert await pool.fetchval("SELECT archived_at FROM projects") == since


async def test_undoing_keeps_projects_changed_since_and_restores_the_others(
    service: Service, pool: Pool
) -> None:
    await send(service, plans("A", "B", "C"))
    changed = await send(service, plans("A", "B", "C", name="Second"))
    await send(service, plans("B", name="Third"))
    answer = await undo(service, changed.json["import_id"])
    assert read_outcomes(answer) == {"A": "updated", "B": "VERSION_CONFLICT", "C": "updated"}
    [error] = answer.json["details"]["errors"]
    assert error["current_version"] == 3
    names = await pool.fetch("SELECT name FROM current_projects ORDER BY external_id")
    assert [row["name"] for row in names] == ["Plan", "Third", "Plan"]


async def test_undoing_ignores_unchanged_and_failed_projects(service: Service, pool: Pool) -> None:
    await send(service, plans("A"))
    mixed = await send(service, plans("A", "B", "B"))
    assert read_outcomes(await undo(service, mixed.json["import_id"])) == {"B": "updated"}
    assert await pool.fetchval("SELECT version FROM projects WHERE external_id = 'A'") == 1


async def test_undoing_twice_is_a_conflict(service: Service) -> None:
    created = await send(service, plans("A"))
    await undo(service, created.json["import_id"])
    answer = await undo(service, created.json["import_id"])
    assert (answer.status, answer.json["details"]) == (409, "Version conflict")


async def test_undoing_leaves_a_locked_project_unchanged(service: Service, pool: Pool) -> None:
    created = await send(service, plans("A", "B"))
    await pool.execute(
        "INSERT INTO project_locks (client_id, project_id, holder, expires_at)"
        " SELECT 1, project_id, 'other', now() + interval '1 hour' FROM projects"
        " WHERE external_id = 'A'"
    )
    answer = await undo(service, created.json["import_id"])
    assert read_outcomes(answer) == {"A": "LOCKING_CONFLICT", "B": "updated"}
    assert answer.json["details"]["errors"][0]["locked_by"] == "other"


async def test_undoing_to_a_pruned_version_fails_for_that_project(
    service: Service, pool: Pool
) -> None:
    await send(service, plans("A", "B"))
    changed = await send(service, plans("A", "B", name="Second"))
    await pool.execute("DELETE FROM project_versions WHERE version = 1")
    answer = await undo(service, changed.json["import_id"])
    assert read_outcomes(answer) == {"A": "NOT_IMPORTED", "B": "NOT_IMPORTED"}
    error = answer.json["details"]["errors"][0]
    assert error["message"] == "The previous version is no longer kept"
    assert error["retryable"] is False


async def test_undoing_to_a_version_pruned_during_the_copy_restores_nothing_of_it(
    service: Service, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    await send(service, plans("A", "B"))
    changed = await send(service, plans("A", "B", name="Second"))
    copy = version_copy._copy_records

    async def late(conn: Database, table: Table, key: Any) -> Counter[int]:
        await pool.execute("DELETE FROM project_versions WHERE version = 1 AND project_id = 1")
        await pool.execute("DELETE FROM tasks WHERE version = 1 AND project_id = 1")
        return await copy(conn, table, key)

    monkeypatch.setattr(version_copy, "_copy_records", late)
    answer = await undo(service, changed.json["import_id"])
    assert read_outcomes(answer) == {"A": "NOT_IMPORTED", "B": "updated"}
    versions = "SELECT array_agg(version) FROM project_versions WHERE project_id = 1"
    assert await pool.fetchval(versions) == [2]


async def test_undoing_covers_all_attempts_of_an_import(service: Service, pool: Pool) -> None:
    await send(service, plans("P-0", name="Before"))
    before = await current(pool)
    body, key = plans(*(f"P-{n}" for n in range(3000))), "Idempotency-Key: k"
    async with Connection(service) as connection:
        await connection.send(head(service, f"Content-Length: {len(body)}", key), body[:-100])
        await until(pool, "SELECT count(*) > 100 FROM projects")
    await until(pool, "SELECT state = 'interrupted' FROM imports WHERE import_id = 2")
    again = await send(service, body, "", key)
    assert again.json["counts"]["unchanged"] > 0
    answer = await undo(service, 2)
    assert answer.json["counts"] == {"created": 0, "updated": 3000, "unchanged": 0, "failed": 0}
    assert [item["index"] for item in answer.json["details"]["successes"]] == [*range(3000)]
    assert await current(pool) == before


@pytest.mark.parametrize("existed", [True, False])
async def test_undoing_reverts_what_two_attempts_made_of_a_project(
    service: Service, pool: Pool, existed: bool
) -> None:
    for name in ("First", "Second"):  # another project with the same numbers of versions
        await send(service, plans("B", name=name))
    if existed:
        await send(service, plans("A", name="Before"))
    before = await current(pool)
    key = "Idempotency-Key: k"
    first = await send(service, plans("A", name="First attempt"), "", key)
    import_id = first.json["import_id"]
    await pool.execute("UPDATE imports SET state = 'interrupted' WHERE import_id = $1", import_id)
    second = await send(service, plans("A", name="Second attempt"), "", key)
    assert (second.json["import_id"], read_outcomes(second)) == (import_id, {"A": "updated"})
    assert read_outcomes(await undo(service, import_id)) == {"A": "updated"}
    assert await current(pool) == before


async def test_an_undo_accepts_an_idempotency_key(service: Service, pool: Pool) -> None:
    created = await send(service, plans("A"))
    first = await undo(service, created.json["import_id"], "Idempotency-Key: k")
    again = await undo(service, created.json["import_id"], "Idempotency-Key: k")
    assert again.body == first.body
    assert await pool.fetchval("SELECT count(*) FROM imports") == 2
    assert (await send(service, plans("A"), "", "Idempotency-Key: k")).status == 422


async def test_an_undo_appears_in_the_history(service: Service) -> None:
    created = await send(service, plans("A"))
    answer = await undo(service, created.json["import_id"], sub="boss")
    details = (await get(service, answer.headers["location"])).json["details"]
    assert (details["state"], details["subject"]) == ("completed", "boss")
    assert details["options"] == {"undo": created.json["import_id"]}


@pytest.mark.settings(heartbeat_every=0.05)
async def test_an_undo_can_be_cancelled(service: Service, pool: Pool) -> None:
    created = await send(service, plans("A"))
    async with hold_projects(pool, "A"):
        undoing = asyncio.create_task(undo(service, created.json["import_id"]))
        await until(pool, "SELECT count(*) = 2 FROM imports")
        await upload(service, b"", path="/api/v2/clients/1/imports/2/cancel")
        assert (await undoing).json["details"] == "Import cancelled"


@pytest.mark.settings(heartbeat_every=0.05)
async def test_undoing_a_running_import_is_refused(service: Service, pool: Pool) -> None:
    async with hold_projects(pool, "A"):
        running = asyncio.create_task(send(service, plans("A")))
        await until(pool, "SELECT count(*) = 1 FROM imports")
        answer = await undo(service, 1)
        assert (answer.status, answer.json["message"]) == (409, "Conflict")
    await running


async def test_undoing_a_dry_run_is_refused(service: Service) -> None:
    await send(service, plans("A"), "dry_run=true")
    assert (await undo(service, 1)).status == 409


async def test_undoing_requires_its_own_scope(service: Service) -> None:
    await send(service, plans("A"))
    path = "/api/v2/clients/1/imports/1/undo"
    assert (await upload(service, b"", path=path)).status == 403
    assert (await undo(service, 7)).status == 404
