"""A piece of a file as the body of a request, and a hash over its bytes."""

import contextlib
import io
import os
from collections.abc import Callable, Generator
from hashlib import blake2b
from pathlib import Path
from typing import IO, Any, BinaryIO, Final, NamedTuple, cast

from aiohttp.payload import IOBasePayload

from service.cli.upload.splitting.pieces import Piece

_BLOCK: Final = 256 * 1024
_CHANGED: Final = "the file was changed while it was read: send it again"


class UnreadableFile(Exception):
    """A file of an upload cannot be read, or was changed.

    Attributes:
        name: of the file in the upload.
    """

    def __init__(self, name: str, error: OSError) -> None:
        super().__init__(f"it cannot be read: {error.strerror or error}")
        self.name = name


class FileStamp(NamedTuple):
    """Size and time of a file. A different stamp means that the file was changed."""

    size: int
    changed_at: int


def read_stamp(file: Path | int) -> FileStamp:
    """Return the stamp of a file, given by its path or descriptor.

    Raises:
        OSError: the file does not exist.
    """
    stat = os.stat(file)
    return FileStamp(stat.st_size, stat.st_mtime_ns)


class PieceFile(io.RawIOBase):
    """A piece of a file, as a readable file. It is open only while it is read.

    Args:
        path: of the file.
        piece: of the file.
        stamp: of the file when it was split.

    Attributes:
        bytes_read: number of bytes read so far.
        problem: the error of a read, or None.
    """

    def __init__(self, path: Path, piece: Piece, stamp: FileStamp) -> None:
        self.bytes_read = 0
        self.problem: OSError | None = None
        self._path = path
        self._stamp = stamp
        self._blocks = self._read_blocks(piece)

    def read(self, _size: int = -1, /) -> bytes:
        """Return the next block; the requested size has no effect.

        Raises:
            OSError: the file cannot be read, or was changed since it was split.
        """
        try:
            block = next(self._blocks, b"")
        except OSError as error:
            self.problem = error
            raise
        self.bytes_read += len(block)
        return block

    def tell(self) -> int:
        return self.bytes_read

    def seek(self, offset: int, _whence: int = 0, /) -> int:
        return offset

    def close(self) -> None:
        with contextlib.suppress(ValueError):  # a thread reads a block
            self._blocks.close()
        super().close()

    def _read_blocks(self, piece: Piece) -> Generator[bytes, None, None]:
        block = bytearray()
        with self._path.open("rb") as file:
            self._check_stamp(file)
            for part in piece.slices:
                file.seek(part.start)
                left = part.end - part.start
                while left:
                    data = file.read(min(left, _BLOCK))
                    if not data:
                        raise OSError(_CHANGED)
                    left -= len(data)
                    block += data
                    if len(block) >= _BLOCK:
                        self._check_stamp(file)
                        yield bytes(block)
                        block.clear()
            self._check_stamp(file)
        block += piece.tail
        if block:
            yield bytes(block)

    def _check_stamp(self, file: BinaryIO) -> None:
        if read_stamp(file.fileno()) != self._stamp:
            raise OSError(_CHANGED)


class SizedPayload(IOBasePayload):
    """A body whose size is known before it is read."""

    def __init__(self, value: PieceFile, size: int, **options: Any) -> None:
        self._known_size = size
        super().__init__(cast(IO[bytes], value), disposition="form-data", **options)

    @property
    def size(self) -> int:
        return self._known_size


def hash_piece(
    path: Path, piece: Piece, stamp: FileStamp, on_read: Callable[[bytes], None] = lambda _: None
) -> bytes:
    """Return a hash over the bytes of a piece.

    Args:
        on_read: receives the bytes as they are read.

    Raises:
        OSError: the file cannot be read, or was changed.
    """
    digest = blake2b(digest_size=16)
    with contextlib.closing(PieceFile(path, piece, stamp)) as file:
        while block := file.read():
            digest.update(block)
            on_read(block)
    return digest.digest()
