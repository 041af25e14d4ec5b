"""The row of an import at its end and at its take-over; commits that the database lost."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from service.errors import Conflict, Unavailable
from service.imports import outcomes, session
from service.imports.ending import CANCELLED, COMMITS_LOST
from service.imports.lease import Lease
from service.imports.manager import ImportManager
from service.imports.pipeline.pipe import FilePart
from service.imports.pipeline.writer import Writer
from service.imports.record import (
    EndedImport,
    ImportEnd,
    ImportRequest,
    complete_import,
    end_import,
    request_cancel,
    store_counts,
    take_over_import,
)
from service.settings import Settings
from service.storage import Connection, Pool
from service.storage.advisory_locks import import_key, lock_import
from tests.support.databases import ADD_CLIENT
from tests.support.projects import CLIENT, HEAD, REQUEST, TAIL, project, project_line, until
from tests.support.raw_http import Connection as Client
from tests.support.raw_http import get, head
from tests.support.service import Service
from tests.support.uploads import plans, send, undo

KEY = "Idempotency-Key: k"
BODY = plans(*(f"P-{n}" for n in range(1500)))
WAITS = "SELECT count(*) > 0 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
LOSE = """
DELETE FROM project_versions v
 USING import_results r
 WHERE r.index < 100 AND v.client_id = r.client_id AND v.project_id = r.project_id
   AND v.version = r.version;
DELETE FROM import_results WHERE index < 100;
DELETE FROM projects p
 WHERE NOT EXISTS (SELECT FROM project_versions v
                    WHERE v.client_id = p.client_id AND v.project_id = p.project_id)
