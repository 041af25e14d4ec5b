"""Reads a request's body within bounds of time and size, and names each failure of the transport.

This is the one place that knows what aiohttp's stream raises; see ``BodyReader.read``.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Final

from aiohttp import web

from service.errors import BadRequest, FileRefused, FileTooLarge, RequestTimeout, upload_too_large
from service.formats.compression import BadGzip
from service.http.body_drain import TRANSPORT_FAULTS
from service.http.upload.content_encoding import content_encoding, inflate
from service.http.upload.multipart import FormError
from service.observability import metrics
from service.settings import Settings

CHUNK: Final = 256 * 1024
"""Most bytes of a read. Large reads keep the number of calls for each upload small."""

_MAX_EPILOGUE: Final = 64 * 1024
"""Most inflated bytes that are read after the closing boundary to find the gzip checksum."""

_POLL: Final = 0.01
"""Seconds in which the event loop polls its sockets."""


class ClientGone(Exception):
    """The connection was closed before the body ended."""


class TransferBroken(BadRequest):
    """The HTTP framing of the body is broken, so the rest of the connection is unreadable."""


class BodyReader:
    """The body of a request, inflated.

    Args:
        request: the request.
        settings: limits and times. ``max_upload_bytes`` limits the bytes sent; a gzip body may
            inflate to ``max_file_bytes``.
    """

    def __init__(self, request: web.Request, settings: Settings) -> None:
        self._stream = request.content
        self._silence = settings.idle_timeout
        self._limit = settings.max_upload_bytes
        self._inflated: AsyncIterator[bytes] | None = None
        if content_encoding(request) != "identity":
            ratio = settings.max_inflate_ratio
            self._inflated = inflate(request.content, self._limit, ratio)
            self._limit = settings.max_file_bytes
        self._size = 0
        self._counted = 0

    async def read(self) -> bytes:
        """Return the next bytes, as soon as there are any; ``b""`` at the end.

        Raises:
            FormError: a limit is exceeded or the gzip body is corrupt; all bytes before were
                returned.
            RequestTimeout: no byte arrived for ``idle_timeout`` seconds.
            ClientGone: the connection was closed.
            TransferBroken: the body is not well-formed HTTP.
        """
        if self._size > self._limit:
            raise self._too_large()
        try:
            data = await self._receive()
        except BadGzip as exc:
            reason = f"in the request's Content-Encoding {exc}"
            raise FormError(FileRefused(reason)) from None
        except FileTooLarge as exc:
            raise FormError(exc) from None
        finally:
            self._count()
        self._size += len(data)
        excess = self._size - self._limit
        if excess > 0 and not (data := data[:-excess]):
            raise self._too_large()
        return data

    async def read_checksum(self) -> None:
        """Read a gzip body to its checksum, which follows the closing boundary.

        Raises:
            FormError: the checksum is wrong or missing.
        """
        most = self._size + _MAX_EPILOGUE
        while self._inflated is not None and self._size <= most and await self.read():
            pass

    def _too_large(self) -> FormError:
        return FormError(upload_too_large(self._limit))

    async def _receive(self) -> bytes:
        if self._stream.is_eof() and self._stream.exception() is not None:
            # The whole body arrived before the connection ended: the buffered rest counts.
            self._stream.set_exception(None)  # type: ignore[arg-type]
        try:
            async with _silence_timeout(self._silence):
                if self._inflated is not None:
                    return await anext(self._inflated, b"")
                return await self._stream.read(CHUNK)
        except TimeoutError as exc:
            raise RequestTimeout(f"No bytes arrived for {self._silence:g} seconds") from exc
        except (ConnectionError, RuntimeError) as exc:
            raise ClientGone from exc
        except TRANSPORT_FAULTS as exc:
            raise TransferBroken("the body breaks off or is not well-formed HTTP") from exc

    def _count(self) -> None:
        """Add the bytes received since the last call to the metrics."""
        received = self._stream.total_bytes
        metrics.UPLOAD_BYTES.inc(received - self._counted)
        self._counted = received


@contextlib.asynccontextmanager
async def _silence_timeout(seconds: float) -> AsyncIterator[None]:
    """``asyncio.timeout`` that polls the sockets once more before it expires.

    A process that was paused finds its timers due before it has seen the bytes that arrived.
    """
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(None) as timeout:
        timer = loop.call_later(seconds, lambda: timeout.reschedule(loop.time() + _POLL))
        try:
            yield
        finally:
            timer.cancel()
