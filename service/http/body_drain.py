"""Discards the rest of a body whose request is already answered.

A client that is still sending does not read the answer, and closing a connection with unread bytes
resets it, so the client loses the answer. The service therefore sends the answer first, with
``Connection: close``, and then reads the body to its end, within limits.
"""

import asyncio
import contextlib
import math
from typing import Final

from aiohttp import hdrs, web
from aiohttp.http_exceptions import HttpProcessingError

HURRY: Final = 2.0
"""Seconds to discard a body while the service shuts down."""

PACE: Final = 0.002
"""Seconds between two reads for each discarded body, so that uploads get the event loop first."""

TRANSPORT_FAULTS: Final = (
    ConnectionError,
    RuntimeError,
    web.RequestPayloadError,
    HttpProcessingError,
)
"""Exceptions that aiohttp raises in the reader of a body if the transport fails."""


class BodyDrain:
    """Discards bodies.

    Args:
        max_bodies: bodies to discard at the same time. Further connections are closed at once.
    """

    def __init__(self, max_bodies: int) -> None:
        self._max_bodies = max_bodies
        self._longest = math.inf
        self._deadlines: set[asyncio.Timeout] = set()

    async def discard(
        self, request: web.Request, *, seconds: float, silence: float, size: int
    ) -> None:
        """Read the body to its end, or to the first limit.

        Args:
            request: an answered request.
            seconds: time limit for the whole body.
            silence: longest time without a byte, in seconds.
            size: limit in bytes, from now on.
        """
        if len(self._deadlines) >= self._max_bodies:
            return
        _send_eof(request)
        with contextlib.suppress(TimeoutError, *TRANSPORT_FAULTS):
            async with asyncio.timeout(min(seconds, self._longest)) as deadline:
                self._deadlines.add(deadline)
                try:
                    await self._read(request, silence, size)
                finally:
                    self._deadlines.discard(deadline)

    async def _read(self, request: web.Request, silence: float, size: int) -> None:
        while size > 0 and not request.content.at_eof():
            async with asyncio.timeout(silence):
                size -= len(await request.content.readany())
            await asyncio.sleep(PACE * len(self._deadlines))

    def hurry(self) -> None:
        """Limit all reading to ``HURRY`` seconds from now on."""
        self._longest = HURRY
        latest = asyncio.get_running_loop().time() + HURRY
        for deadline in self._deadlines:
            if not deadline.expired():
                deadline.reschedule(min(latest, deadline.when() or latest))


def _send_eof(request: web.Request) -> None:
    """Half-close if the client waits for ``100 Continue``, because it may never send a body."""
    transport = request.transport
    if (
        hdrs.EXPECT in request.headers
        and not request.content.total_bytes
        and transport is not None
        and transport.can_write_eof()
    ):
        transport.write_eof()
