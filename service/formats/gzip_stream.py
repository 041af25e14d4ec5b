"""gzip, inflated piece by piece within bounds; it neither reads nor waits.

By RFC 1952. The library's own gzip mode throws away what it has inflated when it comes to a wrong
checksum, so headers and checksums are read here and the deflated data between them there.
"""

import struct
from typing import Final

from isal import isal_zlib
from isal.igzip_lib import IsalError

from service.errors import FileTooLarge

MAGIC: Final = b"\x1f\x8b"
RATIO_GRACE: Final = 16 * 1024 * 1024
"""Inflated bytes up to which the ratio does not count: small files may be very repetitive."""

_HEADER: Final = struct.Struct("<2sBBIBB")
_TRAILER: Final = struct.Struct("<II")
_MAX_HEADER: Final = 256 * 1024
_DEFLATE: Final = 8
_HEADER_CRC, _EXTRA, _NAME, _COMMENT, _RESERVED = 0x02, 0x04, 0x08, 0x10, 0xE0


class BadGzip(ValueError):
    """What was given is not a whole gzip file. The text says why."""


class Gunzip:
    """Inflates a gzip file. Its members, of which there may be several, are one stream.

    ``push`` bytes, ``pull`` until it gives ``b""``, and so on; ``end`` when there are no more.
    """

    def __init__(self) -> None:
        self._data = b""
        self._members = 0
        self._inflating = False
        self._inflate = isal_zlib.decompressobj(wbits=-isal_zlib.MAX_WBITS)
        self._crc = 0
        self._size = 0

    def push(self, data: bytes) -> None:
        """Add the file's next bytes."""
        self._data += data

    def pull(self, most: int) -> bytes:
        """At most ``most`` bytes inflated, or ``b""`` where more has to be pushed first.

        Raises:
            BadGzip: the file is corrupt here; all before this place was given.
        """
        while True:
            if not self._inflating:
                if not self._header():
                    return b""
            elif not self._inflate.eof:
                if data := self._inflated(most):
                    return data
                if not self._inflate.eof:
                    return b""
            elif not self._trailer():
                return b""

    def end(self) -> None:
        """There are no more bytes.

        Raises:
            BadGzip: the file ought to go on.
        """
        if self._inflating or self._data or not self._members:
            raise BadGzip("the gzip file breaks off")

    def _header(self) -> bool:
        """Begin a member; False where its header is not whole. Zeros may pad a file's end."""
        if self._members:
            self._data = self._data.lstrip(b"\0")
        length = _header_length(self._data)
        if length is None:
            return False
        self._data = self._data[length:]
        self._inflate = isal_zlib.decompressobj(wbits=-isal_zlib.MAX_WBITS)
        self._crc = self._size = 0
        self._members += 1
        self._inflating = True
        return True

    def _inflated(self, most: int) -> bytes:
        try:
            data = self._inflate.decompress(self._data, most)
        except IsalError:  # type: ignore[misc]  # its stub takes the class for an instance
            raise BadGzip("the gzip file is corrupt") from None
        done = self._inflate.eof
        self._data = self._inflate.unused_data if done else self._inflate.unconsumed_tail
        self._crc = isal_zlib.crc32(data, self._crc)
        self._size += len(data)
        return data

    def _trailer(self) -> bool:
        """End a member; False where its checksum has not come yet."""
        if len(self._data) < _TRAILER.size:
            return False
        if _TRAILER.unpack_from(self._data) != (self._crc, self._size % 2**32):
            raise BadGzip("the gzip file is corrupt: its checksum is wrong")
        self._data = self._data[_TRAILER.size :]
        self._inflating = False
        return True


def _header_length(data: bytes) -> int | None:
    """The length of a member's header, or None where it is not whole."""
    if not MAGIC.startswith(data[:2]):
        raise BadGzip("the gzip file is corrupt: what follows its end is not gzip")
    if len(data) < _HEADER.size:
        return None
    _, method, flags, *_ = _HEADER.unpack_from(data)
    if method != _DEFLATE or flags & _RESERVED:
        raise BadGzip("the gzip file is corrupt: its header is not one of gzip")
    length = _HEADER.size
    if flags & _EXTRA:
        length += 2 + int.from_bytes(data[length : length + 2], "little")
    for flag in (_NAME, _COMMENT):
        if flags & flag:
            zero = data.find(b"\0", length)
            length = zero + 1 if zero >= 0 else len(data) + 1
    if flags & _HEADER_CRC:
        length += 2
    if length <= len(data):
        return length
    if len(data) > _MAX_HEADER:
        raise BadGzip("the gzip file is corrupt: its header does not end")
    return None


def check_ratio(inflated: int, compressed: int, most: int) -> None:
    """Hold what is inflated to a multiple of what was sent.

    Args:
        inflated: bytes so far.
        compressed: bytes that they were inflated from.
        most: how many times as much they may be, past ``RATIO_GRACE``.

    Raises:
        FileTooLarge: they are more.
    """
    if inflated > RATIO_GRACE and inflated > most * compressed:
        raise FileTooLarge(f"what was sent inflates to more than {most} times its size")
