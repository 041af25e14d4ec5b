"""Imports whose process is dead are ended, and no others."""

import asyncio
import contextlib
from datetime import timedelta
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from service.imports import reaper
from service.imports.lease import Lease
from service.imports.pipeline.writer import Writer
from service.imports.reaper import DEAD, reap_dead_imports, reap_periodically
from service.imports.record import request_cancel
from service.storage import Connection, Pool, advisory_locks
from service.storage.advisory_locks import import_key
from tests.support.databases import LOST, earlier, execute
from tests.support.projects import CLIENT, project, until
from tests.support.raw_http import get
from tests.support.service import Service
from tests.support.uploads import abandoned

EXPIRY = 10.0
WAITS = "SELECT count(*) > 0 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
SESSIONS_KILLED = "SELECT sessions_killed FROM pg_stat_database WHERE datname = current_database()"


async def reap(pool: Pool) -> list[int]:
    async with pool.acquire() as conn:
        return await reap_dead_imports(conn, 1, EXPIRY)


async def let_pass(pool: Pool, seconds: float) -> None:
    """Make all heartbeats and suspicions older."""
    await pool.execute(
        f"UPDATE import_progress SET {earlier('beat_at')}, {earlier('suspected_at')}",
        timedelta(seconds=seconds),
    )


async def beat(pool: Pool) -> None:
    """Send a heartbeat as the previous version of the service does."""
    await pool.execute("UPDATE import_progress SET beat_at = statement_timestamp()")


async def suspect(pool: Pool) -> None:
    """Have the import of the test suspected for longer than it takes."""
    await let_pass(pool, EXPIRY)
    assert await reap(pool) == []
    await let_pass(pool, EXPIRY)


async def test_a_silent_import_is_suspected_and_then_ended_with_its_counts(
    pool: Pool, lease: Lease, writer: Writer
) -> None:
    await writer.write_batch([project("A")])
    await pool.execute("UPDATE import_progress SET bytes_read = 7")
    await let_pass(pool, EXPIRY / 2 - 1)
    assert await reap(pool) == []
    assert await pool.fetchval("SELECT suspected_at FROM import_progress") is None
    await let_pass(pool, 2)
    assert await reap(pool) == []
    await let_pass(pool, EXPIRY / 2 - 1)
    assert await reap(pool) == []
    assert await pool.fetchval("SELECT state FROM imports") == "running"
    await let_pass(pool, 2)
    assert await reap(pool) == [lease.import_id]
    row = await pool.fetchrow("SELECT * FROM imports")
    assert row is not None
    assert (row["state"], row["cause"], row["bytes_read"]) == ("interrupted", DEAD, 7)
    assert row["counts"] == {"created": 1, "updated": 0, "unchanged": 0, "failed": 0}
    assert row["ended_at"] is not None
    assert await reap(pool) == []


async def test_an_import_that_beats_after_an_outage_is_not_ended(pool: Pool, lease: Lease) -> None:
    await let_pass(pool, 100 * EXPIRY)
    assert await reap(pool) == []
    await beat(pool)
    for _ in range(3):  # silent again, but never for long enough
        await let_pass(pool, EXPIRY / 2 + 1)
        assert await reap(pool) == []
        await beat(pool)
    assert await pool.fetchval("SELECT state FROM imports") == "running"


async def test_a_suspicion_ends_with_the_next_heartbeat(pool: Pool, lease: Lease) -> None:
    await suspect(pool)
    await beat(pool)
    await let_pass(pool, EXPIRY / 2 + 1)
    assert await reap(pool) == []
    assert await reap(pool) == []


@pytest.mark.parametrize("beats", [True, False])
async def test_the_batches_of_an_import_that_is_not_dead_are_left_alone(
    pool: Pool, lease: Lease, monkeypatch: pytest.MonkeyPatch, beats: bool
) -> None:
    """It sent a heartbeat after it was suspected, or is suspected for a moment only."""
    monkeypatch.setattr(advisory_locks, "IMPORT_LOCK_WAIT", 0.05)
    await let_pass(pool, EXPIRY)
    assert await reap(pool) == []
    if beats:
        await let_pass(pool, EXPIRY)
        await beat(pool)
    async with pool.acquire() as batch, batch.transaction():
        await batch.execute("SELECT pg_advisory_xact_lock_shared($1)", import_key(CLIENT, 1))
        assert await reap(pool) == []
        assert await batch.fetchval("SELECT true")


