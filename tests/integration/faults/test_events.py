"""Events are sent once although commits get no answer, and a full queue of events fails nothing."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any, Final

import aiohttp
import asyncpg
import orjson
import pytest
import structlog

from service.settings import Settings
from service.storage import Pool, events
from service.storage.events import CHANNEL
from service.storage.pool import open_pool
from tests.support.client import Client
from tests.support.databases import ADD_CLIENT, execute
from tests.support.faults.cluster import cluster, set_synchronous
from tests.support.faults.proxy import COMMIT, OWN_COMMIT, Fault, Proxy
from tests.support.native import native
from tests.support.service import Service, served
from tests.support.uploads import SCOPE

ONE: Final = native('<project id="P"><name>One</name></project>')
SENT: Final = """
SELECT import_id, NULL AS version FROM imports
 UNION ALL
SELECT NULL, version FROM project_versions WHERE import_id IS NULL
"""
"""What must have sent one event each."""

pytestmark = [pytest.mark.once, pytest.mark.settings(notify=True, prune=False)]


async def test_a_commit_whose_answer_is_lost_sends_its_event_once(
    http: aiohttp.ClientSession, faulty: Service, proxy: Proxy, pool: Pool, dsn: str
) -> None:
    client = Client(http, faulty)
    queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    listener = await asyncpg.connect(dsn)
    await listener.add_listener(CHANNEL, lambda *args: queue.put_nowait(orjson.loads(args[3])))
    acts: list[Callable[[], Awaitable[object]]] = [
        lambda: client.land(ONE),
        lambda: client.land(ONE + "\n" * faulty.settings.fast_path_bytes),
        lambda: client.ask("projects/1", "DELETE"),
        lambda: client.ask("projects/1/restore", "POST"),
        lambda: client.ask("imports/1/undo", "POST", scope=SCOPE),
    ]
    struck = 0
    for skip in range(3):
        for act in acts:
            strike = proxy.strike(Fault.LOSE_COMMIT, COMMIT, OWN_COMMIT, skip=skip)
            await act()
            proxy.forget_strikes()
            struck += strike.struck.is_set()
    await listener.execute(f"NOTIFY {CHANNEL}, '{{}}'")
    sent = [(event.get("import_id"), event.get("version")) for event in await drain(queue)]
    await listener.close()
    assert struck > len(acts)
    assert Counter(sent) == Counter(map(tuple, await pool.fetch(SENT)))


async def drain(queue: asyncio.Queue[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the events before the first empty one."""
    drained = []
    while event := await queue.get():
        drained.append(event)
    return drained


async def test_an_import_succeeds_although_the_queue_of_events_is_full(
    http: aiohttp.ClientSession, settings: Settings, postgres: str
) -> None:
    with cluster(postgres, max_notify_queue_pages="64") as server:
        listener = await asyncpg.connect(server.dsn())
        await listener.execute(ADD_CLIENT)
        await listener.execute(f"LISTEN {CHANNEL}")
        await listener.execute("BEGIN")
        with pytest.raises(asyncpg.ProgramLimitExceededError):
            await fill_queue(server.dsn())
        with structlog.testing.capture_logs() as logs:
            async with served(settings, server.dsn()) as service:
                client = Client(http, service)
                await client.land(ONE)
                assert (await client.ask("imports/1/undo", "POST", scope=SCOPE)).status == 207
                assert (await client.ask("projects/1/restore", "POST")).status == 200
        dropped = [log["event"] for log in logs if log["log_level"] == "warning"]
        assert dropped.count("events.dropped") == 3
        await listener.close()


async def test_an_import_waits_for_a_commit_that_holds_the_lock_of_events(
    http: aiohttp.ClientSession,
    settings: Settings,
    postgres: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A commit waits for a standby that is away, and so do all others that send events."""
    monkeypatch.setattr(events, "LOCK_WAIT", "100ms")
    with cluster(postgres) as server:
        await execute(server.dsn(), ADD_CLIENT)
        await set_synchronous(server, "away")
        other = await asyncpg.connect(server.dsn())
        write = "UPDATE clients SET name = 'Other'"
        waiting = asyncio.create_task(other.execute(f"{write}; NOTIFY {CHANNEL}"))
        dsn = f"{server.dsn()}&synchronous_commit=local"
        async with served(settings, dsn) as service, open_pool(settings, dsn) as pool:
            sending = asyncio.create_task(Client(http, service).land(ONE))
            while not await pool.fetchval("SELECT count(*) FROM import_results"):
                assert not sending.done()
            await set_synchronous(server, "")
            await sending
            assert await pool.fetchval("SELECT array_agg(state) FROM imports") == ["completed"]
        await waiting
        await other.close()


async def fill_queue(dsn: str) -> None:
    """Send events, each of which fills a page of the queue, until it takes no more."""
    connection = await asyncpg.connect(dsn)
    try:
        for _ in range(100):
            await connection.execute(f"NOTIFY {CHANNEL}, '{'x' * 7900}'")
    finally:
        await connection.close()
