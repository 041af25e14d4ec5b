"""Two servers accept connections from one socket, as two worker processes do."""

import asyncio
import contextlib
import socket
from collections import Counter
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from service.cli.serve import site as serving_site
from service.cli.serve.site import SharedSite


@contextlib.asynccontextmanager
async def serving(name: str, listener: socket.socket) -> AsyncIterator[SharedSite]:
    """Run a server that answers with its name, on its own descriptor as asyncio requires."""

    async def answer(_: web.BaseRequest) -> web.Response:
        return web.Response(text=name)

    runner = web.ServerRunner(web.Server(answer))
    await runner.setup()
    with listener.dup() as own:
        site = SharedSite(runner, own)
        await site.start()
        try:
            yield site
        finally:
            await runner.cleanup()


@pytest.fixture
async def sites() -> AsyncIterator[tuple[SharedSite, SharedSite]]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        async with serving("A", listener) as one, serving("B", listener) as other:
            yield one, other


async def request_server_name(stack: contextlib.AsyncExitStack, site: SharedSite) -> str:
    """Return which server answers a new connection; the connection stays open with the stack."""
    reader, writer = await asyncio.open_connection(*site.name.split(":"))
    stack.callback(writer.close)
    writer.write(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n")
    head = await reader.readuntil(b"\r\n\r\n")
    assert b"200 OK" in head
    return (await reader.readexactly(1)).decode()


async def test_the_process_with_fewer_connections_accepts_the_next(
    sites: tuple[SharedSite, SharedSite], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving_site, "STEP", 0.05)
    async with contextlib.AsyncExitStack() as stack:
        for number in range(1, 5):
            takers = [await request_server_name(stack, sites[0]) for _ in range(2)]
            assert sorted(takers) == ["A", "B"], number


async def test_a_burst_of_connections_is_shared_evenly(
    sites: tuple[SharedSite, SharedSite],
) -> None:
    async with contextlib.AsyncExitStack() as stack:
        takers = await asyncio.gather(*(request_server_name(stack, sites[0]) for _ in range(16)))
    assert max(Counter(takers).values()) <= 10


async def test_connections_that_arrive_while_one_process_stops_go_to_the_other(
    sites: tuple[SharedSite, SharedSite],
) -> None:
    async with contextlib.AsyncExitStack() as stack:
        await request_server_name(stack, sites[0])
        await request_server_name(stack, sites[0])
        coming = [asyncio.create_task(request_server_name(stack, sites[0])) for _ in range(4)]
        await sites[0].stop()
        assert await asyncio.gather(*coming) == ["B"] * 4
