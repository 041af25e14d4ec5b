"""Rows of one project as COPY text, in memory while they are few, in an unlinked file beyond."""

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from service.spool.spool import SpoolFile, SpoolShare
from service.tables import TABLES, Table

SPILL_STEP = 256 * 1024
"""Once rows go to disk, they go in writes of about this many bytes a table."""


class CopyRows:
    """The rows of one project's children.

    Args:
        spill_after: bytes kept in memory before rows go to an unlinked file.
        spool: where that file is made.

    Raises:
        TooLarge: from ``add``, where the import's share of the spool is used up.
        OSError: from ``add`` and ``blocks``, where the disk fails; from ``add``, where it is full.
    """

    def __init__(self, spill_after: int, spool: SpoolShare) -> None:
        self.size = 0
        self._counts = dict.fromkeys(TABLES, 0)
        self._lines: defaultdict[Table, list[bytes]] = defaultdict(list)
        self._held = 0
        self._spill_after = spill_after
        self._spool = spool
        self._file: SpoolFile | None = None
        self._extents: defaultdict[Table, list[tuple[int, int]]] = defaultdict(list)

    @property
    def spilled(self) -> bool:
        """Whether they hold disk."""
        return self._file is not None

    def count(self, table: Table) -> int:
        """How many rows the table has so far; the next row's ordinal."""
        return self._counts[table]

    def add(self, table: Table, line: bytes) -> None:
        """Add one row: COPY text of ``COLUMNS[table]`` behind the ordinal, without a newline."""
        self.extend(table, 1, b"%d\t%b\n" % (self._counts[table], line))

    def extend(self, table: Table, rows: int, block: bytes) -> None:
        """Add so many rows with their ordinals; a newline ends each."""
        self._counts[table] += rows
        self._lines[table].append(block)
        self.size += len(block)
        self._held += len(block)
        if self._held > self._spill_after:
            self._spill()

    def _spill(self) -> None:
        if self._file is None:
            self._file = self._spool.new_file()
            self._spill_after = min(self._spill_after, SPILL_STEP)
        for table, lines in self._lines.items():
            if lines:
                block = b"".join(lines)
                self._extents[table].append((self._file.tell(), len(block)))
                self._file.write(block)
                lines.clear()
        self._held = 0

    def blocks(self, table: Table) -> Iterator[bytes]:
        """The table's rows in order, in blocks that end with a whole row."""
        if self._file is not None:
            yield from _read(self._file, self._extents[table])
            self._file.seek(0, os.SEEK_END)
        if lines := self._lines.get(table):
            yield b"".join(lines)

    def move(self, file: SpoolFile) -> "StoredRows":
        """Move them to the end of a file that many projects share, and give back what they held."""
        extents: dict[Table, list[tuple[int, int]]] = {}
        for table in TABLES:
            if self._counts[table]:
                extents[table] = []
                for block in self.blocks(table):
                    extents[table].append((file.tell(), len(block)))
                    file.write(block)
        kept = StoredRows(self.size, dict(self._counts), extents)
        self.close()
        return kept

    def clear(self, table: Table) -> None:
        """Forget the table's rows (space in a spill file is given back with the file)."""
        self.size -= sum(map(len, self._lines[table])) + sum(n for _, n in self._extents[table])
        self._held -= sum(map(len, self._lines[table]))
        self._lines[table].clear()
        self._extents[table].clear()
        self._counts[table] = 0

    def close(self) -> None:
        """Give back memory and disk."""
        self._lines.clear()
        if self._file is not None:
            self._file.close()
            self._file = None


@dataclass(slots=True)
class StoredRows:
    """The rows of one project in a file that it shares with others; what reads it sets ``file``.

    As ``CopyRows``, but that no row can be added; closing it gives back nothing.
    """

    size: int
    counts: dict[Table, int]
    extents: dict[Table, list[tuple[int, int]]]
    file: SpoolFile | None = None
    spilled: bool = False

    def count(self, table: Table) -> int:
        return self.counts[table]

    def blocks(self, table: Table) -> Iterator[bytes]:
        assert self.file is not None
        yield from _read(self.file, self.extents.get(table, []))

    def close(self) -> None:
        """Nothing to give back: the file is its owner's."""


def _read(file: SpoolFile, extents: Iterable[tuple[int, int]]) -> Iterator[bytes]:
    for offset, length in extents:
        file.seek(offset)
        yield file.read(length)


def prefix_rows(block: bytes, key: bytes) -> bytes:
    """Put ``key`` (COPY text that ends with a tab) before every row of a block.

    A raw newline in COPY text ends a row, as those inside values are escaped, so that this needs no
    walk over the rows.
    """
    return key + block[:-1].replace(b"\n", b"\n" + key) + b"\n"


def escape(raw: bytes) -> bytes:
    """Write UTF-8 as COPY text."""
    if b"\\" in raw:
        raw = raw.replace(b"\\", b"\\\\")
    if b"\n" in raw:
        raw = raw.replace(b"\n", b"\\n")
    if b"\t" in raw:
        raw = raw.replace(b"\t", b"\\t")
    if b"\r" in raw:
        raw = raw.replace(b"\r", b"\\r")
    return raw


def copy_line(values: Iterable[str | int | None]) -> bytes:
    """One row of COPY text, without a newline."""
    return b"\t".join([_field(value) for value in values])


def _field(value: str | int | None) -> bytes:
    if value is None:
        return b"\\N"
    return b"%d" % value if isinstance(value, int) else escape(value.encode())
