"""A request's body as aiohttp's multipart reader reads it, each failure of the transport named.

``request.multipart()`` reads the request's stream itself, which has no bound on time, size or
preamble, raises whatever happened to it, and deprecates having bytes given back. ``Body`` stands
between the two.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final, cast

from aiohttp import MultipartReader, StreamReader, web
from aiohttp.http_exceptions import LineTooLong

from service.errors import BadRequest, FileTooLarge, RequestTimeout
from service.http.body_drain import TRANSPORT_FAULTS
from service.http.upload.content_encoding import Gunzipped, content_encoding
from service.observability import metrics
from service.settings import Settings

MAX_LINES: Final = 64 * 1024
"""Bytes of a preamble, or of one part's headers."""

_LOOK: Final = 0.01
"""Seconds in which the event loop looks at its sockets."""


class ClientGone(Exception):
    """The connection ended before the body did."""


class TransferBroken(BadRequest):
    """The body's HTTP framing is broken, so that nothing behind it can be read."""


class BodyFault(BadRequest):
    """The body's gzip has a wrong end, or a bound on its form, other than size, was passed."""


class Body:
    """The stream of a request, inflated, with the methods that ``MultipartReader`` calls.

    It ends at the body's end, behind the closing boundary, at the limit, or where gzip is corrupt,
    whichever comes first.

    Args:
        request: whose body it is.
        boundary: of its parts, without the leading dashes.
        settings: limits and times. ``max_upload_bytes`` is for the bytes that come; inflated, the
            body may be as large as a file.

    Attributes:
        size: bytes read so far, inflated.
        begun: whether a boundary was read.
        closed: whether the closing boundary was read.
        over: whether there is more than allowed.
        excess: then, what was passed.

    Raises:
        ClientGone, RequestTimeout, TransferBroken, BodyFault: from every method that reads.
    """

    def __init__(self, request: web.Request, boundary: str, settings: Settings) -> None:
        self.size = 0
        self.begun = False
        self.closed = False
        self.over = False
        self._stream = request.content
        self._content: StreamReader | Gunzipped = request.content
        self._limit = settings.max_upload_bytes
        if content_encoding(request) != "identity":
            ratio = settings.max_inflate_ratio
            self._content = Gunzipped(request.content, self._limit, ratio)
            self._limit = settings.max_file_bytes
        self.excess = f"The upload is larger than the {self._limit} bytes allowed"
        self._start = f"--{boundary}".encode()
        self._end = self._start + b"--"
        self._silence = settings.idle_timeout
        self._counted = 0
        self._lines = 0
        self._unread = b""

    @property
    def corrupt(self) -> str:
        """What is wrong with a gzip request, which ends there; else empty."""
        return self._content.corrupt if isinstance(self._content, Gunzipped) else ""

    async def read(self, n: int) -> bytes:
        """At most ``n`` bytes, as soon as there are any; ``b""`` at the end."""
        self._lines = 0
        return await self._read(self._some, n)

    async def readline(self, *, max_line_length: int | None = None) -> bytes:
        """A line with its end; ``b""`` at the end."""
        if self.closed:
            return b""
        line = await self._read(self._line, max_line_length)
        self._lines += len(line)
        if self._lines > MAX_LINES:
            raise BodyFault("the preamble or the headers of a part are too long")
        if line.rstrip() == self._start:
            self.begun = True
            if not line.endswith(b"\r\n"):
                raise BodyFault("the lines around the parts must end with CR LF")
        self.closed = line.rstrip() == self._end
        return line

    def count(self) -> None:
        """Count for the metrics what has come since the last time."""
        come = self._stream.total_bytes
        metrics.UPLOAD_BYTES.inc(come - self._counted)
        self._counted = come

    async def read_away(self) -> None:
        """Read to the end of the body."""
        while await self.read(MAX_LINES):
            pass

    async def verify(self) -> None:
        """Read the end of a gzip request, behind the closing boundary: its checksum stands there.

        Raises:
            BodyFault: it is wrong or missing.
        """
        if not self.closed or not isinstance(self._content, Gunzipped):
            return
        most = self.size + MAX_LINES
        while self.size <= most and await self.read(MAX_LINES):
            pass
        if self.corrupt:
            raise BodyFault(self.corrupt)

    def unread_data(self, data: bytes) -> None:
        """Have bytes that were read come next: the reader looks for a boundary past its end."""
        self.size -= len(data)
        self._unread = data + self._unread

    def at_eof(self) -> bool:
        return self.over or (not self._unread and self._content.at_eof())

    async def _some(self, n: int) -> bytes:
        if self._unread:
            return self._unread_before(n)
        # aiohttp's stream logs who asks it again and again behind its end, as the reader does.
        return b"" if self._content.at_eof() else await self._content.read(n)

    async def _line(self, most: int | None) -> bytes:
        line = self._unread_before(self._unread.find(b"\n") + 1 or len(self._unread))
        if not line.endswith(b"\n"):
            line += await self._content.readline(max_line_length=most)
        if most is not None and len(line) > most:
            raise LineTooLong(line[:100], most)
        return line

    def _unread_before(self, end: int) -> bytes:
        data, self._unread = self._unread[:end], self._unread[end:]
        return data

    async def _read(self, reading: Callable[..., Awaitable[bytes]], *args: int | None) -> bytes:
        self.count()
        if self.over:
            return b""
        try:
            data = await self._received(reading, *args)
        except FileTooLarge as exc:
            self.over = True
            self.excess = exc.details
            return b""
        self.size += len(data)
        self.over = self.size > self._limit
        return data[: len(data) - (self.size - self._limit)] if self.over else data

    async def _received(self, reading: Callable[..., Awaitable[bytes]], *args: int | None) -> bytes:
        if self._stream.is_eof() and self._stream.exception() is not None:
            # The body had come whole when the connection ended: what is still buffered counts.
            self._stream.set_exception(None)  # type: ignore[arg-type]
        try:
            async with _silent_for(self._silence):
                return await reading(*args)
        except TimeoutError as exc:
            raise RequestTimeout(f"No byte came for {self._silence:g} seconds") from exc
        except LineTooLong as exc:
            raise BodyFault("a line of a part's headers is too long") from exc
        except (ConnectionError, RuntimeError) as exc:
            raise ClientGone from exc
        except TRANSPORT_FAULTS as exc:
            raise TransferBroken("the body breaks off or is not well-formed HTTP") from exc


@contextlib.asynccontextmanager
async def _silent_for(seconds: float) -> AsyncIterator[None]:
    """``asyncio.timeout`` that looks once more before it ends the block.

    A process that stood still finds its timers due before it has seen what came meanwhile.
    """
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(None) as end:
        timer = loop.call_later(seconds, lambda: end.reschedule(loop.time() + _LOOK))
        try:
            yield
        finally:
            timer.cancel()


def multipart(request: web.Request, body: Body) -> MultipartReader:
    """``request.multipart()``, reading through ``body``."""
    return MultipartReader(request.headers, cast(StreamReader, body))
