"""A node of a Citus cluster is killed, silent, or away at the end of a transaction."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator

import aiohttp
import pytest
import structlog

from service.imports.ending import COMMITS_LOST
from service.settings import Settings
from service.storage import migrate
from tests.support.databases import execute
from tests.support.faults.citus_ways import Ways, send_for
from tests.support.faults.project_files import content_of
from tests.support.faults.proxy import Fault, wait_for_strike
from tests.support.faults.truth import assert_outcomes_are_stored, stored_outcomes
from tests.support.service import Service, served

pytestmark = pytest.mark.citus
SMALL = content_of(1)
PROJECTS = 600
COMMIT_PREPARED = b"COMMIT PREPARED"


@pytest.fixture
async def service(quick: Settings, ways: Ways) -> AsyncIterator[Service]:
    """A service on the coordinator."""
    own = quick.model_copy(update={"status_after": 60.0})
    async with served(own, ways.coordinator.dsn()) as service:
        yield service


async def complete(
    http: aiohttp.ClientSession,
    service: Service,
    ways: Ways,
    client: int,
    content: bytes,
    key: str | None = None,
) -> dict[str, int]:
    """Repeat an upload until it is complete; assert that nothing failed or is stored in part."""
    async with asyncio.timeout(40):
        while (  # noqa: ASYNC110
            answer := await send_for(http, service, client, content, key=key)
        )[0] != 207:
            await asyncio.sleep(0.2)
    counts: dict[str, int] = answer[1]["counts"]
    assert counts["failed"] == 0, answer[1]["details"]["errors"][:2]
    dsn = ways.coordinator.dsn()
    outcomes = await stored_outcomes(dsn, client)
    assert [one for one in outcomes if one["outcome"] == "failed"] == []
    await assert_outcomes_are_stored(dsn, content, outcomes, client_id=client)
    return counts


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


async def follow(
    http: aiohttp.ClientSession, service: Service, client: int, since: str, known: dict[int, int]
) -> tuple[str, dict[int, int]]:
    """Return the next ``changed_since``, and the versions of projects that are known by then."""
    url = service.url("projects", client=client)
    query = {"changed_since": since}
    headers = service.headers(clients=[client])
    async with http.get(url, params=query, headers=headers) as answer:
        body = await answer.json()
    assert answer.status == 200, body
    found = {each["project_id"]: each["version"] for each in body["details"]["projects"]}
    return body["details"]["watermark"], known | found


async def wait_until_awaited(ways: Ways) -> None:
    """Wait until the service looks for transactions that are prepared."""
    query = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_prepared_xact() AS p%'"
    query += " AND pid <> pg_backend_pid()"
    async with asyncio.timeout(20):
        while not await execute(ways.coordinator.dsn(), query):  # noqa: ASYNC110
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("killed", [False, True], ids=["node lost", "coordinator killed"])
@pytest.mark.parametrize("retry_timeout", [30.0])
async def test_a_project_whose_second_phase_is_lost_is_stored_once(
    http: aiohttp.ClientSession, quick: Settings, ways: Ways, killed: bool
) -> None:
    """Citus commits a COPY in two phases; what the second has not reached is invisible."""
    client, content = ways.clients[0], content_of(20)
    alone = quick.model_copy(update={"batch_projects": 1, "fast_path_bytes": 0})
    async with served(alone, ways.coordinator.dsn()) as service:
        assert (await send_for(http, service, client, content))[0] == 207
        content = content.replace(b"Task 0", b"Task zero")
        strike = ways.proxies[0].strike(
            Fault.STALL if killed else Fault.CUT, COMMIT_PREPARED, skip=3
        )
        sending = asyncio.create_task(send_for(http, service, client, content, key="k"))
        await wait_for_strike(strike, sending)
        if killed:
            await asyncio.to_thread(ways.coordinator.stop, signal.SIGKILL)
            await asyncio.to_thread(ways.coordinator.start)
            await ways.wait_until_blocked(0)
        else:
            await wait_until_awaited(ways)
        since, known = await follow(http, service, client, "2000-01-01T00:00:00Z", {})
        assert await execute(ways.coordinator.dsn(), "SELECT recover_prepared_transactions()") == 1
        status, body = await sending
        assert status == 207, body
        assert (body["counts"]["failed"], body["counts"]["updated"]) == (0, 20), body
        async with asyncio.timeout(10):
            while [*known.values()] != [2] * 20:
                since, known = await follow(http, service, client, since, known)
        await complete(http, service, ways, client, content)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
@pytest.mark.parametrize("retry_timeout", [30.0])
async def test_an_import_goes_on_after_its_node_restarts(
    http: aiohttp.ClientSession,
    service: Service,
    ways: Ways,
    content: bytes,
    how: signal.Signals,
) -> None:
    client, worker = ways.clients[0], ways.coordinator.workers[0]
    strike = ways.proxies[0].strike(Fault.CUT, b"COPY", skip=20)
    sending = asyncio.create_task(send_for(http, service, client, content))
    await wait_for_strike(strike, sending)
    await asyncio.to_thread(worker.stop, how)
    await asyncio.to_thread(worker.start)
    status, body = await sending
    # The second phase of other batches can be lost: see above.
    assert status == 207 or body["details"] == COMMITS_LOST, body
    await execute(ways.coordinator.dsn(), "SELECT recover_prepared_transactions()")
    assert (await complete(http, service, ways, client, content))["unchanged"] == PROJECTS
