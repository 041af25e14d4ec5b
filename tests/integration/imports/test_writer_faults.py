"""Writing a batch while backends end, statements are cancelled, or the holder of a lock is dead."""

import asyncio

import pytest

from service.imports.lease import Lease
from service.imports.pipeline import transaction
from service.imports.pipeline.fair_scheduler import FairScheduler
from service.imports.pipeline.writer import Writer
from service.settings import Settings
from service.storage import Connection, Pool
from service.storage.advisory_locks import project_key
from service.storage.pool import open_pool
from tests.support.projects import CLIENT, begun, fetch_results, project, until

WAITING_COPY = (
    "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'COPY%'"
)


@pytest.mark.parametrize("end", ["pg_terminate_backend", "pg_cancel_backend"])
@pytest.mark.parametrize("tasks", [2, 15_000], ids=["sent", "more than the socket takes"])
async def test_a_batch_whose_backend_is_ended_or_cancelled_is_written_again(
    pool: Pool, lease: Lease, writer: Writer, other: Connection, tasks: int, end: str
) -> None:
    await other.execute("LOCK TABLE tasks")
    landing = asyncio.create_task(writer.write_batch([project("A", tasks=tasks)]))
    pid = await until(pool, WAITING_COPY)
    await pool.execute(f"SELECT {end}({pid})")
    await until(pool, f"{WAITING_COPY} AND pid <> {pid}")
    await other.execute("ROLLBACK")

    await landing
    assert [row["outcome"] for row in await fetch_results(pool, lease)] == ["created"]


async def test_a_batch_that_exceeds_the_statement_timeout_of_its_role_is_written_again(
    dsn: str, settings: Settings, pool: Pool, lease: Lease, other: Connection
) -> None:
    database = await pool.fetchval("SELECT current_database()")
    await pool.execute(f"ALTER ROLE postgres IN DATABASE {database} SET statement_timeout = 500")
    await other.execute("LOCK TABLE tasks")
    async with open_pool(settings, dsn) as limited:
        queue = FairScheduler(8).queue(CLIENT)
        writer = Writer(limited, queue, lease, lock_timeout=30, retry_timeout=20)
        landing = asyncio.create_task(writer.write_batch([project("A")]))
        pid = await until(pool, WAITING_COPY)
        await until(pool, f"{WAITING_COPY} AND pid <> {pid}")
        await other.execute("ROLLBACK")
        await landing
    assert [row["outcome"] for row in await fetch_results(pool, lease)] == ["created"]


@pytest.mark.parametrize("suspected", [True, False])
async def test_a_project_waits_on_if_the_import_that_holds_it_is_suspected_to_be_dead(
    pool: Pool, lease: Lease, writer: Writer, other: Connection, suspected: bool
) -> None:
    rival = await begun(pool)
    await other.execute("ROLLBACK")
    of_rival = "UPDATE import_progress SET suspected_at = now() WHERE (import_id = $1) = $2"
    await pool.execute(of_rival, rival.import_id, suspected)  # otherwise of the import that waits
    async with transaction.lease_transaction(other, rival):
        await other.execute("SELECT pg_advisory_xact_lock($1)", project_key(CLIENT, "B"))
        landing = asyncio.create_task(writer.write_batch([project("B")]))
        await asyncio.wait([landing], timeout=2)
        assert landing.done() is not suspected
    await landing
    outcome = "created" if suspected else "failed"
    assert [row["outcome"] for row in await fetch_results(pool, lease)] == [outcome]
