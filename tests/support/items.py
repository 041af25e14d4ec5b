"""What a reader makes of a file, as plain data to compare. This module imports little."""

from typing import Any

from service.errors import FileRefused, FileTooLarge
from service.formats.limits import Limits
from service.formats.reader import Reader
from service.formats.registry import FORMATS
from service.model import Project, Refusal, SharedObjects
from service.tables import TABLES
from tests.support import own_format
from tests.support.inflating import FirstFile


class CutSource:
    """A source that gives a file in pieces.

    Args:
        data: the file.
        places: where it is cut; any number, in any order.
    """

    def __init__(self, data: bytes, places: list[int]) -> None:
        ends = sorted({place % (len(data) + 1) for place in places} | {len(data)})
        starts = [0, *ends]
        self._pieces = [data[a:b] for a, b in zip(starts, ends, strict=False) if a < b]
        self._pieces.reverse()

    def read(self, _size: int, /) -> bytes:
        """Return the next piece."""
        return self._pieces.pop() if self._pieces else b""


def read_items(
    data: bytes,
    charset: str | None = None,
    places: list[int] | None = None,
    limits: Limits | None = None,
) -> list[Any]:
    """Return everything that comes of a file, as plain data; unexpected exceptions pass through.

    The text of an error is missing, because libxml2's text depends on where the file is cut.
    """
    limits = limits or Limits()
    source = FirstFile(CutSource(data, places or []), limits)
    reader = Reader(source, limits, charset, (own_format.FORMAT, *FORMATS))
    items: list[Any] = []
    try:
        for item in reader:
            if isinstance(item, Project):
                rows = [b"".join(item.rows.blocks(table)) for table in TABLES]
                said = (item.index, item.line, item.external_id, item.name, item.source)
                items.append((said, item.read_at, item.row, rows, item.content_hash, item.shared))
                items.append((item.tasks, item.warnings))
                item.rows.close()
            elif isinstance(item, SharedObjects):
                items.append(tuple(item.objects))
            else:
                assert isinstance(item, Refusal)
                items.append(item)
    except (FileRefused, FileTooLarge) as fault:
        items.append((type(fault).__name__, fault.external_id, fault.name))
    return [*items, reader.format_name, reader.complete, reader.closed, *reader.warnings]
