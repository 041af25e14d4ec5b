"""Inflates a file's bytes as a stream: gzip, or the members of a ZIP, or XML as it is.

This module reads the header and the checksum of gzip (RFC 1952), and the library inflates the data
between them. The library's own gzip mode would discard inflated data if a checksum is wrong.
"""

import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from isal import isal_zlib
from isal.igzip_lib import IsalError

from service.errors import FileRefused
from service.formats.encoding import ByteSource, PushbackSource
from service.formats.limits import Limits, check_ratio
from service.formats.zip.descriptor import EMPTY
from service.formats.zip.header import MEMBER
from service.formats.zip.input import WINDOW
from service.formats.zip.stream import iterate_members

_CHUNK: Final = 64 * 1024
"""Largest number of bytes in one read, and in one piece of inflated data."""

_GZIP: Final = b"\x1f\x8b"
_HEADER: Final = struct.Struct("<2sBBIBB")
_TRAILER: Final = struct.Struct("<II")
_MAX_HEADER: Final = 256 * 1024
_DEFLATE: Final = 8
_HEADER_CRC, _EXTRA, _NAME, _COMMENT, _RESERVED = 0x02, 0x04, 0x08, 0x10, 0xE0


@dataclass(frozen=True, slots=True)
class InflatedFile:
    """One file of a part.

    Attributes:
        name: its path inside a ZIP, or None.
        source: its bytes.
    """

    name: str | None
    source: ByteSource

    def read(self, n: int, /) -> bytes:
        """Return the next bytes, or ``b""`` at the end.

        Raises:
            FileRefused: the compressed file ends too early here, is corrupt, encrypted, or
                compressed in an unsupported way; all bytes before were returned.
            FileTooLarge: it inflates to more than ``max_inflate_ratio`` times its size.
        """
        return self.source.read(n)


def inflate_files(
    source: ByteSource, limits: Limits, give_way: Callable[[], None] = lambda: None
) -> Iterator[InflatedFile]:
    """Yield the files of a part: one, or the members of a ZIP.

    The first bytes decide. Data that is neither gzip nor ZIP passes through unchanged. Compressed
    data inside compressed data is not inflated. Read a file before the next one is taken: what is
    left of it is skipped.

    Args:
        source: the part from its first byte; exceptions of its ``read`` pass through.
        limits: of each file; this module checks ``max_inflate_ratio``.
        give_way: called between steps; as ``FileContext.give_way``.

    Raises:
        FileRefused, FileTooLarge: the part has no further file because of a fault.
    """
    head = b""
    while len(head) < len(MEMBER) and (data := source.read(_CHUNK)):
        head += data
    if head.startswith((MEMBER, EMPTY)):
        for member in iterate_members(source, head, limits, give_way):
            yield InflatedFile(member.name, member)
    elif head.startswith(_GZIP):
        yield InflatedFile(None, _GzipSource(source, head, limits, give_way))
    else:
        yield InflatedFile(None, PushbackSource(head, source))


class _GzipSource:
    """The inflated bytes of a gzip file; arguments and exceptions as of ``inflate_files``."""

    def __init__(
        self, source: ByteSource, head: bytes, limits: Limits, give_way: Callable[[], None]
    ) -> None:
        self._source = source
        self._head = head
        self._max_ratio = limits.max_inflate_ratio
        self._give_way = give_way
        self._taken = 0
        self._pieces = self._inflate()

    def read(self, _n: int, /) -> bytes:
        return next(self._pieces, b"")

    def _inflate(self) -> Iterator[bytes]:
        given = 0
        for piece in _gunzip(self._windows()):
            given += len(piece)
            check_ratio(given, self._taken, self._max_ratio)
            yield piece
            self._give_way()

    def _windows(self) -> Iterator[bytes]:
        held = b""
        while data := self._head or self._source.read(_CHUNK):
            self._head = b""
            held += data
            end = len(held) // WINDOW * WINDOW
            for start in range(0, end, WINDOW):
                self._taken += WINDOW
                yield held[start : start + WINDOW]
            held = held[end:]
        if held:
            self._taken += len(held)
            yield held


def _gunzip(compressed: Iterable[bytes]) -> Iterator[bytes]:
    gunzip = Gunzip()
    try:
        for data in compressed:
            gunzip.push(data)
            while piece := gunzip.pull(_CHUNK):
                yield piece
        gunzip.end()
    except BadGzip as fault:
        raise FileRefused(f"{fault}; compress or copy it again") from None


class BadGzip(ValueError):
    """The data is not a complete gzip file; the message has the reason."""


class Gunzip:
    """Inflates a gzip file. The file may have several members, which form one stream.

    The class does no input or output. Call ``push`` with the next bytes, then ``pull`` until it
    returns ``b""``, and repeat. Call ``end`` after the last bytes.
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

    def pull(self, limit: int) -> bytes:
        """Return at most ``limit`` inflated bytes, or ``b""`` if more must be pushed first.

        Raises:
            BadGzip: the file is corrupt here; all bytes before were returned.
        """
        while True:
            if not self._inflating:
                if not self._read_header():
                    return b""
            elif not self._inflate.eof:
                if data := self._inflate_data(limit):
                    return data
                if not self._inflate.eof:
                    return b""
            elif not self._read_trailer():
                return b""

    def end(self) -> None:
        """Check that the file ends here.

        Raises:
            BadGzip: it ends too early.
        """
        if self._inflating or self._data or not self._members:
            raise BadGzip("the gzip file breaks off")

    def _read_header(self) -> bool:
        """Begin a member; False if its header is incomplete. Zeros may follow the last member."""
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

    def _inflate_data(self, limit: int) -> bytes:
        try:
            data = self._inflate.decompress(self._data, limit)
        except IsalError:  # type: ignore[misc]  # its stub takes the class for an instance
            raise BadGzip("the gzip file is corrupt") from None
        done = self._inflate.eof
        self._data = self._inflate.unused_data if done else self._inflate.unconsumed_tail
        self._crc = isal_zlib.crc32(data, self._crc)
        self._size += len(data)
        return data

    def _read_trailer(self) -> bool:
        """End a member; False if its checksum is incomplete."""
        if len(self._data) < _TRAILER.size:
            return False
        if _TRAILER.unpack_from(self._data) != (self._crc, self._size % 2**32):
            raise BadGzip("the gzip file is corrupt: its checksum is wrong")
        self._data = self._data[_TRAILER.size :]
        self._inflating = False
        return True


def _header_length(data: bytes) -> int | None:
    """Return the length of a member's header, or None if it is incomplete."""
    if not _GZIP.startswith(data[:2]):
        raise BadGzip("the gzip file is corrupt: data after its end is not gzip")
    if len(data) < _HEADER.size:
        return None
    _, method, flags, *_ = _HEADER.unpack_from(data)
    if method != _DEFLATE or flags & _RESERVED:
        raise BadGzip("the gzip file is corrupt: its header is not a gzip header")
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
