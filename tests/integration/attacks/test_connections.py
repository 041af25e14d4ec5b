"""Which connections the service closes when it has too many, and which it never closes."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from service.settings import Settings
from service.storage import Pool
from tests.support.databases import ADD_CLIENT
from tests.support.raw_http import XML, Connection, form, get, head, part
from tests.support.service import Service, served

FILE = form(part("file", XML))
WHOLE = f"Content-Length: {len(FILE)}"


@pytest.fixture
async def service(settings: Settings, dsn: str, pool: Pool) -> AsyncIterator[Service]:
    """With room for two connections, and little time for heads."""
    await pool.execute(ADD_CLIENT)
    changed = settings.model_copy(update={"max_connections": 2, "header_timeout": 0.3})
    async with served(changed, dsn) as service:
        yield service


async def alive(service: Service, connection: Connection) -> bool:
    await connection.send(head(service, method="GET", path="/healthz"))
    return (await connection.answer()).status == 200


async def count_ended(service: Service) -> float:
    """How many connections were ended to make room, by the service's own count."""
    metrics = (await get(service, "/metrics")).body
    found = re.search(rb"^bulk_import_connections_ended_total (\S+)$", metrics, re.MULTILINE)
    assert found is not None
    return float(found[1])


async def test_a_connection_without_a_request_is_closed_first(service: Service) -> None:
    async with Connection(service) as active, Connection(service) as silent:
        assert await alive(service, active)
        async with Connection(service) as late:
            assert await alive(service, late)
            assert await silent.ended()
            assert await alive(service, active)


async def test_the_longest_idle_connection_is_closed_next(service: Service) -> None:
    async with Connection(service) as oldest, Connection(service) as newer:
        assert await alive(service, oldest)
        assert await alive(service, newer)
        assert (await get(service, "/healthz")).status == 200
        assert await oldest.ended()
        assert await alive(service, newer)


async def test_a_running_upload_is_never_closed_for_a_new_connection(service: Service) -> None:
    before = await count_ended(service)
    async with AsyncExitStack() as stack:
        uploads = [await stack.enter_async_context(Connection(service)) for _ in range(2)]
        for upload in uploads:
            await upload.send(head(service, WHOLE, "Expect: 100-continue"))
            assert (await upload.answer()).status == 100
        async with Connection(service) as late:
            assert await late.ended()
        for upload in uploads:
            await upload.send(FILE)
            assert (await upload.answer()).status == 207
        assert (await get(service, "/healthz")).status == 200
    assert await count_ended(service) > before


async def test_the_time_out_for_a_head_does_not_limit_a_body_or_an_idle_connection(
    service: Service,
) -> None:
    async with Connection(service) as connection:
        await connection.send(head(service, WHOLE))
        for place in range(0, len(FILE), 60):
            await connection.send(FILE[place : place + 60])
            await asyncio.sleep(0.08)
        assert (await connection.answer()).status == 207
        for _ in range(2):
            assert await alive(service, connection)
            await asyncio.sleep(0.5)


async def test_a_flood_of_connections_leaves_no_task(service: Service) -> None:
    before = len(asyncio.all_tasks())
    async with asyncio.timeout(10):
        for _ in range(5):
            many = [Connection(service) for _ in range(50)]
            for each in many:
                await each.__aenter__()
            for each in many:
                await each.__aexit__()
        while len(asyncio.all_tasks()) > before:  # noqa: ASYNC110
            await asyncio.sleep(0)
    assert (await get(service, "/healthz")).status == 200
