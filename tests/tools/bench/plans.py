"""Measure what each route and step of pruning reads, by the planner's statistics.

python -m tests.tools.bench.plans [PROJECTS] [CLIENTS] [IMPORTS] [NONE] [FRESH] [TENTH] [ABSENT]
"""

import asyncio
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

import asyncpg
from rich.console import Console
from rich.table import Table

from service.projects.retention import prune
from service.settings import Settings
from service.storage.migrate import migrate
from service.storage.pool import create_pool
from tests.support.large_tenant import Size, Statistics, fill
from tests.support.operations import Operation, pruning, routes, writes
from tests.support.plans import RecordedPlan, recording_pool
from tests.tools.bench.database import Database, another, server

_TIMEOUT: Final = 60


async def measure(size: Size, only: list[str]) -> None:
    """Print a table with a column for each state of the statistics."""
    rows: dict[str, dict[str, str]] = {}
    with tempfile.TemporaryDirectory(prefix="bulk-import-plans-", dir="/var/tmp") as name:
        async with server(Path(name) / "db") as first:
            for setting in ("autovacuum = off", "fsync = off", "shared_buffers = '1GB'"):
                await first.execute(f"ALTER SYSTEM SET {setting}")
            await first.execute("SELECT pg_reload_conf()")
            for statistics in Statistics:
                if only and statistics.name not in only:
                    continue
                database = await another(first, f"with_{statistics.name.lower()}")
                migrate(database.dsn)
                print(f"filling: {statistics}", file=sys.stderr)
                async with database.connected() as conn:
                    await fill(conn, size, statistics)
                await database.execute("VACUUM (FREEZE, ANALYZE false)", "CHECKPOINT")
                if statistics is Statistics.NONE:
                    await database.execute(
                        "UPDATE pg_class SET reltuples = -1, relpages = 0 WHERE relkind = 'r'"
                        " AND relnamespace = 'public'::regnamespace"
                    )
                await _measure_state(database, size, statistics, rows)
                await first.execute(f"DROP DATABASE with_{statistics.name.lower()} WITH (FORCE)")
                _print(rows, [s for s in Statistics if not only or s.name in only])


async def _measure_state(
    database: Database, size: Size, statistics: Statistics, rows: dict[str, dict[str, str]]
) -> None:
    settings = Settings(port=0)
    timeout = {"statement_timeout": f"{_TIMEOUT}s"}
    async with recording_pool(database.dsn, **timeout) as (pool, plans):
        for operation in [*routes(size), *writes(size), *pruning(size, settings)]:
            plans.clear()
            rows.setdefault(operation.name, {})[statistics] = await _measure(operation, pool, plans)
            print(statistics, operation.name, rows[operation.name][statistics], file=sys.stderr)
    plain = await create_pool(settings, database.dsn)
    for name in ("sweep of all clients", "round with nothing to do"):
        begun = time.perf_counter()
        try:
            async with asyncio.timeout(4 * _TIMEOUT):
                result: object = await prune(plain, settings)
        except Exception as exc:
            result = repr(exc)
        took = f"{time.perf_counter() - begun:,.2f} s"
        rows.setdefault(f"prune: {name}", {})[statistics] = took
        print(statistics, name, took, result, file=sys.stderr)
    await plain.close()


async def _measure(operation: Operation, pool: asyncpg.Pool, plans: list[RecordedPlan]) -> str:
    try:
        await operation.run(pool)
    except (asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError, OSError):
        return f"> {_TIMEOUT} s"
    took = sum(plan.seconds for plan in plans) * 1e3
    read = sum(plan.rows for plan in plans)
    pages = sum(plan.pages for plan in plans)
    return f"{took:,.1f} ms, {read:,.0f} rows, {pages:,} pages"


def _print(rows: dict[str, dict[str, str]], states: list[Statistics]) -> None:
    table = Table(title="By the planner's statistics")
    table.add_column("")
    for statistics in states:
        table.add_column(statistics)
    for name, values in rows.items():
        table.add_row(name, *(values.get(statistics, "") for statistics in states))
    Console(width=240).print(table)


if __name__ == "__main__":
    projects = int(sys.argv[1]) if sys.argv[1:] else 130_000
    clients = int(sys.argv[2]) if sys.argv[2:] else 2_000
    imports = int(sys.argv[3]) if sys.argv[3:] else 1_000_000
    asyncio.run(measure(Size(projects, clients, imports), sys.argv[4:]))
