"""Pruning deletes unused shared objects, but none that a running import relies on."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from service.imports.lease import Lease
from service.imports.pipeline import transaction
from service.imports.pipeline.writer import Writer
from service.model import SharedObject
from service.projects import retention as pruning
from service.projects.retention import prune
from service.settings import Settings
from service.storage import Connection, Pool
from service.storage.advisory_locks import client_key
from tests.support.projects import begun, finish, project


@pytest.fixture
def settings(settings: Settings) -> Settings:
    last = {"keep_versions": 2, "keep_days": 0, "keep_months": 0, "keep_superseded": 0}
    return settings.model_copy(update=last)


def calendars(*numbers: int) -> list[SharedObject]:
    return [SharedObject(bytes([n]) * 32, "Calendar", str(n), b"{}") for n in numbers]


async def list_stored_ids(pool: Pool) -> list[str]:
    rows = await pool.fetch("SELECT object_id FROM shared_objects ORDER BY object_id")
    return [row["object_id"] for row in rows]


async def store(pool: Pool, lease: Lease, *numbers: int) -> None:
    async with pool.acquire() as conn:
        await transaction.store_shared(conn, lease, calendars(*numbers))


async def test_pruning_deletes_unused_shared_objects_when_no_import_runs(
    pool: Pool, settings: Settings, lease: Lease, writer: Writer
) -> None:
    for n in (1, 2, 3, 4):
        await store(pool, lease, n, 9)
        plan = project("A", index=n, tasks=n + 1)
        plan.shared = (calendars(n)[0].hash,)
        await writer.write_batch([plan])

    assert (await prune(pool, settings)).shared_objects == 0
    assert await list_stored_ids(pool) == ["1", "2", "3", "4", "9"]
    await finish(pool, lease)
    assert (await prune(pool, settings)).shared_objects == 3
    assert await list_stored_ids(pool) == ["3", "4"], "what a version that is kept names"


async def test_pruning_shared_objects_does_not_wait_for_a_running_batch(
    pool: Pool, settings: Settings, lease: Lease
) -> None:
    """A waiting lock request would block every request after it."""
    await store(pool, lease, 1)
    await finish(pool, lease)
    async with pool.acquire() as conn, conn.transaction():
        await conn.execute("SELECT pg_advisory_xact_lock_shared($1)", client_key(1))
        async with asyncio.timeout(10):
            assert (await prune(pool, settings)).shared_objects == 0
    assert (await prune(pool, settings)).shared_objects == 1


@pytest.mark.parametrize("runs", ["all the while", "in between", "up to then"])
async def test_pruning_keeps_shared_objects_that_a_running_import_uses(
    pool: Pool, settings: Settings, lease: Lease, monkeypatch: pytest.MonkeyPatch, runs: str
) -> None:
    """The import found the object stored and did not store it again, so it must not be deleted.

    The version is dated an hour ago: the server's clock may step back.
    """
    await store(pool, lease, 1)
    await finish(pool, lease)
    early = await begun(pool) if runs == "up to then" else None
    alone = pruning._transaction

    async def work() -> None:
        importing = early or await begun(pool)
        await store(pool, importing, 1)
        if runs == "all the while":
            return
        plan = project("A")
        plan.shared = (calendars(1)[0].hash,)
        async with pool.acquire() as conn:
            await transaction.write_batch(conn, importing, [plan], 1, recheck=False)
        await pool.execute("UPDATE project_versions SET created_at = now() - interval '1 hour'")
        await finish(pool, importing)

    @asynccontextmanager
    async def late(pool: Pool) -> AsyncIterator[Connection]:
        await work()
        async with alone(pool) as conn:
            yield conn

    monkeypatch.setattr(pruning, "_transaction", late)
    gone = pruning.PruneResult()
    await pruning._prune_shared(pool, 1, gone)
    assert gone.shared_objects == 0
    assert await list_stored_ids(pool) == ["1"]
