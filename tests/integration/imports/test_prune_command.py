"""``bulk-import prune``: one round, its output and its exit code."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE
from collections.abc import Awaitable, Callable

import pytest

from service.imports.pipeline.writer import Writer
from service.settings import Settings
from service.storage import Pool
from service.storage.advisory_locks import prune_key
from tests.support.projects import project

Run = Callable[[], Awaitable[tuple[int | None, str, str]]]


@pytest.fixture
def run(settings: Settings, dsn: str) -> Run:
    async def run() -> tuple[int | None, str, str]:
        given = {
            "DATABASE_URL": dsn,
            "BULK_IMPORT_STATEMENT_CACHE_SIZE": str(settings.statement_cache_size),
            "BULK_IMPORT_KEEP_VERSIONS": "3",
            "BULK_IMPORT_KEEP_DAYS": "0",
            "BULK_IMPORT_KEEP_MONTHS": "0",
            "BULK_IMPORT_KEEP_SUPERSEDED": "0",
            "BULK_IMPORT_PRUNE": "false",  # as in pods that leave pruning to the command
        }
        command = (sys.executable, "-m", "service", "prune")
        process = await asyncio.create_subprocess_exec(
            *command, env=os.environ | given, stdout=PIPE, stderr=PIPE
        )
        out, err = await process.communicate()
        return process.returncode, out.decode(), err.decode()

    return run


async def test_the_prune_command_runs_one_round_and_prints_the_deleted_rows(
    run: Run, writer: Writer
) -> None:
    for n in range(5):
        await writer.write_batch([project("A", index=n, tasks=n + 2)])
    said = "Gone: {} versions, 0 outcomes, 0 shared objects, 0 imports.\n"
    code, out, err = await run()
    assert (code, out) == (0, said.format(2)), err
    code, out, err = await run()
    assert (code, out) == (0, said.format(0)), err


@pytest.mark.usefixtures("lease")
async def test_the_prune_command_exits_while_another_process_prunes(run: Run, pool: Pool) -> None:
    async with pool.acquire() as conn, conn.transaction():
        await conn.execute("SELECT pg_advisory_xact_lock($1)", prune_key())
        code, out, err = await run()
    assert code == 0, err
    assert out.startswith("Another process is pruning")


async def test_the_prune_command_reports_a_missing_migration(run: Run, pool: Pool) -> None:
    await pool.execute("DELETE FROM schema_migrations WHERE version = '20261124000006'")
    code, out, err = await run()
    assert (code, out) == (2, "")
    assert err.startswith("bulk-import: the database lacks 20261124000006_pruning.sql: run ")


async def test_the_prune_command_reports_hidden_sessions_in_one_line(run: Run, pool: Pool) -> None:
    async with pool.acquire() as conn, conn.transaction():
        await conn.execute("SET LOCAL track_activities = off")
        code, out, err = await run()
    assert (code, out) == (2, "")
    assert err.startswith("bulk-import: the database cannot be used: The database hides ")
    assert err.count("\n") == 1
