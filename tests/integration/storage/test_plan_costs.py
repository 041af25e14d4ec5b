"""No statistics of the planner make a query read more rows than docs/operate/scaling.md states."""

from collections.abc import AsyncIterator
from hashlib import sha256

import pytest

from service.imports import history
from service.settings import Settings
from tests.support.databases import create_database, execute
from tests.support.large_tenant import Size, Statistics, fill
from tests.support.operations import pruning, routes, writes
from tests.support.plans import recording_pool

PREFIX = "".join(sha256(bytes([n])).hexdigest() for n in range(7))
SIZE = Size(projects=1000, clients=50, imports=1000, tasks=10, prefix=PREFIX)


@pytest.fixture
async def database(server: str, shape: str) -> AsyncIterator[str]:
    """A database of which only the test collects statistics."""
    await execute(server, "ALTER SYSTEM SET autovacuum = off")
    await execute(server, "SELECT pg_reload_conf()")
    async with create_database(server, "costs", shape) as dsn:
        yield dsn
    await execute(server, "ALTER SYSTEM RESET autovacuum")
    await execute(server, "SELECT pg_reload_conf()")


@pytest.mark.parametrize("shape", ["migrated", "partitioned"])
@pytest.mark.parametrize("statistics", Statistics)
async def test_no_statistics_make_an_operation_read_more_rows_than_it_needs(
    database: str, statistics: Statistics, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "EXAMINED", 100)
    read: dict[str, tuple[float, int]] = {}
    async with recording_pool(database) as (pool, plans):
        async with pool.acquire() as conn:
            await fill(conn, SIZE, statistics)
        for operation in [*routes(SIZE), *writes(SIZE), *pruning(SIZE, settings)]:
            plans.clear()
            await operation.run(pool)
            read[operation.name] = sum(plan.rows for plan in plans), operation.rows
    assert {name: rows for name, rows in read.items() if rows[0] > rows[1]} == {}
    assert all(rows for name, (rows, _) in read.items() if "none" not in name), read
