"""Sends long answers in blocks; a client can detect an incomplete one."""

import asyncio
import contextlib
import socket
import struct
import traceback
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Final

import structlog
from aiohttp import hdrs, web

from service.errors import InternalError, ServiceError
from service.http import app_keys
from service.observability import metrics
from service.spool.spool import SpoolFile

log = structlog.get_logger(__name__)

IN_MEMORY: Final = 256 * 1024
"""Bytes of a spool file that stay in memory."""
_BLOCK: Final = 64 * 1024


async def stream_response(
    request: web.Request, blocks: AsyncIterator[bytes], headers: Mapping[str, str]
) -> web.StreamResponse:
    """Answer 200 with the blocks as body. Nothing is sent until the first block exists.

    Args:
        request: the request to answer.
        blocks: the body, at least one block.
        headers: headers of the answer.

    Raises:
        BrokenAnswer: the answer broke off, and the connection was reset.
        Exception: the first block failed, and nothing was sent.
    """
    block = await anext(blocks)
    response = web.StreamResponse(headers=headers)
    try:
        with reset_on_failure(request):
            await response.prepare(request)
            while block and request.method != hdrs.METH_HEAD:
                await send_block(request, response, block)
                block = b""  # before the next one exists
                block = await anext(blocks, b"")
            await response.write_eof()
    finally:
        block = b""  # the traceback of a failure would keep it
    return response


async def send_file(
    request: web.Request, file: SpoolFile, headers: Mapping[str, str], head: bytes = b""
) -> web.StreamResponse:
    """Answer 200 with ``head`` and a spool file as body, and its length.

    Raises as ``stream_response``.
    """
    known: dict[str, str] = {hdrs.CONTENT_LENGTH: str(len(head) + file.tell())}
    file.seek(0)
    return await stream_response(request, _read_blocks(head, file), {**headers, **known})


async def _read_blocks(head: bytes, file: SpoolFile) -> AsyncIterator[bytes]:
    if head:
        yield head
    while block := file.read(_BLOCK):
        yield block


class BrokenAnswer(ConnectionError):
    """An answer broke off after its begin, and the connection was reset.

    Args:
        status: the status that the answer would have had if it had not begun; 499 if its client
            closed the connection or stopped reading.
    """

    def __init__(self, status: int) -> None:
        super().__init__("the answer broke off")
        self.status = status


@contextlib.contextmanager
def reset_on_failure(request: web.Request) -> Iterator[None]:
    """Reset the connection on an error, so that the answer is not mistaken for a complete one.

    Raises:
        BrokenAnswer: in place of the error.
    """
    try:
        yield
    except Exception as exc:
        status = _status_for(exc)
        if status == InternalError.status and not isinstance(exc, InternalError):
            log.error("http.failed", exc_info=exc)
        log.info("http.broken_off", fault=repr(exc), status=status)
        traceback.clear_frames(exc.__traceback__)  # they hold the block
        _reset(request)
        raise BrokenAnswer(status) from exc


def _status_for(exc: Exception) -> int:
    if isinstance(exc, ServiceError):
        return exc.status
    client_gone = isinstance(exc, ConnectionError | TimeoutError)
    return metrics.CLIENT_GONE if client_gone else InternalError.status


async def send_block(request: web.Request, response: web.StreamResponse, block: bytes) -> None:
    """Send a block, in pieces, because the transport copies what the client does not read at once.

    Raises:
        TimeoutError: the client did not read for ``idle_timeout`` seconds.
    """
    for start in range(0, len(block), _BLOCK):
        async with asyncio.timeout(request.app[app_keys.SETTINGS].idle_timeout):
            await response.write(block[start : start + _BLOCK])


def _reset(request: web.Request) -> None:
    """Reset the connection: even an HTTP/1.0 client cannot mistake a reset for the end."""
    if (transport := request.transport) is not None:
        socket_ = transport.get_extra_info("socket")
        socket_.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
