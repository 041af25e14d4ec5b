"""Reads pieces of a file, to compare their projects with those of the whole file."""

import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from service.cli.upload.splitting.piece_file import PieceFile, read_stamp
from service.cli.upload.splitting.pieces import Piece, SplitFile
from service.formats.limits import Limits
from service.formats.reader import Reader
from service.model import Project, Refusal

Found = tuple[Any, ...]
"""A project as a reader finds it: external id, content hash or error, line, index in the file."""


def read(content: bytes, charset: str | None = None) -> Iterator[Project | Refusal]:
    """Yield the projects of a file, and those that are refused."""
    reader = Reader(io.BytesIO(content), Limits(), charset=charset)
    for item in reader:
        if isinstance(item, Project):
            item.rows.close()
            yield item
        elif isinstance(item, Refusal):
            yield item
        else:
            list(item.objects)


def describe(item: Project | Refusal, line: int | None, index: int) -> Found:
    """Return what must be the same in a piece and in the whole file."""
    what = item.content_hash if isinstance(item, Project) else item.code
    return item.external_id, what, line, index


def in_file(piece: Piece | None, items: Iterable[Project | Refusal]) -> list[Found]:
    """Projects of a piece, or of the whole, at the places where the file has them."""
    if piece is None:
        return [describe(item, item.line, item.index) for item in items]
    return [
        describe(item, item.line and piece.line_in_file(item.line), piece.index_in_file(item.index))
        for item in items
    ]


def of_whole(path: Path) -> list[Found]:
    """Projects of the whole file."""
    return in_file(None, read(path.read_bytes()))


def content(path: Path, piece: Piece) -> bytes:
    """Return the bytes of a piece."""
    file = PieceFile(path, piece, read_stamp(path))
    try:
        return b"".join(iter(file.read, b""))
    finally:
        file.close()


def of_pieces(path: Path, split: SplitFile) -> list[Found]:
    """Projects of all pieces, without those that repeat an earlier one."""
    return [
        each
        for piece in split.pieces
        for each in in_file(piece, read(content(path, piece), split.charset))
    ]
