"""The synchronous standby is away: commits wait for it, and nobody sees them yet."""

import asyncio

import aiohttp
import asyncpg
import pytest

from service.storage import watchdog
from tests.support.faults.cluster import Cluster, set_synchronous
from tests.support.faults.proxy import COMMIT, Fault, Proxy, wait_for_strike
from tests.support.faults.truth import assert_outcomes_are_stored
from tests.support.service import Service
from tests.support.upload import send_file


async def wait_for_standby(server: Cluster, seconds: float) -> None:
    """Wait until a commit has waited for the standby for some seconds."""
    connection = await asyncpg.connect(server.dsn())
    query = """
SELECT count(*) FROM pg_stat_activity
 WHERE wait_event = 'SyncRep' AND query_start < clock_timestamp() - make_interval(secs => $1)
"""
    async with asyncio.timeout(30):
        while not await connection.fetchval(query, seconds):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    await connection.close()


async def test_an_import_completes_once_its_synchronous_standby_is_back(
    http: aiohttp.ClientSession, own: Service, own_server: Cluster, way: Proxy, content: bytes
) -> None:
    strike = way.strike(Fault.LOSE_COMMIT, COMMIT, skip=4)
    sending = asyncio.create_task(send_file(http, own, content))
    await wait_for_strike(strike, sending)
    await set_synchronous(own_server, "away")
    await wait_for_standby(own_server, 5)
    await set_synchronous(own_server, "")

    status, body = await sending
    assert status == 207, body
    assert body["counts"] == {"created": 600, "updated": 0, "unchanged": 0, "failed": 0}
    await assert_outcomes_are_stored(own_server.dsn(), content, body["details"]["successes"])


@pytest.mark.parametrize("retry_timeout", [2.0])
async def test_an_import_is_interrupted_if_its_synchronous_standby_stays_away(
    http: aiohttp.ClientSession,
    own: Service,
    own_server: Cluster,
    way: Proxy,
    content: bytes,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Longer than an import waits for its batches before their backends are terminated.
    monkeypatch.setattr(watchdog, "TRANSACTION_TIMEOUT", 3.0)
    strike = way.strike(Fault.LOSE_COMMIT, COMMIT, skip=4)
    sending = asyncio.create_task(send_file(http, own, content, Idempotency_Key="k"))
    await wait_for_strike(strike, sending)
    await set_synchronous(own_server, "away")
    status, body = await sending
    assert status == 503, body
    # Nobody ended a backend that waits for the standby: its commit would then be seen, and be lost.
    log = (own_server.folder / "server.log").read_text()
    assert "canceling the wait for synchronous replication" not in log
    await set_synchronous(own_server, "")

    async with asyncio.timeout(30):
        while (answer := await send_file(http, own, content, Idempotency_Key="k"))[0] == 409:
            pass
    status, body = answer
    assert (status, body["import_id"]) == (207, 1), body
    assert body["counts"]["created"] + body["counts"]["unchanged"] == 600
    await assert_outcomes_are_stored(own_server.dsn(), content, body["details"]["successes"])
