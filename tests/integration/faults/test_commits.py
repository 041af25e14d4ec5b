"""A connection ends while its COMMIT is in flight, and the server's backend works on."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any, Final

import aiohttp
import pytest

from service.codes import ErrorCode
from service.imports import undo
from service.imports.lease import Lease
from service.imports.options import ImportOptions
from service.imports.pipeline.batch import Batch, BatchItem, Reversal
from service.imports.pipeline.fair_scheduler import FairScheduler
from service.imports.pipeline.writer import Writer
from service.model import Refusal, SharedObject
from service.observability import metrics
from service.settings import Settings
from service.storage import Pool, watchdog
from service.storage.advisory_locks import project_key
from service.storage.pool import open_pool
from tests.support.databases import ADD_CLIENT
from tests.support.faults.project_files import content_of
from tests.support.faults.proxy import COMMIT, Fault, Proxy, wait_for_strike
from tests.support.faults.truth import assert_outcomes_are_stored, stored_outcomes
from tests.support.gate import gate
from tests.support.projects import CLIENT, begun, fetch_results, project, until
from tests.support.service import Service
from tests.support.upload import send_file

_WAITING: Final = """
SELECT count(*) FROM pg_stat_activity
 WHERE query = 'COMMIT;' AND state = 'active'
   AND query_start < clock_timestamp() - make_interval(secs => {seconds})
