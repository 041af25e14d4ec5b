"""Long answers, sent in blocks; one that breaks off cannot be taken for a whole one."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Final

import structlog
from aiohttp import hdrs, web

from service.http import app_keys
from service.spool.spool import SpoolFile

log = structlog.get_logger(__name__)

IN_MEMORY: Final = 256 * 1024
"""Bytes of a working file that are kept in memory."""
_BLOCK: Final = 64 * 1024


async def stream_response(
    request: web.Request, blocks: AsyncIterator[bytes], headers: Mapping[str, str]
) -> web.StreamResponse:
    """A 200 with the blocks as its body; nothing is sent before the first is there.

    Raises:
        ConnectionError: the answer broke off; the connection is ended without its end.
        Exception: what the first block raised; nothing was sent.
    """
    first = await anext(blocks)
    response = web.StreamResponse(headers=headers)
    with reset_on_failure(request):
        await response.prepare(request)
        if request.method != hdrs.METH_HEAD:
            await send_block(request, response, first)
            async for block in blocks:
                await send_block(request, response, block)
        await response.write_eof()
    return response


async def send_file(
    request: web.Request, file: SpoolFile, headers: Mapping[str, str]
) -> web.StreamResponse:
    """A 200 with a working file as its body, which so has a length; raises as ``stream``."""
    known: dict[str, str] = {hdrs.CONTENT_LENGTH: str(file.tell())}
    file.seek(0)
    return await stream_response(request, _blocks(file), {**headers, **known})


async def _blocks(file: SpoolFile) -> AsyncIterator[bytes]:
    while block := file.read(_BLOCK):
        yield block


@contextlib.contextmanager
def reset_on_failure(request: web.Request) -> Iterator[None]:
    """After a fault, end the connection so that what was sent cannot be taken for all of it.

    Raises:
        ConnectionError: instead of the fault.
    """
    try:
        yield
    except Exception as exc:
        log.warning("http.broken_off", fault=repr(exc))
        _reset(request)
        raise ConnectionError("the answer broke off") from exc


async def send_block(request: web.Request, response: web.StreamResponse, block: bytes) -> None:
    """Send a block to a client that keeps reading.

    Raises:
        TimeoutError: it has not for as long as an upload may be silent.
    """
    async with asyncio.timeout(request.app[app_keys.SETTINGS].idle_timeout):
        await response.write(block)


def _reset(request: web.Request) -> None:
    """End the connection by a reset, which even an HTTP/1.0 client cannot take for the end."""
    if (transport := request.transport) is not None:
        socket_ = transport.get_extra_info("socket")
        socket_.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
