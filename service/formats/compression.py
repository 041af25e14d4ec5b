"""What stands between a file's bytes and its XML: gzip, or a ZIP of one file, read as a stream."""

from collections.abc import Iterable, Iterator
from typing import Final

from stream_unzip import MissingPasswordError, UnsupportedFeatureError, stream_unzip

from service.errors import FileRefused
from service.formats.encoding import ByteSource
from service.formats.gzip_stream import MAGIC, BadGzip, Gunzip, check_ratio
from service.formats.limits import Limits
from service.model import shorten

_CHUNK: Final = 64 * 1024
"""Bytes asked for at a time, and inflated at a time."""

_WINDOW: Final = 4 * 1024
"""Compressed bytes inflated at a time. What a call inflates before a corrupt place is lost with it,
so where they begin and end must not depend on how the file came."""

_ZIP: Final = b"PK\x03\x04"
_EMPTY_ZIP: Final = b"PK\x05\x06"
_ONE_FILE: Final = "send one XML file in each ZIP"


class InflatedSource:
    """A source that gives a file's XML, however the file is compressed.

    What is neither gzip nor ZIP by its first bytes passes through. Compressed data inside
    compressed data is not inflated again.

    Args:
        source: the file from its first byte; whatever its ``read`` raises passes through.
        limits: of them, ``max_inflate_ratio`` is kept here.
    """

    def __init__(self, source: ByteSource, limits: Limits) -> None:
        self._source = source
        self._most = limits.max_inflate_ratio
        self._taken = 0
        self._given = 0
        self._pieces = self._contents()

    def read(self, _n: int, /) -> bytes:
        """The next bytes of the XML; ``b""`` at the end.

        Raises:
            FileRefused: the compressed file breaks off here or is corrupt, encrypted or a ZIP of
                several files; everything before this place was given.
            FileTooLarge: it is inflated past ``max_inflate_ratio``.
        """
        return next(self._pieces, b"")

    def _contents(self) -> Iterator[bytes]:
        head = b""
        while len(head) < len(_ZIP) and (data := self._source.read(_CHUNK)):
            head += data
        if head.startswith(MAGIC):
            yield from self._within(_gunzipped(self._windows(head)))
        elif head.startswith((_ZIP, _EMPTY_ZIP)):
            yield from self._unzipped(self._windows(head))
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
            whole = len(held) // _WINDOW * _WINDOW
            for start in range(0, whole, _WINDOW):
                self._taken += _WINDOW
                yield held[start : start + _WINDOW]
            held = held[whole:]
        if held:
            self._taken += len(held)
            yield held

    def _within(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        for piece in pieces:
            self._given += len(piece)
            check_ratio(self._given, self._taken, self._most)
            yield piece

    def _unzipped(self, compressed: Iterator[bytes]) -> Iterator[bytes]:
        first: str | None = None
        try:
            for raw, _, pieces in stream_unzip(compressed, chunk_size=_CHUNK):
                name = raw.decode("utf-8", "replace")
                if _is_litter(name):
                    for _ in self._within(pieces):
                        pass
                elif first is None:
                    first = name
                    yield from filter(None, self._within(pieces))
                else:
                    names = f"`{shorten(first)}` and `{shorten(name)}`"
                    raise FileRefused(f"the ZIP holds several files, {names}; {_ONE_FILE}")
        except MissingPasswordError:
            raise FileRefused(f"the ZIP is encrypted; {_ONE_FILE}, without a password") from None
        except UnsupportedFeatureError:
            raise FileRefused(
                "the ZIP is encrypted or compressed in a way that is not read; "
                f"{_ONE_FILE}, deflated"
            ) from None
        except ValueError:  # what both the library and its Deflate64 raise for bad data
            raise FileRefused("the ZIP is corrupt or breaks off") from None
        if first is None:
            raise FileRefused("the ZIP holds no file")


def _gunzipped(compressed: Iterator[bytes]) -> Iterator[bytes]:
    gunzip = Gunzip()
    try:
        for data in compressed:
            gunzip.push(data)
            while piece := gunzip.pull(_CHUNK):
                yield piece
        gunzip.end()
    except BadGzip as fault:
        raise FileRefused(str(fault)) from None


def _is_litter(name: str) -> bool:
    """Whether a ZIP's member is a folder, or what macOS and Windows add without being asked."""
    *folders, last = name.replace("\\", "/").split("/")
    return (
        not last
        or "__MACOSX" in folders
        or last.startswith("._")
        or last in (".DS_Store", "Thumbs.db", "desktop.ini")
    )
