"""Content-Encodings of a request: none, or gzip over the whole multipart body.

aiohttp would inflate a request by itself, bodies that are refused included; ``protocol`` has it
leave that, so that it is done here, once, and within bounds.
"""

from typing import Final

from aiohttp import StreamReader, hdrs, web
from aiohttp.http_exceptions import LineTooLong

from service.errors import FileTooLarge
from service.formats.gzip_stream import BadGzip, Gunzip, check_ratio

ACCEPTED: Final = frozenset({"identity", "gzip", "x-gzip"})
"""RFC 9110 section 8.4.1.3 has x-gzip taken for gzip."""

_CHUNK: Final = 64 * 1024
_MAX_LINE: Final = 64 * 1024


def content_encoding(request: web.Request) -> str:
    """The request's ``ProjectContent-Encoding`` in lower case; ``identity`` where it names none."""
    encodings = request.headers.getall(hdrs.CONTENT_ENCODING, [])
    return ", ".join(encodings).strip().lower() or "identity"


class Gunzipped:
    """A gzip stream inflated as it is read, with the methods of ``StreamReader`` that are used.

    Args:
        stream: the compressed bytes.
        limit: of them, in bytes.
        ratio: inflated size over compressed size; see ``check_ratio``.

    Attributes:
        corrupt: why it ends before its end, else empty. That is not raised: aiohttp reads ahead,
            and would lose what came before.

    Raises:
        FileTooLarge: from every method that reads: a bound is passed.
        LineTooLong: from ``readline``.
    """

    def __init__(self, stream: StreamReader, limit: int, ratio: int) -> None:
        self._stream = stream
        self._limit = limit
        self._ratio = ratio
        self._gunzip = Gunzip()
        self._held = b""
        self._taken = 0
        self._given = 0
        self._ended = False
        self.corrupt = ""

    async def read(self, n: int) -> bytes:
        """At most ``n`` bytes; ``b""`` at the end."""
        if not self._held:
            self._held = await self._more()
        data, self._held = self._held[:n], self._held[n:]
        return data

    async def readline(self, *, max_line_length: int | None = None) -> bytes:
        """A line with its end, which the last one may lack."""
        most = max_line_length or _MAX_LINE
        while b"\n" not in self._held and len(self._held) <= most:
            if not (more := await self._more()):
                break
            self._held += more
        end = self._held.find(b"\n") + 1 or len(self._held)
        if end > most:
            raise LineTooLong(self._held[:100], most)
        line, self._held = self._held[:end], self._held[end:]
        return line

    def at_eof(self) -> bool:
        return self._ended and not self._held

    async def _more(self) -> bytes:
        if self._ended:
            return b""
        try:
            return await self._inflated()
        except BadGzip as exc:
            self._ended = True
            self.corrupt = f"in the request's Content-Encoding {exc}"
            return b""

    async def _inflated(self) -> bytes:
        while not (data := self._gunzip.pull(_CHUNK)):
            if self._taken > self._limit:
                raise FileTooLarge(f"The upload is larger than the {self._limit} bytes allowed")
            wire = await self._stream.read(_CHUNK)
            if not wire:
                self._ended = True
                self._gunzip.end()
                return b""
            self._gunzip.push(wire[: self._limit - self._taken])
            self._taken += len(wire)
        self._given += len(data)
        check_ratio(self._given, self._taken, self._ratio)
        return data