async def test_a_heartbeat_while_the_reaper_waits_for_the_import_saves_it(
    pool: Pool, lease: Lease
) -> None:
    await suspect(pool)
    async with pool.acquire() as batch, batch.transaction():
        await batch.execute("SELECT pg_advisory_xact_lock_shared($1)", import_key(CLIENT, 1))
        reaping = asyncio.create_task(reap(pool))
        await until(pool, WAITS)
        await beat(pool)
    assert await reaping == []
    assert await pool.fetchval("SELECT state FROM imports") == "running"


async def test_the_reaper_leaves_an_import_that_ends_while_it_waits(
    pool: Pool, lease: Lease
) -> None:
    await suspect(pool)
    async with pool.acquire() as batch, batch.transaction():
        await batch.execute("SELECT pg_advisory_xact_lock_shared($1)", import_key(CLIENT, 1))
        reaping = asyncio.create_task(reap(pool))
        await until(pool, WAITS)
        await pool.execute("UPDATE imports SET state = 'interrupted', cause = 'Its own'")
    assert await reaping == []
    assert await pool.fetchval("SELECT cause FROM imports") == "Its own"


@pytest.mark.parametrize(("column", "rounds"), [("beat_at", 3), ("suspected_at", 2)])
async def test_a_clock_that_is_set_back_does_not_keep_a_dead_import_alive(
    pool: Pool, lease: Lease, column: str, rounds: int
) -> None:
    await let_pass(pool, EXPIRY)
    await pool.execute(f"UPDATE import_progress SET {column} = now() + interval '1 hour'")
    for ended in (*[[]] * (rounds - 1), [lease.import_id]):
        assert await reap(pool) == ended
        await let_pass(pool, EXPIRY)


async def test_the_reaper_ends_the_imports_of_one_client(pool: Pool, lease: Lease) -> None:
    await pool.execute(
        "INSERT INTO imports (client_id, import_id) VALUES (2, 7);"
        "INSERT INTO import_progress (client_id, import_id, attempt) VALUES (2, 7, 1)"
    )
    async with pool.acquire() as conn:
        for client_id, expected in ((2, [7]), (1, [lease.import_id])):
            for ended in ([], expected):
                await let_pass(pool, EXPIRY)
                assert await reap_dead_imports(conn, client_id, EXPIRY) == ended


async def test_an_import_whose_lock_is_not_free_does_not_keep_others_from_their_end(
    pool: Pool, lease: Lease, other: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reaper, "END_TIMEOUT", 0.5)
    await pool.execute(
        "INSERT INTO imports (client_id, import_id) VALUES (2, 7);"
        "INSERT INTO import_progress (client_id, import_id, attempt) VALUES (2, 7, 1)"
    )
    await suspect(pool)
    held = (await pool.fetchrow("SELECT client_id, import_id FROM imports LIMIT 1")) or ()
    await other.execute("SELECT pg_advisory_xact_lock($1)", import_key(*held))
    reaping = asyncio.create_task(reap_periodically(pool, interval=0.1, expiry=EXPIRY))
    try:
        await until(pool, "SELECT count(*) = 1 FROM imports WHERE state = 'interrupted'")
    finally:
        reaping.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await reaping


@pytest.mark.parametrize(
    ("by", "cause"), [("boss", "Cancelled by boss"), ("", "Cancelled")], ids=["subject", "nobody"]
)
async def test_a_requested_cancel_outlives_the_process(
    pool: Pool, lease: Lease, by: str, cause: str
) -> None:
    async with pool.acquire() as conn:
        assert await request_cancel(conn, CLIENT, lease.import_id, by)
    await suspect(pool)
    assert await reap(pool) == [lease.import_id]
    row = await pool.fetchrow("SELECT state, cause FROM imports")
    assert row is not None
    assert tuple(row) == ("cancelled", cause)


@pytest.mark.settings(heartbeat_every=3600)
async def test_reading_a_silent_import_does_not_end_it(service: Service, pool: Pool) -> None:
    await abandoned(pool, "k", seconds=3600)
    for path in ("", "/1", "/1/results"):
        assert (await get(service, f"/api/v2/clients/1/imports{path}")).status == 200
    assert await pool.fetchval("SELECT state FROM imports") == "running"


@pytest.mark.settings(heartbeat_every=0.05, heartbeat_expiry=1)
async def test_the_service_ends_a_dead_import_within_the_expiry(
    service: Service, pool: Pool
) -> None:
    await abandoned(pool, "k", seconds=0)
    await until(pool, "SELECT state = 'interrupted' FROM imports")
    lasted = await pool.fetchval("SELECT ended_at - started_at FROM imports")
    assert timedelta(seconds=1) < lasted < timedelta(seconds=3)


