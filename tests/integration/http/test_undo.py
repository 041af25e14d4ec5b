"""Undoing imports by ``POST …/imports/{import_id}/undo``."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any, NoReturn

import pytest

from service.imports.undo import UndoSession
from service.projects import retention
from service.projects.retention import PruneResult, prune
from service.settings import Settings
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


async def interrupted(service: Service, pool: Pool, *ids: str) -> None:
    """Run import 1 in two attempts: the first creates the projects, the second finds them."""
    key = "Idempotency-Key: first"
    await send(service, plans(*ids), "", key)
    await pool.execute("UPDATE imports SET state = 'interrupted'")
    await send(service, plans(*ids), "", key)


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


EXPIRE = (
    "UPDATE imports SET started_at = now() - interval '31 days',"
    " ended_at = now() - interval '31 days', key_claimed_at = NULL"
)
REFUSED = (409, "The outcomes of the import are no longer kept, so it cannot be undone")


async def test_undoing_an_import_whose_outcomes_were_pruned_is_refused(
    service: Service, pool: Pool, settings: Settings
) -> None:
    await send(service, plans("A"))
    await send(service, plans("A", name="Second"))
    await pool.execute(EXPIRE)
    assert (await prune(pool, settings)).outcomes == 2
    answer = await undo(service, 2)
    assert (answer.status, answer.json["details"]) == REFUSED
    assert await pool.fetchval("SELECT version FROM projects") == 2


async def test_undoing_an_import_whose_outcomes_are_pruned_in_part_changes_nothing(
    service: Service, pool: Pool, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pruning stops after the first outcome of the first attempt; the last attempt has all."""
    await interrupted(service, pool, "A", "B", "C")
    await pool.execute(EXPIRE)
    monkeypatch.setattr(retention, "ROWS_AT_A_TIME", 1)
    pruning = retention._transaction

    @asynccontextmanager
    async def once(pool: Pool) -> AsyncIterator[Database]:
        monkeypatch.setattr(retention, "_transaction", stop)
        async with pruning(pool) as conn:
            yield conn

    def stop(_: Pool) -> NoReturn:
        raise retention._Locked

    monkeypatch.setattr(retention, "_transaction", once)
    with pytest.raises(retention._Locked):
        await retention._prune_outcomes(pool, 1, settings, PruneResult())
    assert await pool.fetchval("SELECT count(*) FROM import_results") == 5
    answer = await undo(service, 1)
    assert (answer.status, answer.json["details"]) == REFUSED
    assert await pool.fetchval("SELECT max(version) FROM projects") == 1


async def test_an_undo_during_which_outcomes_are_pruned_changes_nothing(
    service: Service, pool: Pool, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    await interrupted(service, pool, "A", "B", "C")
    await pool.execute(EXPIRE)
    listed = UndoSession._list_changes

    async def late(session: UndoSession, attempt: int, after: int) -> Any:
        rows = await listed(session, attempt, after)
        await prune(pool, settings)
        return rows

    monkeypatch.setattr(UndoSession, "_list_changes", late)
    answer = await undo(service, 1)
    assert (answer.status, answer.json["details"]) == REFUSED
    assert answer.json["import_id"] == 2
    assert await pool.fetchval("SELECT state FROM imports WHERE import_id = 2") == "failed"
    assert await pool.fetchval("SELECT max(version) FROM projects") == 1


async def test_undoing_an_import_that_lacks_outcomes_is_refused(
    service: Service, pool: Pool
) -> None:
    """Earlier versions of the service pruned them without a mark."""
    await send(service, plans("A", "B"))
    await pool.execute("DELETE FROM import_results WHERE external_id = 'B'")
    answer = await undo(service, 1)
    assert (answer.status, answer.json["details"]) == REFUSED
    assert await pool.fetchval("SELECT max(version) FROM projects") == 1


async def test_an_import_tells_until_when_it_can_be_undone(
    service: Service, pool: Pool, settings: Settings
) -> None:
    async def read(import_id: int) -> tuple[Any, Any]:
        answer = await get(service, f"/api/v2/clients/1/imports/{import_id}")
        listed = (await get(service, "/api/v2/clients/1/imports")).json["details"]["imports"]
        [row] = [row for row in listed if row["import_id"] == import_id]
        assert row["undoable_until"] == answer.json["details"]["undoable_until"]
        return row["ended_at"], row["undoable_until"]

    await send(service, plans("A"))
    ended_at, until_when = map(datetime.fromisoformat, await read(1))
    assert until_when - ended_at == timedelta(days=settings.keep_results_days)
    await send(service, plans("A", name="Second"), "dry_run=true")
    assert (await read(2))[1] is None
    async with hold_projects(pool, "A"):
        running = asyncio.create_task(send(service, plans("A", name="Third")))
        await until(pool, "SELECT count(*) = 3 FROM imports")
        assert await read(3) == (None, None)
    await running
    await pool.execute(EXPIRE)
    await prune(pool, settings)
    assert (await read(1))[1] is None


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
