"""Ending an import and taking it over ends the backends of its batches, in its database only."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import asyncpg
import pytest

from service.imports.reaper import reap_dead_imports
from service.storage import Connection, Pool
from service.storage.advisory_locks import import_key
from tests.support.projects import until
from tests.support.raw_http import Connection as Client
from tests.support.raw_http import head
from tests.support.service import Service
from tests.support.uploads import abandoned, plans

KEY = "Idempotency-Key: night-17"
SHARE = f"SELECT pg_advisory_xact_lock_shared({import_key(1, 1)})"
End = Callable[[Service, Pool], Awaitable[None]]


@pytest.fixture
async def batch(pool: Pool) -> AsyncIterator[Connection]:
    """A transaction like that of a batch of import 1, whose process has lost its connection."""
    async with pool.acquire() as conn:
        await conn.execute("BEGIN")
        await conn.execute(SHARE)
        yield conn


@pytest.fixture
async def stranger(server: str) -> AsyncIterator[Connection]:
    """A batch of the same client's and import's ids in another database of the server."""
    async with (
        asyncpg.create_pool(server, min_size=1, max_size=1) as pool,
        pool.acquire() as conn,
        conn.transaction(),
    ):
        await conn.execute(SHARE)
        yield conn


async def is_alive(conn: Connection) -> bool:
    try:
        return await conn.fetchval("SELECT true") is True
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
        return False


async def end_by_its_process(service: Service, pool: Pool) -> None:
    body = plans("A")
    async with Client(service) as client:
        await client.send(head(service, f"Content-Length: {len(body)}"), body[:-60])
        await until(pool, "SELECT count(*) > 0 FROM imports")
        await client.send(body[-60:])
        assert (await client.answer()).status == 207


async def end_by_the_reaper(service: Service, pool: Pool) -> None:
    await abandoned(pool, "k", seconds=3600)
    async with pool.acquire() as conn, asyncio.timeout(20):
        while not await reap_dead_imports(conn, 1, 0.1):  # it suspects the import first
            pass


@pytest.mark.parametrize("end", [end_by_its_process, end_by_the_reaper])
async def test_no_batch_survives_the_end_of_its_import(
    service: Service, pool: Pool, batch: Connection, stranger: Connection, end: End
) -> None:
    await end(service, pool)
    assert not await is_alive(batch)
    assert await is_alive(stranger)


async def test_no_batch_survives_the_take_over_of_its_import(
    service: Service, pool: Pool, batch: Connection, stranger: Connection
) -> None:
    await abandoned(pool, "night-17", seconds=0)
    await pool.execute("UPDATE imports SET state = 'interrupted'")
    body = plans("A")
    async with Client(service) as client:
        await client.send(head(service, f"Content-Length: {len(body)}", KEY), body[:-60])
        await until(pool, "SELECT attempt = 2 FROM imports")
        assert not await is_alive(batch)
        assert await is_alive(stranger)
        await client.send(body[-60:])
        assert (await client.answer()).json["import_id"] == 1
