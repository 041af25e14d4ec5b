"""A node of a Citus cluster is killed, silent, or away at the end of a transaction."""

import asyncio
import time
from collections.abc import AsyncIterator

import aiohttp
import pytest
import structlog

from service.settings import Settings
from service.storage import migrate
from tests.support.databases import execute
from tests.support.faults.citus_ways import Ways, open_ways, send_for
from tests.support.faults.cluster import Cluster
from tests.support.faults.project_files import content_of
from tests.support.service import Service, served

pytestmark = pytest.mark.citus
SMALL = content_of(1)


@pytest.fixture
async def ways(own_server: Cluster) -> AsyncIterator[Ways]:
    async with open_ways(own_server) as ways:
        yield ways


async def read_nodes(http: aiohttp.ClientSession, service: Service) -> str:
    """Assert that the service is ready within 2.5 s, and return its check of the nodes."""
    since = time.monotonic()
    async with http.get(f"{service.base}/readyz") as answer:
        body = await answer.json()
    assert answer.status == 200, body
    assert time.monotonic() - since < 2.5
    return str(body["checks"]["nodes"])


async def wait_for_nodes(http: aiohttp.ClientSession, service: Service, expected: str) -> None:
    async with asyncio.timeout(30):
        while await read_nodes(http, service) != expected:  # noqa: ASYNC110
            await asyncio.sleep(0.1)


@pytest.mark.parametrize("silent", [False, True], ids=["refusing", "silent"])
async def test_readiness_names_a_node_that_does_not_answer(
    http: aiohttp.ClientSession,
    settings: Settings,
    ways: Ways,
    silent: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As a role with no more rights than the service needs."""
    monkeypatch.setattr("service.http.routes.health._NODES_PERIODS", 1)
    dsn = ways.coordinator.dsn()
    await execute(dsn, "CREATE ROLE replica LOGIN")
    await migrate.grant_privileges(dsn, "replica")
    lost = ways.proxies[1]
    expected = (
        f"Citus cannot reach 127.0.0.1:{lost.port}: requests for the clients on these nodes fail"
    )
    with structlog.testing.capture_logs() as logs:
        async with served(settings, dsn.replace("postgres@", "replica@")) as service:
            assert await read_nodes(http, service) == "ok"
            if silent:
                lost.swallow()
            else:
                await lost.go_away()
            await wait_for_nodes(http, service, expected)
            status, body = await send_for(http, service, ways.clients[0], SMALL)
            assert status == 207, body
            await lost.go_away()
            await lost.listen()
            await wait_for_nodes(http, service, "ok")
            status, body = await send_for(http, service, ways.clients[1], SMALL)
            assert status == 207, body
    logged = [log["warning"] for log in logs if log["event"] == "server.nodes"]
    assert logged == [expected]
