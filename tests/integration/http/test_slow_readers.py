"""Clients that do not read what they asked for."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncGenerator

import pytest

from service.errors import Unavailable
from service.formats.native.mapping import NAMESPACE
from service.http.read_slots import LARGE, MOST_WAITING, ReadSlots, read_in_turns
from service.storage import Pool
from tests.support.raw_http import form, head, part, upload
from tests.support.service import Service, token

SLOTS = 2
LARGE_PROJECT = (
    f'<projects xmlns="{NAMESPACE}"><project id="P"><name>n</name><description>'.encode()
    + b"d" * 9_000_000
    + b"</description></project></projects>"
)


async def _ask(service: Service, path: str, closing: contextlib.AsyncExitStack) -> asyncio.Event:
    """Ask for a document and read only its first bytes; the event is set when they came."""
    host, port = service.base.removeprefix("http://").split(":")
    asking = socket.socket()
    asking.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    asking.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(asking, (host, int(port)))
    await loop.sock_sendall(asking, head(service, method="GET", path=path))
    answered = asyncio.Event()

    async def receive() -> None:
        if await loop.sock_recv(asking, 12) == b"HTTP/1.1 200":
            answered.set()

    receiving = asyncio.create_task(receive())
    closing.callback(asking.close)
    closing.callback(receiving.cancel)
    return answered


@pytest.mark.settings(pool_size=6 * SLOTS)
async def test_slow_readers_of_large_documents_wait_for_each_other(
    service: Service, pool: Pool
) -> None:
    await upload(service, form(part("file", LARGE_PROJECT)))
    await pool.execute("INSERT INTO clients (client_id, name) VALUES (2, 'Other')")
    project = await pool.fetchval("SELECT project_id FROM projects")
    path = f"/api/v2/clients/1/projects/{project}"
    async with contextlib.AsyncExitStack() as waiting:
        async with contextlib.AsyncExitStack() as reading:
            for _ in range(SLOTS):
                await (await _ask(service, path, reading)).wait()
            further = [await _ask(service, path, waiting) for _ in range(10)]
            answer = await upload(
                service,
                form(part("file", LARGE_PROJECT.replace(b"d" * 9_000_000, b"d"))),
                path="/api/v2/clients/2/projects/bulk",
                token=token(clients=[2]),
            )
            assert answer.status == 207
            waits = [asyncio.create_task(answered.wait()) for answered in further]
            done, _ = await asyncio.wait(waits, timeout=1, return_when=asyncio.FIRST_COMPLETED)
            assert not done
        await asyncio.gather(*waits[:1])


async def test_a_large_block_keeps_its_slot_until_the_next_is_read() -> None:
    async def blocks(*sizes: int) -> AsyncGenerator[bytes]:
        for size in sizes:
            yield bytes(size)

    slots = ReadSlots(1).of(1)
    turns = read_in_turns(blocks(1, LARGE + 1, 1), slots)
    locked = [(len(block), slots.locked()) async for block in turns]
    assert locked == [(1, False), (LARGE + 1, True), (1, False)]
    assert not slots.locked()


async def test_the_requests_that_wait_for_slots_are_bounded() -> None:
    reads = ReadSlots(1)
    slots = reads.of(1)
    async with slots:
        waits = [asyncio.create_task(reads.of(1).acquire()) for _ in range(MOST_WAITING)]
        await asyncio.sleep(0)
        with pytest.raises(Unavailable, match="Too many requests"):
            reads.of(1)
        reads.of(2)
    await waits[0]
    for wait in waits:
        wait.cancel()
    await asyncio.wait(waits)
    assert slots.waiting == 0
