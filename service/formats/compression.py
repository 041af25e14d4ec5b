"""Inflates a file's bytes as a stream: gzip, or a ZIP with one file, or XML as it is.

This module reads the header and the checksum of gzip (RFC 1952), and the library inflates the data
between them. The library's own gzip mode would discard inflated data if a checksum is wrong.
"""

import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final, NoReturn

import stream_unzip as zip_library
from isal import isal_zlib
from isal.igzip_lib import IsalError
from stream_unzip import MissingPasswordError, UnsupportedFeatureError, stream_unzip

from service.errors import FileRefused, FileTooLarge
from service.formats.encoding import ByteSource
from service.formats.limits import Limits
from service.model import shorten

RATIO_GRACE: Final = 16 * 1024 * 1024
"""Inflated bytes up to which the ratio is not checked: small files may be very repetitive."""

_CHUNK: Final = 64 * 1024
"""Largest number of bytes in one read, and in one piece of inflated data."""

_WINDOW: Final = 4 * 1024
"""Compressed bytes inflated at a time. A corrupt byte discards the inflated data of its window, so
windows must not depend on the pieces in which the file arrives."""

_GZIP: Final = b"\x1f\x8b"
_ZIP: Final = b"PK\x03\x04"
_EMPTY_ZIP: Final = b"PK\x05\x06"
_ONE_FILE: Final = "send one XML file in each ZIP"

_HEADER: Final = struct.Struct("<2sBBIBB")
_TRAILER: Final = struct.Struct("<II")
_MAX_HEADER: Final = 256 * 1024
_DEFLATE: Final = 8
_HEADER_CRC, _EXTRA, _NAME, _COMMENT, _RESERVED = 0x02, 0x04, 0x08, 0x10, 0xE0


@dataclass(frozen=True, slots=True)
class InflatedFile:
    """One file of a part; ``read`` is that of ``InflatedSource``.

    Attributes:
        name: its path inside a ZIP, or None.
        source: its bytes.
    """

    name: str | None
    source: ByteSource

    def read(self, n: int, /) -> bytes:
        return self.source.read(n)


def inflate_files(
    source: ByteSource, limits: Limits, give_way: Callable[[], None] = lambda: None
) -> Iterator[InflatedFile]:
    """Yield the files of a part: one, or the members of a ZIP.

    Args:
        source: the part from its first byte; exceptions of its ``read`` pass through.
        limits: of each file.
        give_way: called between steps; as ``FileContext.give_way``.

    Raises:
        FileRefused, FileTooLarge: the part has no further file because of a fault.
    """
    yield InflatedFile(None, InflatedSource(source, limits, give_way))


class InflatedSource:
    """A source of a file's XML, whether the file is compressed or not.

    The first bytes decide. Data that is neither gzip nor ZIP passes through unchanged. Compressed
    data inside compressed data is not inflated.

    Args:
        source: the file from its first byte; exceptions of its ``read`` pass through.
        limits: of the file; this class checks ``max_inflate_ratio``.
        give_way: called between steps; as ``FileContext.give_way``.
    """

    def __init__(
        self, source: ByteSource, limits: Limits, give_way: Callable[[], None] = lambda: None
    ) -> None:
        self._source = source
        self._give_way = give_way
        self._max_ratio = limits.max_inflate_ratio
        self._taken = 0
        self._given = 0
        self._pieces = self._contents()

    def read(self, _n: int, /) -> bytes:
        """Return the next bytes of the XML, or ``b""`` at the end.

        Raises:
            FileRefused: the compressed file ends too early here or is corrupt, encrypted or a ZIP
                of several files; all bytes before were returned.
            FileTooLarge: it inflates to more than ``max_inflate_ratio`` times its size.
        """
        return next(self._pieces, b"")

    def _contents(self) -> Iterator[bytes]:
        head = b""
        while len(head) < len(_ZIP) and (data := self._source.read(_CHUNK)):
            head += data
        if head.startswith(_GZIP):
            yield from self._check_pieces(_gunzip(self._windows(head)))
        elif head.startswith((_ZIP, _EMPTY_ZIP)):
            yield from self._unzip(self._windows(head))
        else:
            yield from self._pieces_from(head)

    def _pieces_from(self, head: bytes) -> Iterator[bytes]:
        if head:
            yield head
        while data := self._source.read(_CHUNK):
            yield data

    def _windows(self, head: bytes) -> Iterator[bytes]:
        held = b""
        for data in self._pieces_from(head):
            held += data
            end = len(held) // _WINDOW * _WINDOW
            for start in range(0, end, _WINDOW):
                self._taken += _WINDOW
                yield held[start : start + _WINDOW]
            held = held[end:]
        if held:
            self._taken += len(held)
            yield held

    def _check_pieces(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        for piece in pieces:
            self._given += len(piece)
            check_ratio(self._given, self._taken, self._max_ratio)
            yield piece
            self._give_way()

    def _unzip(self, compressed: Iterator[bytes]) -> Iterator[bytes]:
        first: str | None = None
        try:
            for raw, _, pieces in stream_unzip(compressed, chunk_size=_CHUNK):
                self._give_way()
                name = raw.decode("utf-8", "replace")
                if _is_litter(name):
                    for _ in self._check_pieces(pieces):
                        pass
                elif first is None:
                    first = name
                    yield from filter(None, self._check_pieces(pieces))
                else:
                    names = f"`{shorten(first)}` and `{shorten(name)}`"
                    raise FileRefused(f"the ZIP holds several files, {names}; {_ONE_FILE}")
        except MissingPasswordError:
            raise FileRefused(f"the ZIP is encrypted; {_ONE_FILE}, without a password") from None
        except UnsupportedFeatureError:
            raise FileRefused(
                "the ZIP is encrypted or compressed in a way that is not supported; "
                f"{_ONE_FILE}, deflated"
            ) from None
        except ValueError:  # for bad data, from the library and its Deflate64
            raise FileRefused("the ZIP is corrupt or breaks off") from None
        if first is None:
            raise FileRefused("the ZIP holds no file")


def _gunzip(compressed: Iterator[bytes]) -> Iterator[bytes]:
    gunzip = Gunzip()
    try:
        for data in compressed:
            gunzip.push(data)
            while piece := gunzip.pull(_CHUNK):
                yield piece
        gunzip.end()
    except BadGzip as fault:
        raise FileRefused(str(fault)) from None


def _refuse_deflate64() -> NoReturn:
    """Replace the library's Deflate64, which is in Python: 6 KB of it can take half a second.

    The library has no option that excludes a method.
    """
    raise UnsupportedFeatureError


zip_library.stream_inflate64 = _refuse_deflate64  # type: ignore[attr-defined]


def _is_litter(name: str) -> bool:
    """Whether a member of a ZIP is a folder, or a file that macOS or Windows adds."""
    *folders, last = name.replace("\\", "/").split("/")
    return (
        not last
        or "__MACOSX" in folders
        or last.startswith("._")
        or last in (".DS_Store", "Thumbs.db", "desktop.ini")
    )


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


def check_ratio(inflated: int, compressed: int, max_ratio: int) -> None:
    """Check that inflated data is at most a multiple of the compressed data.

    Args:
        inflated: bytes so far.
        compressed: bytes that they were inflated from.
        max_ratio: the greatest ratio; it applies to more than ``RATIO_GRACE`` bytes.

    Raises:
        FileTooLarge: the ratio is greater.
    """
    if inflated > RATIO_GRACE and inflated > max_ratio * compressed:
        raise FileTooLarge(f"the data inflates to more than {max_ratio} times its size")
