"""A piece of a file as a body: its bytes as they are read from the disk, and a hash over them."""

import contextlib
import io
import os
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from typing import IO, Any, Final, NamedTuple, cast

from aiohttp.payload import IOBasePayload

from service.cli.splitting import Piece

_BLOCK: Final = 256 * 1024


class Stamp(NamedTuple):
    """What tells whether a file was changed."""

    size: int
    changed_at: int


class PieceFile(io.RawIOBase):
    """A piece of a file, read as a file.

    Args:
        path: of the file.
        piece: of it.
        stamp: of the file, as it was when the piece was found; see ``stamp_of``.

    Attributes:
        given: bytes read so far.
        changed: the file is not any more what it was.
    """

    def __init__(self, path: Path, piece: Piece, stamp: Stamp) -> None:
        self.given = 0
        self.changed = False
        self._file = path.open("rb")
        self._stamp = stamp
        self._blocks = self._read(piece)

    def read(self, _size: int = -1, /) -> bytes:
        """The next bytes, as many as come together.

        Raises:
            OSError: the file was changed meanwhile.
        """
        block = next(self._blocks, b"")
        self.given += len(block)
        return block

    def tell(self) -> int:
        return self.given

    def seek(self, offset: int, _whence: int = 0, /) -> int:
        return offset

    def close(self) -> None:
        self._file.close()
        super().close()

    def _read(self, piece: Piece) -> Iterator[bytes]:
        for part in piece.slices:
            self._file.seek(part.start)
            left = part.end - part.start
            while left:
                block = self._file.read(min(left, _BLOCK))
                if not block or stamp_of(self._file.fileno()) != self._stamp:
                    self.changed = True
                    raise OSError("the file was changed while it was read")
                left -= len(block)
                yield block
        if piece.tail:
            yield piece.tail


def stamp_of(file: Path | int) -> Stamp:
    """A file as it is now.

    Args:
        file: its path or descriptor.

    Raises:
        OSError: it is not there.
    """
    stat = os.stat(file)
    return Stamp(stat.st_size, stat.st_mtime_ns)


class Sized(IOBasePayload):
    """A body of which the size is known before."""

    def __init__(self, value: PieceFile, size: int, **kinds: Any) -> None:
        self._known = size
        super().__init__(cast(IO[bytes], value), disposition="form-data", **kinds)

    @property
    def size(self) -> int:
        return self._known


def content_hash(path: Path, piece: Piece, stamp: Stamp) -> bytes:
    """A hash over a piece's bytes.

    Raises:
        OSError: the file cannot be read, or was changed.
    """
    digest = blake2b(digest_size=16)
    with contextlib.closing(PieceFile(path, piece, stamp)) as file:
        while block := file.read():
            digest.update(block)
    return digest.digest()
