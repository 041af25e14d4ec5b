"""Every end of an import, an archive and a restore reaches a listener once, with its commit."""

import asyncio
import re
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp
import asyncpg
import orjson
import pytest

from service.storage import Pool
from service.storage.events import CHANNEL, import_event
from tests.support.client import Client
from tests.support.native import native
from tests.support.paths import CHECKOUT
from tests.support.raw_http import Connection, head, upload
from tests.support.running_imports import FILE, HALF, WHOLE, wait_for_begin, wait_for_end
from tests.support.servers import database_dsn
from tests.support.service import Service
from tests.support.uploads import abandoned, undo

DOCUMENT: Final = CHECKOUT / "docs" / "reference" / "events.md"
ONE: Final = native('<project id="P"><name>One</name></project>')
LISTENS: Final = "SELECT count(*) FROM pg_stat_activity WHERE query ILIKE 'LISTEN%'"


@pytest.fixture
async def direct(dsn: str, server: str) -> str:
    """URL of the database past a pooler, as a listener needs it."""
    return database_dsn(server, urlsplit(dsn).path.removeprefix("/"))


@pytest.fixture
async def listener(direct: str, pool: Pool) -> AsyncIterator[asyncio.StreamReader]:
    """The lines that the listener of the document prints."""
    [program] = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text("utf-8"), re.DOTALL)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, stdout=PIPE, env={"DATABASE_URL": direct}
    )
    assert process.stdout is not None
    while not await pool.fetchval(LISTENS):
        assert process.returncode is None
    yield process.stdout
    process.kill()
    await process.wait()


@pytest.mark.settings(notify=True, heartbeat_every=0.1)
async def test_a_listener_gets_each_end_once(
    listener: asyncio.StreamReader, service: Service, pool: Pool
) -> None:
    async def next_event() -> dict[str, Any]:
        async with asyncio.timeout(20):
            event: dict[str, Any] = orjson.loads(await listener.readline())
        return event

    def ended(import_id: int, state: str, **more: Any) -> dict[str, Any]:
        options = {"dry_run": False, **more}
        return import_event(1, import_id, 1, state, options)

    await abandoned(pool, "dead", seconds=3600)
    await pool.execute("UPDATE import_progress SET suspected_at = now() - interval '1 minute'")
    assert await next_event() == ended(1, "interrupted")

    async with aiohttp.ClientSession() as http:
        client = Client(http, service)
        await client.land(ONE)
        assert await next_event() == ended(2, "completed")
        assert (await upload(service, FILE, path=f"{_path('projects/bulk')}?dry_run=true")).json
        assert await next_event() == ended(3, "completed", dry_run=True)
        assert (await client.post(b"<projects><project")).status == 400
        assert await next_event() == ended(4, "failed")
        async with Connection(service) as connection:
            await connection.send(head(service, WHOLE), FILE[:HALF])
            await wait_for_begin(service, 5)
            await client.ask("imports/5/cancel", "POST")
            assert await wait_for_end(service, 5) == "cancelled"
        assert await next_event() == ended(5, "cancelled")
        async with Connection(service) as connection:
            await connection.send(head(service, WHOLE), FILE[:HALF])
            await wait_for_begin(service, 6)
        assert await next_event() == ended(6, "interrupted")

        assert (await undo(service, 2)).status == 207
        assert await next_event() == ended(7, "completed", undo=2)
        assert (await undo(service, 7)).status == 207
        assert await next_event() == ended(8, "completed", undo=7)
        for kind, method, path, version in (
            ("archive", "DELETE", "projects/1", 4),
            ("restore", "POST", "projects/1/restore", 5),
        ):
            for _ in range(2):
                assert (await client.ask(path, method)).details["version"] == version
            event = {"client_id": 1, "kind": kind, "project_id": 1, "version": version}
            assert await next_event() == event
        last = {"client_id": 1, "kind": "import"}
        await pool.execute(f"NOTIFY {CHANNEL}, '{orjson.dumps(last).decode()}'")
        assert await next_event() == last


async def test_nothing_is_sent_by_default(service: Service, direct: str) -> None:
    events: asyncio.Queue[str] = asyncio.Queue()
    connection = await asyncpg.connect(direct)
    try:
        await connection.add_listener(CHANNEL, lambda *args: events.put_nowait(str(args[3])))
        assert (await upload(service, FILE)).status == 207
        await connection.execute(f"NOTIFY {CHANNEL}, 'last'")
        assert await events.get() == "last"
    finally:
        await connection.close()


def _path(rest: str) -> str:
    return f"/api/v2/clients/1/{rest}"
