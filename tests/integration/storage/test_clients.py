"""Disabling and removing clients, also while they import."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator

import aiohttp
import asyncpg
import pytest

from service.imports import client_removal
from service.settings import Settings
from service.storage import Pool
from tests.support.databases import ADD_CLIENT, CLIENT_TABLES, LOST
from tests.support.faults.project_files import content_of
from tests.support.faults.proxy import Fault, proxied
from tests.support.projects import until
from tests.support.service import Service
from tests.support.upload import send_file
from tests.support.uploads import abandoned

COPY_FOR_2 = """
INSERT INTO {table} SELECT (jsonb_populate_record(t, '{{"client_id": 2}}')).* FROM {table} t
"""
EXPIRY = 15


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as http:
        yield http


async def count_rows(pool: Pool, client_id: int) -> dict[str, int]:
    """Return the number of rows of a client in each table."""
    tables = [row["table_name"] for row in await pool.fetch(CLIENT_TABLES)]
    counts = [f"SELECT '{t}', count(*) FROM {t} WHERE client_id = {client_id}" for t in tables]
    return {row[0]: row[1] for row in await pool.fetch(" UNION ALL ".join(counts))}


@pytest.fixture
async def fill_tables(http: aiohttp.ClientSession, service: Service, pool: Pool) -> dict[str, int]:
    """Give clients 1 and 2 the same rows in every table, and return their numbers."""
    assert (await send_file(http, service, content_of(300)))[0] == 207
    await pool.execute(
        """
        INSERT INTO project_locks (client_id, project_id, holder, expires_at)
        SELECT 1, project_id, 'bob', now() + interval '1 hour' FROM projects;
        INSERT INTO lock_breaks (client_id, project_id, holder, expires_at, broken_by, reason)
        SELECT 1, project_id, 'bob', now(), 'eve', 'over' FROM projects;
        INSERT INTO shared_objects VALUES (1, 'a', 'Calendar', 'C', '{}');
        INSERT INTO pruned_versions VALUES (1, 1, 1);
        INSERT INTO version_labels VALUES (1, 1, 1, 'Approved');
        INSERT INTO project_parts SELECT 1, project_id, 1, 1, 'Calendar', '{}' FROM projects;
        INSERT INTO baselines SELECT 1, project_id, 1, 1, 0, 'B', NULL, true, '{}' FROM projects;
        INSERT INTO baseline_tasks (client_id, project_id, version, ordinal, number, kind, task_id,
                                    attributes)
        SELECT 1, project_id, 1, 1, 0, 'activity', 'A', '{}' FROM projects;
        """
    )
    for row in await pool.fetch(CLIENT_TABLES):
        await pool.execute(COPY_FOR_2.format(table=row["table_name"]))
    fill_tables = await count_rows(pool, 2)
    assert all(fill_tables.values()), fill_tables
    return fill_tables


async def test_removing_a_client_deletes_its_rows_from_every_table(
    pool: Pool, fill_tables: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_removal, "_ROWS_AT_A_TIME", 100)
    async with pool.acquire() as conn:
        await client_removal.remove_client(conn, 1, EXPIRY)
    assert set((await count_rows(pool, 1)).values()) == {0}
    assert await count_rows(pool, 2) == fill_tables


@pytest.mark.parametrize("table", ["import_results", "tasks", "clients"])
async def test_removing_a_client_again_completes_an_interrupted_removal(
    dsn: str, pool: Pool, fill_tables: dict[str, int], table: str
) -> None:
    async with proxied(dsn) as proxy:
        proxy.strike(Fault.CUT, f"DELETE FROM {table}".encode())
        broken = await asyncpg.connect(proxy.dsn)
        with pytest.raises(LOST):
            await client_removal.remove_client(broken, 1, EXPIRY)
    assert (await count_rows(pool, 1))["clients"] == 1
    async with pool.acquire() as conn:
        await client_removal.remove_client(conn, 1, EXPIRY)
    assert set((await count_rows(pool, 1)).values()) == {0}
    assert await count_rows(pool, 2) == fill_tables


@pytest.mark.parametrize(
    ("end", "times"),
    [(client_removal.disable_client, []), (client_removal.remove_client, [EXPIRY])],
    ids=["disable", "remove"],
)
async def test_disabling_or_removing_a_client_stops_its_imports_and_refuses_new_ones(
    http: aiohttp.ClientSession, service: Service, pool: Pool, end: object, times: list[int]
) -> None:
    resumed = asyncio.Event()
    content = content_of(3000)
    head = b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\n'

    async def body() -> AsyncIterator[bytes]:
        yield head + content[: len(content) // 2]
        await resumed.wait()
        yield content[len(content) // 2 :] + b"\r\n--b--\r\n"

    headers = service.headers() | {"Content-Type": "multipart/form-data; boundary=b"}
    sending = asyncio.create_task(http.post(service.bulk, data=body(), headers=headers))
    await until(pool, "SELECT count(*) > 0 FROM import_results")

    async with pool.acquire() as conn:
        await end(conn, 1, *times)  # type: ignore[operator]
    status, answered = await send_file(http, service, content)
    assert status == (403 if end is client_removal.disable_client else 404), answered
    if end is client_removal.disable_client:
        await until(pool, "SELECT state = 'cancelled' FROM imports")
    resumed.set()
    async with await sending as answer:
        assert answer.status == 409
        assert (await answer.json())["details"] == "Import cancelled"
    left = await count_rows(pool, 1)
    assert left["clients"] == (1 if end is client_removal.disable_client else 0)
    if end is client_removal.remove_client:
        assert set(left.values()) == {0}


async def test_a_client_with_a_dead_import_is_removed_while_no_service_runs(
    dsn: str, pool: Pool, settings: Settings
) -> None:
    await pool.execute(ADD_CLIENT)
    await abandoned(pool, "k", seconds=0)
    given = {
        "DATABASE_URL": dsn,
        "BULK_IMPORT_STATEMENT_CACHE_SIZE": str(settings.statement_cache_size),
        "BULK_IMPORT_HEARTBEAT_EXPIRY": "1",
    }
    command = (sys.executable, "-m", "service", "client", "remove", "1")
    process = await asyncio.create_subprocess_exec(*command, env=os.environ | given)
    async with asyncio.timeout(30):
        assert await process.wait() == 0
    assert set((await count_rows(pool, 1)).values()) == {0}
