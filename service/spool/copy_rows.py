"""The rows of one project as COPY text, in memory up to a limit and then in a working file."""

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from service.spool.spool import SpoolFile, SpoolShare
from service.tables import TABLES, Table

_NONE = dict.fromkeys(TABLES, 0)
_ESCAPED = re.compile(r"[\\\t\n\r]")
_ESCAPES = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})

SPILL_STEP = 256 * 1024
"""Bytes of rows for each write, once a project's rows go to disk."""


class CopyRows:
    """The rows of one project, by table.

    Args:
        spill_after: bytes kept in memory; past them the rows go to a working file.
        spool: share of the spool that the working file belongs to.

    Attributes:
        size: bytes of all rows.

    Raises:
        TooLarge: from ``add`` and ``add_block``, when the import's share of the spool is used up.
        OSError: from every method, when the disk fails or is full.
    """

    def __init__(self, spill_after: int, spool: SpoolShare) -> None:
        self.size = 0
        self._counts = _NONE.copy()
        self._lines: dict[Table, list[bytes]] = {}
        self._in_memory = 0
        self._spill_after = spill_after
        self._spool = spool
        self._file: SpoolFile | None = None
        self._extents: dict[Table, list[tuple[int, int]]] = {}

    @property
    def spilled(self) -> bool:
        """Whether rows are on disk."""
        return self._file is not None

    def count(self, table: Table) -> int:
        """Return the number of rows of a table, which is the ordinal of its next row."""
        return self._counts[table]

    def add(self, table: Table, line: bytes) -> None:
        """Add one row.

        Args:
            line: COPY text of the table's columns after the ordinal, without a newline.
        """
        self.add_block(table, 1, b"%d\t%b\n" % (self._counts[table], line))

    def add_block(self, table: Table, rows: int, block: bytes) -> None:
        """Add several rows at once.

        Args:
            rows: number of rows in the block.
            block: COPY text with the ordinals; each row ends with a newline.
        """
        self._counts[table] += rows
        if (lines := self._lines.get(table)) is None:
            self._lines[table] = [block]
        else:
            lines.append(block)
        self.size += len(block)
        self._in_memory += len(block)
        if self._in_memory > self._spill_after:
            self._spill()

    def _spill(self) -> None:
        if self._file is None:
            self._file = self._spool.new_file()
            self._spill_after = min(self._spill_after, SPILL_STEP)
        for table, lines in self._lines.items():
            if lines:
                block = b"".join(lines)
                self._extents.setdefault(table, []).append((self._file.tell(), len(block)))
                self._file.write(block)
                lines.clear()
        self._in_memory = 0

    def blocks(self, table: Table) -> Iterator[bytes]:
        """Yield the rows of a table in order, in blocks that end at the end of a row."""
        if self._file is not None:
            yield from _read(self._file, self._extents.get(table, []))
            self._file.seek(0, os.SEEK_END)
        if lines := self._lines.get(table):
            yield b"".join(lines)

    def move_to(self, file: SpoolFile) -> "StoredRows":
        """Move the rows to the end of a file that many projects share, and close this object."""
        extents: dict[Table, list[tuple[int, int]]] = {}
        for table in TABLES:
            if self._counts[table]:
                extents[table] = []
                for block in self.blocks(table):
                    extents[table].append((file.tell(), len(block)))
                    file.write(block)
        stored = StoredRows(self.size, dict(self._counts), extents)
        self.close()
        return stored

    def park(self, file: SpoolFile) -> "CopyRows | StoredRows":
        """Move rows in memory to the end of a file that many projects share.

        Returns:
            The rows in the file, or this object if it has a working file already.
        """
        if self.spilled:
            return self
        stored = self.move_to(file)
        stored.file = file
        return stored

    def close(self) -> None:
        """Free memory and disk space."""
        self._lines.clear()
        if self._file is not None:
            self._file.close()
            self._file = None


@dataclass(slots=True)
class StoredRows:
    """The rows of one project in a file that many projects share.

    It is read like ``CopyRows``, once the reader has set ``file``. Closing it does not free the
    file, because another object owns the file.
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

    def park(self, _file: SpoolFile) -> "StoredRows":
        """Return this object: the rows are in a file already."""
        return self

    def load(self, rows: CopyRows) -> None:
        """Add the rows to an empty object, which then has them for itself."""
        for table, number in self.counts.items():
            for block in self.blocks(table):
                rows.add_block(table, number, block)
                number = 0

    def close(self) -> None:
        """Do nothing: the owner of the file closes it."""


def _read(file: SpoolFile, extents: Iterable[tuple[int, int]]) -> Iterator[bytes]:
    for offset, length in extents:
        file.seek(offset)
        yield file.read(length)


def prefix_rows(block: bytes, key: bytes) -> bytes:
    """Put the key columns before every row of a block.

    A raw newline in COPY text always ends a row, because newlines inside values are escaped. So the
    block need not be split into rows.

    Args:
        block: COPY text of whole rows.
        key: COPY text of the key columns, with a tab at the end.
    """
    return b"".join((key, block[:-1].replace(b"\n", b"\n" + key), b"\n"))


def escape(raw: bytes) -> bytes:
    """Return UTF-8 text as COPY text."""
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
    """Return one row of COPY text, without a newline."""
    return "\t".join([copy_field(value) for value in values]).encode()


def copy_field(value: str | int | None) -> str:
    """Return a value as COPY text."""
    if value is None:
        return "\\N"
    text = str(value)
    return text.translate(_ESCAPES) if _ESCAPED.search(text) else text
