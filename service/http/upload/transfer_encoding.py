"""Content-Transfer-Encodings of a part, decoded as a stream.

aiohttp decodes each chunk by itself, which breaks wherever a chunk ends inside a unit: it aligns
base64 except in small chunks, and quoted-printable not at all.
"""

import binascii
from collections.abc import Callable
from typing import Final, Protocol

_WHITE: Final = b" \t\r\n"
_MAX_LINE: Final = 64 * 1024
"""Longest quoted-printable line, in bytes; RFC 2045 allows 76."""


class Decoder(Protocol):
    """Takes a part's bytes as they come and returns those decoded so far.

    Raises:
        ValueError: what came is not in the encoding.
    """

    def __call__(self, data: bytes, *, last: bool = False) -> bytes: ...


class _Base64:
    def __init__(self) -> None:
        self._rest = b""
        self._padded = False

    def __call__(self, data: bytes, *, last: bool = False) -> bytes:
        data = self._rest + data.translate(None, _WHITE)
        if self._padded and data:
            raise ValueError("base64 behind its padding")
        whole = len(data) if last else len(data) // 4 * 4
        self._rest = data[whole:]
        self._padded = data[:whole].endswith(b"=")
        return binascii.a2b_base64(data[:whole], strict_mode=True)


class _QuotedPrintable:
    def __init__(self) -> None:
        self._rest = b""

    def __call__(self, data: bytes, *, last: bool = False) -> bytes:
        data = self._rest + data
        whole = len(data) if last else data.rfind(b"\n") + 1
        self._rest = data[whole:]
        if len(self._rest) > _MAX_LINE:
            raise ValueError("a quoted-printable line without an end")
        return binascii.a2b_qp(data[:whole])


def _plain(data: bytes, *, last: bool = False) -> bytes:
    return data


_DECODERS: Final[dict[str, Callable[[], Decoder]]] = {
    "": lambda: _plain,
    "7bit": lambda: _plain,
    "8bit": lambda: _plain,
    "binary": lambda: _plain,
    "base64": _Base64,
    "quoted-printable": _QuotedPrintable,
}


def decoder(encoding: str) -> Decoder:
    """A decoder for one part.

    Args:
        encoding: the part's ``ProjectContent-Transfer-Encoding``, in any case; may be empty.

    Raises:
        LookupError: it is none that we read.
    """
    return _DECODERS[encoding.strip().lower()]()