"""
"""Commits that wait for some seconds."""

TWO_TRIES: Final = _WAITING.format(seconds=2.5)
PAST_CONNECT_TIMEOUT: Final = _WAITING.format(seconds=7)


REFUSED: Final = b'<project id="bad"><name>Bad</name><tasks><task/></tasks></project>'
"""A project that the parser refuses: its outcome needs no lock of a project."""


@pytest.mark.parametrize("last", [b"", REFUSED], ids=["", "refused"])
@pytest.mark.parametrize("query", ["", "?atomic=true", "?dry_run=true"])
@pytest.mark.settings(fast_path_bytes=0)
async def test_an_import_whose_commit_is_cut_off_waits_for_it_and_reports_success(
    http: aiohttp.ClientSession,
    faulty: Service,
    proxy: Proxy,
    dsn: str,
    pool: Pool,
    query: str,
    last: bytes,
) -> None:
    content = content_of(30).replace(b"</projects>", last + b"</projects>")
    async with gate(pool, "import_results", at_commit=True):
        strike = proxy.strike(Fault.ABANDON, COMMIT, skip=1)
        sending = asyncio.create_task(send_file(http, faulty, content, query=query))
        await wait_for_strike(strike, sending)
        await until(pool, TWO_TRIES)

    status, body = await sending
    assert status == 207, body
    failed = 1 if last else 0
    created = 0 if last and "atomic" in query else 30
    assert (body["counts"]["created"], body["counts"]["unchanged"]) == (created, 0), body
    assert body["counts"]["failed"] == 30 + failed - created
    if "dry" not in query:
        await assert_outcomes_are_stored(dsn, content, await stored_outcomes(dsn))


async def test_an_undo_whose_commit_is_cut_off_restores_each_project_once(
    http: aiohttp.ClientSession, faulty: Service, proxy: Proxy, dsn: str, pool: Pool
) -> None:
    content = content_of(30)
    assert (await send_file(http, faulty, content))[0] == 207
    async with gate(pool, "import_results", at_commit=True):
        strike = proxy.strike(Fault.ABANDON, COMMIT, skip=1)
        headers = faulty.headers(scope="projects:undo projects:read")
        undoing = asyncio.create_task(post(http, faulty.url("imports/1/undo"), headers))
        await wait_for_strike(strike, undoing)
        await until(pool, TWO_TRIES)

    status, body = await undoing
    assert status == 207, body
    assert body["counts"]["updated"] == 30, body
    assert await pool.fetchval("SELECT array_agg(DISTINCT version) FROM projects") == [2]


@pytest.mark.parametrize("key", [{}, {"Idempotency_Key": "k"}], ids=["without key", "with key"])
@pytest.mark.parametrize("state", ["new", "interrupted"])
@pytest.mark.settings(fast_path_bytes=0)
async def test_a_claim_whose_commit_is_cut_off_is_found_by_its_next_try(
    http: aiohttp.ClientSession,
    faulty: Service,
    proxy: Proxy,
    pool: Pool,
    key: dict[str, str],
    state: str,
) -> None:
    content = content_of(30)
    if state == "interrupted":
        assert (await send_file(http, faulty, content, **key))[0] == 207
        await pool.execute("UPDATE imports SET state = 'interrupted', fingerprint = NULL")
    async with gate(pool, "import_progress", at_commit=True):
        strike = proxy.strike(Fault.ABANDON, COMMIT)
        sending = asyncio.create_task(send_file(http, faulty, content, **key))
        await wait_for_strike(strike, sending)
        await until(pool, TWO_TRIES if key else PAST_CONNECT_TIMEOUT)

    status, body = await sending
    assert status == 207, body
    continued = state == "interrupted" and not key
    states = await pool.fetch("SELECT state FROM imports ORDER BY import_id DESC")
    assert [row["state"] for row in states] == ["completed"] + ["interrupted"] * continued


@pytest.fixture
async def lease(pool: Pool) -> Lease:
    await pool.execute(ADD_CLIENT)
    return await begun(pool)


@pytest.fixture
def lock_timeout() -> float:
    """Seconds for which a project may be contested."""
    return 30.0


@pytest.fixture
async def writer(
    settings: Settings, proxy: Proxy, lease: Lease, lock_timeout: float
) -> AsyncIterator[Writer]:
    """A writer whose connections the proxy can end."""
    async with open_pool(settings, proxy.dsn) as way:
        queue = FairScheduler(8).queue(CLIENT)
        yield Writer(way, queue, lease, lock_timeout=lock_timeout, retry_timeout=20)


@pytest.mark.parametrize("lock_timeout", [0.3])
@pytest.mark.parametrize("kind", ["project", "refusal", "reversal"])
async def test_an_item_waits_for_the_backend_of_its_lost_commit(
    pool: Pool, proxy: Proxy, lease: Lease, writer: Writer, kind: str
) -> None:
    item: BatchItem = project("A")
    if kind == "refusal":
        item = Refusal(0, 5, "A", None, ErrorCode.VALIDATION_ERROR, "bad")
    elif kind == "reversal":
        await writer.write_batch([item])
        project_id = await pool.fetchval("SELECT project_id FROM projects")
        item = Reversal(0, "A", None, project_id, created=True)
        lease = replace(await begun(pool), options=ImportOptions(undo=lease.import_id))
        writer._lease, writer._write_batch = lease, undo.write_batch
    async with gate(pool, "import_results", at_commit=True):
        strike = proxy.strike(Fault.ABANDON, COMMIT)
        landing = asyncio.create_task(writer.write_batch([item]))
        await wait_for_strike(strike, landing)
        # The commit at the gate, and the next try.
        await until(pool, "SELECT count(*) = 2 FROM pg_locks WHERE NOT granted")
    await landing
    (outcome,) = await fetch_results(pool, lease)
    assert outcome["error"] == ("VALIDATION_ERROR" if kind == "refusal" else None)


async def test_a_connection_that_the_network_drops_during_a_copy_is_replaced(
    pool: Pool, proxy: Proxy, lease: Lease, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watchdog, "TRANSACTION_TIMEOUT", 1.0)
    strike = proxy.strike(Fault.STALL, b"activity", skip=30_000)
    await writer.write_batch([project("A", tasks=50_000)])
    assert strike.struck.is_set()
    (outcome,) = await fetch_results(pool, lease)
    assert (outcome["outcome"], outcome["tasks"]) == ("created", 50_000)


async def test_a_project_that_is_contested_after_a_lost_commit_is_not_written_twice(
    pool: Pool, proxy: Proxy, lease: Lease, writer: Writer
) -> None:
    put_off = metrics.PROJECTS_PUT_OFF._value.get()
    async with pool.acquire() as other, other.transaction():
        async with gate(pool, "import_results", at_commit=True):
            strike = proxy.strike(Fault.ABANDON, COMMIT)
            landing = asyncio.create_task(writer.write_batch([project("A"), project("B", 1)]))
            await wait_for_strike(strike, landing)
            key = project_key(CLIENT, "A")
            taking = asyncio.create_task(other.execute("SELECT pg_advisory_xact_lock($1)", key))
            # The commit at the gate, the next try, and the other transaction.
            await until(pool, "SELECT count(*) = 3 FROM pg_locks WHERE NOT granted")
        await taking
        async with asyncio.timeout(20):
            while metrics.PROJECTS_PUT_OFF._value.get() == put_off:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
    await landing
    outcomes = await fetch_results(pool, lease)
    assert [(row["outcome"], row["version"]) for row in outcomes] == [("created", 1)] * 2


async def test_a_batch_that_is_split_after_a_lost_commit_is_not_written_twice(
    pool: Pool, proxy: Proxy, lease: Lease, writer: Writer
) -> None:
    batch = [project("A"), project("B", 1, percent="not a number")]
    async with (
        pool.acquire() as other,
        gate(pool, "import_results", at_commit=True),
        other.transaction(),
    ):
        await other.execute("SELECT pg_advisory_xact_lock($1)", project_key(CLIENT, "B"))
        strike = proxy.strike(Fault.ABANDON, COMMIT)
        landing = asyncio.create_task(writer.write_batch(batch))
        await wait_for_strike(strike, landing)
    await landing
    outcomes = await fetch_results(pool, lease)
    assert [row["outcome"] for row in outcomes] == ["created", "failed"]
    assert outcomes[1]["error"] == "VALIDATION_ERROR"


async def test_shared_objects_whose_commit_is_cut_off_are_stored_once(
    pool: Pool, proxy: Proxy, writer: Writer
) -> None:
    batch = Batch(shared=[SharedObject(bytes(32), "Calendar", "1", b"{}")])
    async with gate(pool, "shared_objects", at_commit=True):
        strike = proxy.strike(Fault.ABANDON, COMMIT)
        storing = asyncio.create_task(writer.store_shared(batch))
        await wait_for_strike(strike, storing)
        # The commit at the gate, and the next try.
        await until(pool, "SELECT count(*) = 2 FROM pg_locks WHERE NOT granted")
    await storing
    assert await pool.fetchval("SELECT count(*) FROM shared_objects") == 1


async def post(
    http: aiohttp.ClientSession, url: str, headers: dict[str, str]
) -> tuple[int, dict[str, Any]]:
    async with http.post(url, headers=headers) as answer:
        return answer.status, await answer.json()
