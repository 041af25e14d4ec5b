"""Splits a file between its projects, by its format."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, Final

from service.cli.upload.splitting.pieces import MIB, SplitFile, whole_file
from service.cli.upload.splitting.xer_scan import XerScan, is_xer
from service.cli.upload.splitting.xml_scan import XmlScan
from service.errors import FileRefused
from service.formats.encoding import read_prolog
from service.formats.registry import find_format
from service.spool.spool import Spool

_CHUNK: Final = MIB


def split_file(
    path: Path,
    size: int,
    on_read: Callable[[bytes], None] = lambda data: None,
    charset: str | None = None,
) -> SplitFile:
    """Split a file between its projects.

    A file of an unknown format, or that cannot be split, becomes one piece, and the service reports
    the problem.

    Args:
        size: approximate size of a piece in bytes.
        on_read: receives the bytes of the file as they are read.
        charset: the encoding that the user names.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        if is_xer(file.read(_CHUNK)):
            file.seek(0)
            return XerScan(size, charset).read(_read_chunks(file, on_read))
        file.seek(0)
        try:
            prolog = read_prolog(file, charset)
        except FileRefused:
            source = None
        else:
            source = find_format(prolog)
        file.seek(0)
        if source is None:
            return _read_whole(file, on_read)
        share = Spool().share()
        try:
            return XmlScan(source, prolog, size, share).read(_read_chunks(file, on_read))
        finally:
            share.close()


def keep_whole(path: Path, on_read: Callable[[bytes], None] = lambda data: None) -> SplitFile:
    """Read a file, and return it as one piece.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        return _read_whole(file, on_read)


def _read_whole(file: BinaryIO, on_read: Callable[[bytes], None]) -> SplitFile:
    return SplitFile([whole_file(sum(map(len, _read_chunks(file, on_read))))], [])


def _read_chunks(file: BinaryIO, on_read: Callable[[bytes], None]) -> Iterator[bytes]:
    while data := file.read(_CHUNK):
        on_read(data)
        yield data