@pytest.mark.once
@pytest.mark.settings(heartbeat_every=3600)
async def test_readers_and_reapers_terminate_no_connection(
    service: Service, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(advisory_locks, "IMPORT_LOCK_WAIT", 0.02)
    await abandoned(pool, "k", seconds=3600)
    await pool.execute(
        "INSERT INTO import_results (client_id, import_id, attempt, index, outcome)"
        " SELECT 1, 1, 1, n, 'created' FROM generate_series(1, 300000) n"
    )
    await suspect(pool)
    reading = [get(service, "/api/v2/clients/1/imports/1") for _ in range(8)]
    reaping = asyncio.gather(reap(pool), reap(pool))
    assert {answer.status for answer in await asyncio.gather(*reading)} == {200}
    first, second = await reaping
    assert first + second == [1]
    assert await pool.fetchval(SESSIONS_KILLED) == 0
    assert (await pool.fetchval("SELECT counts FROM imports"))["created"] == 300_000


async def test_an_import_that_ended_a_moment_ago_is_read_with_its_counts(
    service: Service, pool: Pool
) -> None:
    await abandoned(pool, "k", seconds=0)
    await pool.execute(
        "INSERT INTO import_results (client_id, import_id, attempt, index, outcome)"
        " VALUES (1, 1, 1, 0, 'created');"
        "UPDATE imports SET state = 'interrupted', ended_at = now()"
    )
    one = (await get(service, "/api/v2/clients/1/imports/1")).json["details"]
    (listed,) = (await get(service, "/api/v2/clients/1/imports")).json["details"]["imports"]
    assert one["counts"]["created"] == listed["counts"]["created"] == 1


async def lock_import(pool: Pool, attempt: int) -> None:
    async with pool.acquire() as conn, conn.transaction():
        await advisory_locks.lock_import(conn, CLIENT, 1, attempt)


@pytest.mark.parametrize(
    ("lock", "attempt", "survives"),
    [
        ("pg_advisory_xact_lock_shared", 1, False),
        ("pg_advisory_xact_lock_shared", 2, True),
        ("pg_advisory_xact_lock", 1, True),
    ],
    ids=["batch", "batch-of-another-attempt", "reaper"],
)
async def test_locking_an_import_terminates_only_batches_of_the_attempt_that_is_over(
    pool: Pool,
    lease: Lease,
    monkeypatch: pytest.MonkeyPatch,
    lock: str,
    attempt: int,
    survives: bool,
) -> None:
    monkeypatch.setattr(advisory_locks, "IMPORT_LOCK_WAIT", 0.05)
    await pool.execute("UPDATE imports SET attempt = $1", attempt)
    async with pool.acquire() as conn:
        transaction = conn.transaction()
        await transaction.start()
        await conn.execute(f"SELECT {lock}($1)", import_key(CLIENT, 1))
        locking = asyncio.create_task(lock_import(pool, 1))
        await asyncio.wait([locking], timeout=0.5 if survives else None)
        if survives:
            assert await conn.fetchval("SELECT true")
            await transaction.rollback()
        else:
            with pytest.raises(LOST):
                await conn.fetchval("SELECT true")
    await locking


async def test_locking_an_import_leaves_the_connections_of_other_databases_alone(
    server: str, pool: Pool, lease: Lease, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(advisory_locks, "IMPORT_LOCK_WAIT", 0.05)
    await execute(server, "CREATE DATABASE beside")
    other = await asyncpg.connect(urlunsplit(urlsplit(server)._replace(path="/beside")))
    async with pool.acquire() as own:
        for batch in (own, other):
            await batch.execute("BEGIN")
            await batch.execute("SELECT pg_advisory_xact_lock_shared($1)", import_key(CLIENT, 1))
        await lock_import(pool, 1)
        with pytest.raises(LOST):
            await own.fetchval("SELECT true")
    assert await other.fetchval("SELECT true")
    await other.close()
    await execute(server, "DROP DATABASE beside")


async def test_a_process_that_stops_while_it_ends_an_import_blocks_nobody_for_long(
    dsn: str, pool: Pool, lease: Lease, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(advisory_locks, "IMPORT_LOCK_IDLE", 0.3)
    stopped = await asyncpg.connect(dsn)
    await stopped.transaction(isolation="read_committed").start()
    await advisory_locks.lock_import(stopped, CLIENT, 1, 1)
    async with asyncio.timeout(10):
        await lock_import(pool, 1)
    stopped.terminate()
