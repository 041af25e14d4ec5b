"""An answer given while the request's body still comes: the rest is read and thrown away.

A client that is still sending reads no answer, and a connection closed on unread bytes is reset,
which takes the answer with it. So the answer goes first, with ``Connection: close``, and the rest
of the body is read to its end, within bounds.
"""

import asyncio
import contextlib
import math
from typing import Final

from aiohttp import hdrs, web
from aiohttp.http_exceptions import HttpProcessingError

HURRY: Final = 2.0
"""Seconds for the rest of a body while the service shuts down."""

PACE: Final = 0.002
"""Seconds between two reads of all refused bodies together: each takes a turn of the loop."""

TRANSPORT_FAULTS: Final = (
    ConnectionError,
    RuntimeError,
    web.RequestPayloadError,
    HttpProcessingError,
)
"""What reading a body raises where the connection or its framing is broken."""


class BodyDrain:
    """Reads refused bodies away.

    Args:
        most: bodies read away at once; past it a connection is closed at once.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._longest = math.inf
        self._deadlines: set[asyncio.Timeout] = set()

    async def read_away(
        self, request: web.Request, *, seconds: float, silence: float, size: int
    ) -> None:
        """Read to the body's end, or to the first bound.

        Args:
            seconds: for all of it.
            silence: without a byte, in seconds.
            size: bytes, from here on.
        """
        if len(self._deadlines) >= self._most:
            return
        _end_our_side(request)
        with contextlib.suppress(TimeoutError, *TRANSPORT_FAULTS):
            async with asyncio.timeout(min(seconds, self._longest)) as deadline:
                self._deadlines.add(deadline)
                try:
                    await self._discard(request, silence, size)
                finally:
                    self._deadlines.discard(deadline)

    async def _discard(self, request: web.Request, silence: float, size: int) -> None:
        while size > 0 and not request.content.at_eof():
            async with asyncio.timeout(silence):
                size -= len(await request.content.readany())
            await asyncio.sleep(PACE * len(self._deadlines))

    def hurry(self) -> None:
        """From now on read nothing away for longer than ``HURRY``."""
        self._longest = HURRY
        latest = asyncio.get_running_loop().time() + HURRY
        for deadline in self._deadlines:
            if not deadline.expired():
                deadline.reschedule(min(latest, deadline.when() or latest))


def _end_our_side(request: web.Request) -> None:
    """Let a client that waits for ``100 Continue`` see the end: it may send no body at all."""
    transport = request.transport
    if (
        hdrs.EXPECT in request.headers
        and not request.content.total_bytes
        and transport is not None
        and transport.can_write_eof()
    ):
        transport.write_eof()
