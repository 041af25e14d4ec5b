"""A proxy that asks in HTTP/1.0, where the end of a connection is the only end of an answer."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from urllib.parse import urlsplit

from tests.support.service import Service

SIZE = 1 << 16


@contextlib.asynccontextmanager
async def before(service: Service, spoil: Callable[[bytes], bytes]) -> AsyncIterator[str]:
    """The address of a proxy before a service, until the block ends.

    Args:
        spoil: what it does to the first answer. The others it leaves alone.
    """
    first = True

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal first
        where = urlsplit(service.base)
        answers, requests = await asyncio.open_connection(where.hostname, where.port)
        line, *headers = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")
        kept = [each for each in headers if not each.lower().startswith(b"connection:")]
        asked = [line.replace(b"HTTP/1.1", b"HTTP/1.0"), b"Connection: close", *kept]
        requests.write(b"\r\n".join(asked))
        passing = asyncio.create_task(_pass(reader, requests))
        answer = await answers.read()
        writer.write(spoil(answer) if first else answer)
        first = False
        passing.cancel()
        writer.close()
        requests.close()

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def _pass(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    while data := await source.read(SIZE):
        sink.write(data)
        await sink.drain()
