"""A node of a Citus cluster is away for longer than an import is retried."""

import asyncio
import time
from collections.abc import AsyncIterator

import aiohttp
import pytest

from service.settings import Settings
from service.storage import watchdog
from tests.support.databases import execute
from tests.support.faults.citus_ways import (
    BOUNDARY,
    Ways,
    in_halves,
    send_for,
    wait_for_state,
)
from tests.support.faults.project_files import content_of
from tests.support.faults.proxy import Fault, wait_for_strike
from tests.support.service import Service, served

pytestmark = pytest.mark.citus
PROJECTS = 600
SUSPECTED = """
SELECT array_agg(import_id) FROM import_progress
 WHERE client_id = {client} AND suspected_at IS NOT NULL
"""


@pytest.fixture
async def service(
    quick: Settings, ways: Ways, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Service]:
    """A service on the coordinator that gives up a silent node within seconds."""
    monkeypatch.setattr(watchdog, "TRANSACTION_TIMEOUT", 2.0)
    settings = quick.model_copy(update={"status_after": 60.0})
    async with served(settings, ways.coordinator.dsn()) as service:
        yield service


async def add_dead_import(ways: Ways, client: int) -> int:
    """Insert a running import whose process sends no heartbeat, and return its id."""
    begin = f"INSERT INTO imports (client_id) VALUES ({client}) RETURNING import_id"
    number = int(await execute(ways.coordinator.dsn(), begin))
    await execute(
        ways.coordinator.dsn(),
        "INSERT INTO import_progress (client_id, import_id, attempt, beat_at)"
        f" VALUES ({client}, {number}, 1, now() - interval '1 hour')",
    )
    return number


@pytest.mark.parametrize("silent", [False, True], ids=["refusing", "silent"])
@pytest.mark.parametrize("retry_timeout", [5.0])
async def test_a_node_that_is_away_interrupts_its_imports_alone(
    http: aiohttp.ClientSession,
    service: Service,
    ways: Ways,
    content: bytes,
    silent: bool,
) -> None:
    """Longer than ``retry_timeout``."""
    lost, other = ways.clients
    resumed = asyncio.Event()
    halves = asyncio.create_task(
        http.post(
            service.url("projects/bulk", client=other),
            data=in_halves(content, resumed),
            headers=service.headers(clients=[other]) | BOUNDARY,
        )
    )
    strike = ways.proxies[0].strike(Fault.CUT, b"PREPARE TRANSACTION", skip=3)
    sending = asyncio.create_task(send_for(http, service, lost, content, key="k"))
    await wait_for_strike(strike, sending)
    if silent:
        ways.proxies[0].swallow()
    else:
        await ways.proxies[0].go_away()
    dead = await add_dead_import(ways, other)
    ended = asyncio.create_task(wait_for_state(http, service, other, dead, "interrupted"))
    sent = 0
    while not sending.done():
        since = time.monotonic()
        status, body = await send_for(http, service, other, content_of(1, f"-{sent}-"))
        assert status == 207, body
        assert time.monotonic() - since < 10
        sent += 1
    status, body = await sending
    assert status == 503, body
    assert sent > 1
    await ended
    assert await execute(ways.coordinator.dsn(), SUSPECTED.format(client=other)) == [dead]
    resumed.set()
    async with await halves as answer:
        assert answer.status == 207
        assert (await answer.json())["counts"]["created"] == PROJECTS

    await ways.proxies[0].go_away()
    await ways.proxies[0].listen()
    await execute(ways.coordinator.dsn(), "SELECT recover_prepared_transactions()")
    await wait_for_state(http, service, lost, body["import_id"], "interrupted")
    status, body = await send_for(http, service, lost, content, key="k")
    assert (status, body["counts"]["failed"]) == (207, 0), body
    assert 0 < body["counts"]["unchanged"] < PROJECTS
