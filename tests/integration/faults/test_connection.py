"""The connection to the database breaks at every step of a batch."""

import asyncio

import aiohttp
import pytest

from service.storage import Pool
from tests.support.faults.proxy import COMMIT, Fault, Proxy
from tests.support.faults.truth import assert_outcomes_are_stored, stored_outcomes
from tests.support.service import Service
from tests.support.upload import send_file

MOMENTS = {
    "begin": b"BEGIN",
    "versions": b'COPY "project_versions"',
    "tasks": b'COPY "tasks"',
    "outcomes": b'COPY "import_results"',
    "commit": COMMIT,
}
PROJECTS = 600


async def import_all_once(
    http: aiohttp.ClientSession, service: Service, dsn: str, content: bytes
) -> None:
    """Check that an upload and its repetition import and report every project once."""
    for outcome in ("created", "unchanged"):
        status, body = await send_file(http, service, content)
        assert status == 207, body
        assert body["counts"][outcome] == PROJECTS, body["counts"]
        assert len(body["details"]["successes"]) == PROJECTS
        await assert_outcomes_are_stored(dsn, content, body["details"]["successes"])
    await assert_outcomes_are_stored(dsn, content, await stored_outcomes(dsn))


@pytest.mark.parametrize("moment", MOMENTS)
async def test_a_connection_lost_during_a_batch_is_replaced(
    http: aiohttp.ClientSession,
    faulty: Service,
    proxy: Proxy,
    dsn: str,
    content: bytes,
    moment: str,
) -> None:
    faults = (Fault.CUT, Fault.CUT, Fault.RESET, Fault.RESET, Fault.STALL, Fault.STALL)
    strikes = [proxy.strike(fault, MOMENTS[moment], skip=2) for fault in faults]
    await import_all_once(http, faulty, dsn, content)
    assert all(strike.struck.is_set() for strike in strikes)


async def test_a_commit_whose_response_is_lost_is_not_repeated(
    http: aiohttp.ClientSession, faulty: Service, proxy: Proxy, dsn: str, pool: Pool, content: bytes
) -> None:
    strikes = [proxy.strike(Fault.LOSE_COMMIT, COMMIT, skip=skip) for skip in range(13)]
    await import_all_once(http, faulty, dsn, content)
    assert all(strike.struck.is_set() for strike in strikes)
    assert await pool.fetchval("SELECT max(version) FROM projects") == 1


@pytest.mark.parametrize("state", ["new", "interrupted"])
async def test_an_upload_whose_claim_of_the_key_got_no_response_is_imported_once(
    http: aiohttp.ClientSession,
    faulty: Service,
    proxy: Proxy,
    dsn: str,
    pool: Pool,
    content: bytes,
    state: str,
) -> None:
    if state == "interrupted":
        assert (await send_file(http, faulty, content, Idempotency_Key="k"))[0] == 207
        await pool.execute("UPDATE imports SET state = 'interrupted', fingerprint = NULL")
    strike = proxy.strike(Fault.LOSE_COMMIT, COMMIT)
    status, body = await send_file(http, faulty, content, Idempotency_Key="k")
    assert strike.struck.is_set()
    assert status == 207, body
    await assert_outcomes_are_stored(dsn, content, body["details"]["successes"])
    assert await pool.fetchval("SELECT count(*) FROM imports") == 1


async def test_an_import_completes_while_all_connections_are_cut_repeatedly(
    http: aiohttp.ClientSession, faulty: Service, proxy: Proxy, dsn: str, content: bytes
) -> None:
    async def cut() -> None:
        for number in range(8):
            strike = proxy.strike(Fault.CUT, COMMIT, skip=number % 3)
            await strike.struck.wait()
            proxy.cut()

    cutting = asyncio.create_task(cut())
    await import_all_once(http, faulty, dsn, content)
    cutting.cancel()
