"""Encodings of an upload: gzip around the whole request, base64 and others around one part.

aiohttp would inflate every request, even a refused one; ``server`` disables this. It would also
decode each chunk of a part alone, which fails if a chunk ends inside an encoded unit.
"""

import binascii
from collections.abc import AsyncIterator, Callable
from typing import Final, Protocol

from aiohttp import StreamReader, hdrs, web

from service.errors import upload_too_large
from service.formats.compression import Gunzip
from service.formats.limits import check_ratio

ACCEPTED: Final = frozenset({"identity", "gzip", "x-gzip"})
"""Content-Encodings of a request. RFC 9110 section 8.4.1.3: x-gzip means gzip."""

_BLOCK: Final = 64 * 1024
_WHITE: Final = b" \t\r\n"
_MAX_LINE: Final = 64 * 1024
"""Longest quoted-printable line, in bytes; RFC 2045 allows 76."""


def content_encoding(request: web.Request) -> str:
    """Return the request's Content-Encoding in lower case; ``identity`` if it has none."""
    encodings = request.headers.getall(hdrs.CONTENT_ENCODING, [])
    return ", ".join(encodings).strip().lower() or "identity"


async def inflate(stream: StreamReader, limit: int, ratio: int) -> AsyncIterator[bytes]:
    """Inflate a gzip body.

    Args:
        stream: the compressed body.
        limit: most compressed bytes.
        ratio: most inflated bytes for each compressed byte; see ``check_ratio``.

    Yields:
        Blocks that are not empty.

    Raises:
        BadGzip: the body is corrupt or ends early; all bytes before that place were yielded.
        FileTooLarge: a limit is exceeded.
    """
    gunzip = Gunzip()
    compressed = inflated = 0
    while compressed_block := await stream.read(_BLOCK):
        gunzip.push(compressed_block[: limit - compressed])
        compressed += len(compressed_block)
        while block := gunzip.pull(_BLOCK):
            inflated += len(block)
            check_ratio(inflated, compressed, ratio)
            yield block
        if compressed > limit:
            raise upload_too_large(limit)
    gunzip.end()


class Decoder(Protocol):
    """Decodes a part's bytes as they arrive.

    Args:
        data: the next bytes.
        last: whether they are the last.

    Returns:
        All bytes that can be decoded so far.

    Raises:
        ValueError: the bytes are not in the encoding.
    """

    def __call__(self, data: bytes, *, last: bool = False) -> bytes: ...


class _Base64:
    def __init__(self) -> None:
        self._rest = b""
        self._padded = False

    def __call__(self, data: bytes, *, last: bool = False) -> bytes:
        data = self._rest + data.translate(None, _WHITE)
        if self._padded and data:
            raise ValueError("base64 continues after its padding")
        end = len(data) if last else len(data) // 4 * 4
        self._rest = data[end:]
        self._padded = data[:end].endswith(b"=")
        return binascii.a2b_base64(data[:end], strict_mode=True)


class _QuotedPrintable:
    def __init__(self) -> None:
        self._rest = b""

    def __call__(self, data: bytes, *, last: bool = False) -> bytes:
        data = self._rest + data
        end = len(data) if last else data.rfind(b"\n") + 1
        self._rest = data[end:]
        if len(self._rest) > _MAX_LINE:
            raise ValueError("a quoted-printable line does not end")
        return binascii.a2b_qp(data[:end])


def _unchanged(data: bytes, *, last: bool = False) -> bytes:
    return data


_DECODERS: Final[dict[str, Callable[[], Decoder]]] = {
    "": lambda: _unchanged,
    "7bit": lambda: _unchanged,
    "8bit": lambda: _unchanged,
    "binary": lambda: _unchanged,
    "base64": _Base64,
    "quoted-printable": _QuotedPrintable,
}


def transfer_decoder(encoding: str) -> Decoder:
    """Return a decoder for the content of one part.

    Args:
        encoding: the part's Content-Transfer-Encoding in any case; may be empty.

    Raises:
        LookupError: the encoding is not supported.
    """
    return _DECODERS[encoding.strip().lower()]()