"""
"""Undoes the first commits, as a standby that lacked them would."""


@pytest.fixture
async def importer(pool: Pool, settings: Settings) -> AsyncIterator[ImportManager]:
    await pool.execute(ADD_CLIENT)
    async with ImportManager(pool, settings) as importer:
        yield importer


async def read_row(pool: Pool) -> dict[str, Any]:
    row = await pool.fetchrow(
        "SELECT *, i.bytes_read AS size FROM imports i"
        " JOIN import_progress USING (client_id, import_id)"
    )
    assert row is not None
    return dict(row)


async def end(pool: Pool, lease: Lease, state: str) -> EndedImport | None:
    async with pool.acquire() as conn:
        return await end_import(conn, lease, ImportEnd(state, state))


async def cancel(pool: Pool) -> bool:
    async with pool.acquire() as conn:
        return await request_cancel(conn, CLIENT, 1, "boss")


@pytest.mark.parametrize("state", ["completed", "failed", "interrupted", "cancelled"])
@pytest.mark.parametrize("before", ["completed", "failed", "interrupted", "cancelled"])
async def test_an_import_that_has_ended_ends_in_no_other_state(
    pool: Pool, lease: Lease, before: str, state: str
) -> None:
    await pool.execute("UPDATE imports SET state = $1", before)
    ended = await end(pool, lease, state)
    assert (None if ended is None else ended.state) == (before if before == state else None)
    assert (await read_row(pool))["state"] == before


async def test_an_import_that_was_ended_by_another_process_does_not_complete(
    pool: Pool, lease: Lease
) -> None:
    await pool.execute("UPDATE imports SET state = 'interrupted'")
    async with pool.acquire() as conn:
        assert await complete_import(conn, lease, ImportEnd("completed"), 0) is None
    assert (await read_row(pool))["state"] == "interrupted"


async def test_an_attempt_that_is_over_does_not_end_its_successor(pool: Pool, lease: Lease) -> None:
    await pool.execute("UPDATE imports SET attempt = 2; UPDATE import_progress SET attempt = 2")
    assert await end(pool, lease, "failed") is None
    assert (await read_row(pool))["state"] == "running"


@pytest.mark.parametrize(
    ("state", "ended_as"),
    [("interrupted", "cancelled"), ("cancelled", "cancelled"), ("failed", "failed")],
)
async def test_a_requested_cancel_counts_although_the_import_is_interrupted(
    pool: Pool, lease: Lease, state: str, ended_as: str
) -> None:
    assert await cancel(pool)
    for _ in range(2):  # as if the first answer was lost
        ended = await end(pool, lease, state)
        assert ended is not None
        assert ended.state == ended_as
    cause = "Cancelled by boss" if ended_as == "cancelled" else state
    assert (await read_row(pool))["cause"] == cause
    assert not await cancel(pool)


async def test_a_cancel_that_is_requested_while_an_import_ends_is_refused(
    pool: Pool, lease: Lease
) -> None:
    async with pool.acquire() as conn, conn.transaction():
        await lock_import(conn, CLIENT, 1, 1)
        await conn.execute("UPDATE imports SET state = 'interrupted'")
        cancelling = asyncio.create_task(cancel(pool))
        await until(pool, WAITS)
    assert not await cancelling


@pytest.mark.settings(heartbeat_every=3600)
async def test_an_uploader_learns_of_the_cancel_when_the_import_is_interrupted(
    pool: Pool, importer: ImportManager
) -> None:
    async with importer.open(REQUEST) as started:
        await started.begin_file(FilePart())
        await started.feed(HEAD + project_line("A"))
        assert await cancel(pool)
        error = await started.interrupt(Unavailable("The service is shutting down"))
    assert isinstance(error, Conflict)
    assert (error.details, error.fields["import_id"]) == (CANCELLED, started.id)
    assert (await read_row(pool))["state"] == "cancelled"


@pytest.mark.settings(heartbeat_every=0.05)
async def test_the_owner_of_an_import_that_was_ended_stops_with_its_next_heartbeat(
    pool: Pool, importer: ImportManager
) -> None:
    async def wait_for_more() -> None:
        await asyncio.Event().wait()

    async with importer.open(REQUEST) as started, asyncio.timeout(10):
        await started.begin_file(FilePart())
        await started.feed(HEAD)
        await pool.execute("UPDATE imports SET state = 'interrupted'")
        with pytest.raises(Unavailable):
            await started.while_running(wait_for_more())


@pytest.mark.settings(heartbeat_every=0.05)
async def test_an_attempt_that_is_over_sends_no_heartbeat_for_its_successor(
    pool: Pool, importer: ImportManager
) -> None:
    async with importer.open(REQUEST) as started, asyncio.timeout(10):
        await started.begin_file(FilePart())
        await started.feed(HEAD)
        await pool.execute(
            "UPDATE imports SET attempt = 2;"
            "UPDATE import_progress SET attempt = 2, beat_at = 'epoch'"
        )
        with pytest.raises(Unavailable):
            await started.while_running(asyncio.sleep(10))
        assert await pool.fetchval("SELECT beat_at = 'epoch' FROM import_progress")


async def take_over(pool: Pool, attempt: int = 1, request: ImportRequest = REQUEST) -> int | None:
    async with pool.acquire() as conn:
        return await take_over_import(conn, request, 1, attempt, 5)


async def test_a_take_over_resets_what_the_previous_attempt_left(pool: Pool, lease: Lease) -> None:
    await pool.execute(
        "UPDATE imports SET state = 'interrupted', key_claimed_at = now(), bytes_read = 7,"
        "   warnings = '[{}]', counts = '{}', cause = 'x', ended_at = now();"
        "UPDATE import_progress SET bytes_read = 7, projects_done = 7, beat_at = 'epoch'"
    )
    assert await take_over(pool) == 2
    row = await read_row(pool)
    assert (row["state"], row["warnings"], row["size"], row["bytes_read"]) == ("running", [], 0, 0)
    assert (row["counts"], row["cause"], row["ended_at"]) == (None, None, None)
    assert row["projects_done"] == 0
    assert await pool.fetchval("SELECT beat_at > now() - interval '1 min' FROM import_progress")


@pytest.mark.parametrize("state", ["running", "completed", "failed", "cancelled"])
async def test_only_an_interrupted_import_is_taken_over(
    pool: Pool, lease: Lease, state: str
) -> None:
    await pool.execute("UPDATE imports SET state = $1, key_claimed_at = now()", state)
    await pool.execute("UPDATE import_progress SET beat_at = 'epoch', suspected_at = 'epoch'")
    assert await take_over(pool) is None


async def test_an_attempt_is_taken_over_only_once(pool: Pool, lease: Lease) -> None:
    await pool.execute(
        "UPDATE imports SET state = 'interrupted', key_claimed_at = now(), attempt = 2"
    )
    assert await take_over(pool, 1) is None
    assert await take_over(pool, 2) == 3


async def test_a_take_over_waits_for_the_batches_of_the_previous_attempt(
    pool: Pool, lease: Lease
) -> None:
    await pool.execute("UPDATE imports SET state = 'interrupted', key_claimed_at = now()")
    async with pool.acquire() as batch, batch.transaction():
        await batch.execute("SELECT pg_advisory_xact_lock_shared($1)", import_key(CLIENT, 1))
        taking = asyncio.create_task(take_over(pool))
        await until(pool, WAITS)
    assert await taking == 2


async def test_two_uploads_do_not_take_an_import_over_twice(pool: Pool, lease: Lease) -> None:
    await pool.execute("UPDATE imports SET state = 'interrupted', key_claimed_at = now()")
    other = replace(REQUEST, nonce=b"other")  # with its nonce, it would be a try of the same upload
    taken = await asyncio.gather(take_over(pool), take_over(pool, request=other))
    assert sorted(map(str, taken)) == ["2", "None"]


async def test_an_import_whose_key_expired_meanwhile_is_not_taken_over(
    pool: Pool, lease: Lease
) -> None:
    """Another upload has freed the key, and begun an import under it."""
    await pool.execute("UPDATE imports SET state = 'interrupted', idempotency_key = 'k'")
    await pool.execute(
        "INSERT INTO imports (client_id, subject, idempotency_key, key_claimed_at)"
        " VALUES (1, 'tester', 'k', now())"
    )
    assert await take_over(pool) is None


async def test_an_import_does_not_complete_without_all_its_outcomes(
    pool: Pool, lease: Lease, writer: Writer
) -> None:
    await writer.write_batch([project("A"), project("B", 1)])
    async with pool.acquire() as conn:
        with pytest.raises(Unavailable, match=COMMITS_LOST):
            await complete_import(conn, lease, ImportEnd("completed"), 3)
        assert (await read_row(pool))["state"] == "running"
        ended = await complete_import(conn, lease, ImportEnd("completed"), 2)
    assert ended is not None
    assert ended.tally.counts["created"] == 2


async def test_commits_that_are_lost_under_a_running_import_interrupt_it(
    service: Service, pool: Pool
) -> None:
    async with Client(service) as connection:
        await connection.send(head(service, f"Content-Length: {len(BODY)}", KEY), BODY[:-100])
        await until(pool, "SELECT count(*) >= 1000 FROM import_results")
        await pool.execute(LOSE)
        await connection.send(BODY[-100:])
        answer = await connection.answer()
    assert (answer.status, answer.json["details"]) == (503, COMMITS_LOST), answer.json
    assert answer.headers["retry-after"]
    assert (answer.json["import_id"], answer.json["counts"]["created"]) == (1, 1400)
    found = (await get(service, "/api/v2/clients/1/imports/1")).json["details"]
    assert (found["state"], found["cause"]) == ("interrupted", COMMITS_LOST)

    again = await send(service, BODY, "", KEY)
    assert (again.status, again.json["import_id"]) == (207, 1)
    assert again.json["counts"] == {"created": 100, "updated": 0, "unchanged": 1400, "failed": 0}


@pytest.mark.parametrize(
    "query", ["atomic=true", "dry_run=true", "atomic=true&dry_run=true", "undo"]
)
@pytest.mark.settings(fast_path_bytes=0)
async def test_an_outcome_that_is_lost_interrupts_every_kind_of_import(
    service: Service, pool: Pool, monkeypatch: pytest.MonkeyPatch, query: str
) -> None:
    first = await send(service, plans("A", "B"))

    async def lose_one(
        conn: Connection, lease: Lease, end: ImportEnd, handed_on: int
    ) -> EndedImport | None:
        await conn.execute("DELETE FROM import_results WHERE import_id = 2 AND index = 1")
        monkeypatch.undo()
        return await complete_import(conn, lease, end, handed_on)

    monkeypatch.setattr(session, "complete_import", lose_one)

    async def run() -> Any:
        if query == "undo":
            return await undo(service, first.json["import_id"], KEY)
        return await send(service, plans("A", "C"), query, KEY)

    answer = await run()
    assert (answer.status, answer.json["details"]) == (503, COMMITS_LOST)
    assert await pool.fetchval("SELECT state FROM imports WHERE import_id = 2") == "interrupted"
    assert (await run()).json["import_id"] == 2
    assert await pool.fetchval("SELECT state || attempt FROM imports WHERE import_id = 2") == (
        "completed2"
    )


async def test_counts_of_an_attempt_are_not_stored_for_its_successor(
    pool: Pool, lease: Lease
) -> None:
    await pool.execute("UPDATE imports SET attempt = 2")
    async with pool.acquire() as conn:
        await store_counts(conn, (CLIENT, 1, 1))
    assert (await read_row(pool))["counts"] is None


@pytest.mark.settings(heartbeat_every=0.05)
async def test_an_import_that_has_completed_does_not_lose_its_lease(
    pool: Pool, importer: ImportManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = asyncio.Event()
    async with importer.open(REQUEST) as started:
        monkeypatch.setattr(started, "lose_lease", lost.set)
        await started.begin_file(FilePart())
        await started.feed(HEAD + project_line("A") + TAIL)
        await started.finish()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await lost.wait()


async def test_an_import_completes_after_whoever_shares_its_lock(pool: Pool, lease: Lease) -> None:
    async with pool.acquire() as batch, batch.transaction():
        await batch.execute("SELECT pg_advisory_xact_lock_shared($1)", import_key(CLIENT, 1))
        async with pool.acquire() as conn:
            completing = asyncio.create_task(
                complete_import(conn, lease, ImportEnd("completed"), 0)
            )
            await until(pool, WAITS)
            await batch.execute("UPDATE imports SET state = 'interrupted'")
            await batch.execute("COMMIT; BEGIN")
            assert await completing is None


async def test_the_end_of_an_import_waits_for_its_batches(
    pool: Pool, lease: Lease, writer: Writer
) -> None:
    """The counts include a batch whose commit was in flight when the import was stopped."""
    async with pool.acquire() as batch, batch.transaction():
        await batch.execute("SELECT pg_advisory_xact_lock_shared($1)", import_key(CLIENT, 1))
        await batch.execute(
            "INSERT INTO import_results (client_id, import_id, attempt, index, outcome)"
            " VALUES (1, 1, 1, 0, 'created')"
        )
        ending = asyncio.create_task(end(pool, lease, "interrupted"))
        await until(pool, WAITS)
    ended = await ending
    assert ended is not None
    assert ended.tally.counts["created"] == 1
    assert (await read_row(pool))["counts"]["created"] == 1


@pytest.mark.settings(fast_path_bytes=0)
async def test_a_response_whose_outcomes_are_lost_meanwhile_is_not_complete(
    service: Service, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    list_outcomes = outcomes.list_outcomes

    async def lose_one(conn: Connection, **query: Any) -> list[dict[str, Any]]:
        await conn.execute("DELETE FROM import_results WHERE index = 1")
        return await list_outcomes(conn, **query)

    monkeypatch.setattr(outcomes, "list_outcomes", lose_one)
    with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
        await send(service, plans("A", "B"))
