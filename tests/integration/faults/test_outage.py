"""After an outage all heartbeats are late at once, and no import that lives is ended."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest

from service.settings import Settings
from service.storage import Pool
from tests.support.databases import ADD_CLIENT
from tests.support.faults.proxy import Proxy
from tests.support.projects import until
from tests.support.service import Service, served

HEAD = b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\n'
BOUNDARY = {"Content-Type": "multipart/form-data; boundary=b"}
SILENT = "SELECT now() - beat_at > interval '{} s' FROM import_progress"


@pytest.fixture
async def other(quick: Settings, pool: Pool, dsn: str) -> AsyncIterator[Service]:
    """A second process, whose connection to the database does not break."""
    await pool.execute(ADD_CLIENT)
    async with served(quick, dsn) as service:
        yield service


async def in_halves(content: bytes, resumed: asyncio.Event) -> AsyncIterator[bytes]:
    """Yield the body of an upload; its second half waits for the event."""
    middle = len(content) // 2
    yield HEAD + content[:middle]
    await resumed.wait()
    yield content[middle:] + b"\r\n--b--\r\n"


async def look(http: aiohttp.ClientSession, service: Service) -> str:
    async with http.get(service.url("imports/1"), headers=service.headers()) as answer:
        return str((await answer.json())["details"]["state"])


async def test_an_import_continues_after_an_outage_that_only_its_process_had(
    http: aiohttp.ClientSession,
    other: Service,
    quick: Settings,
    proxy: Proxy,
    pool: Pool,
    content: bytes,
) -> None:
    """The other process was connected all the time, looks at the import, and does not end it."""
    resumed = asyncio.Event()
    async with served(quick, proxy.dsn) as service:
        sending = asyncio.create_task(
            http.post(
                service.bulk, data=in_halves(content, resumed), headers=service.headers() | BOUNDARY
            )
        )
        await until(pool, "SELECT count(*) > 0 FROM import_results")
        await proxy.go_away()
        await until(pool, SILENT.format(quick.heartbeat_expiry * 0.6))
        assert await look(http, other) == "running"
        await until(pool, "SELECT suspected_at > beat_at FROM import_progress")
        await proxy.listen()
        await until(pool, "SELECT beat_at > suspected_at FROM import_progress")
        resumed.set()
        async with await sending as answer:
            assert answer.status == 207
            assert (await answer.json())["counts"]["created"] == content.count(b"<project ")


async def test_imports_survive_an_outage_for_all_that_is_longer_than_their_heartbeats(
    http: aiohttp.ClientSession,
    quick: Settings,
    pool: Pool,
    proxy: Proxy,
    dsn: str,
    content: bytes,
) -> None:
    """Another process reconnects first, looks at once, and prunes."""
    await pool.execute(ADD_CLIENT)
    resumed = asyncio.Event()
    async with served(quick, proxy.dsn) as service:
        sending = asyncio.create_task(
            http.post(
                service.bulk, data=in_halves(content, resumed), headers=service.headers() | BOUNDARY
            )
        )
        await until(pool, "SELECT count(*) > 0 FROM import_results")
        await proxy.go_away()
        await until(pool, SILENT.format(quick.heartbeat_expiry * 1.5))
        async with served(quick, dsn) as other:
            for _ in range(20):
                assert await look(http, other) == "running"
            await proxy.listen()
            resumed.set()
            async with await sending as answer:
                assert answer.status == 207, await answer.text()
                assert (await answer.json())["counts"]["created"] == content.count(b"<project ")
