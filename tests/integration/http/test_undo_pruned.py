"""An undo needs all outcomes of its import, and is refused if some were pruned."""

import asyncio
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
from service.storage import Pool
from tests.support.projects import until
from tests.support.raw_http import get
from tests.support.running_imports import hold_projects
from tests.support.service import Service
from tests.support.uploads import plans, read_outcomes, send, undo

EXPIRE = (
    "UPDATE imports SET started_at = now() - interval '31 days',"
    " ended_at = now() - interval '31 days', key_claimed_at = NULL"
)
REFUSED = (409, "The outcomes of the import are no longer kept, so it cannot be undone")


async def interrupted(service: Service, pool: Pool, *ids: str) -> None:
    """Run import 1 in two attempts: the first creates the projects, the second finds them."""
    key = "Idempotency-Key: first"
    await send(service, plans(*ids), "", key)
    await pool.execute("UPDATE imports SET state = 'interrupted'")
    await send(service, plans(*ids), "", key)


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


async def test_undo_never_restores_another_version_than_the_previous_one(
    service: Service, pool: Pool, settings: Settings
) -> None:
    """Pruning can keep version 1, because it is the last of its day, and delete version 2."""
    for name in ("One", "Two", "Three"):
        await send(service, plans("A", name=name))
    await pool.execute(
        "UPDATE project_versions SET created_at = now() - interval '1 day' WHERE version = 1"
    )
    last = {"keep_versions": 1, "keep_days": 2, "keep_months": 0, "keep_superseded": 0}
    assert (await prune(pool, settings.model_copy(update=last))).versions == 1
    assert read_outcomes(await undo(service, 3)) == {"A": "NOT_IMPORTED"}
    assert await pool.fetchval("SELECT name FROM current_projects") == "Three"
