"""Stores the rows of an XER file by key, because the tables of a project are spread over the file.

Few rows stay in memory. Many go to one working file as blocks, and each block names the previous
one of its key. So a key takes some 20 bytes of memory, and a row none.
"""

from array import array
from collections.abc import Callable, Iterator
from itertools import repeat
from os import SEEK_END
from struct import Struct
from typing import Final

from service.formats.limits import MIB
from service.spool.disk_set import DiskSet
from service.spool.spool import SpoolFile, SpoolShare, TooLarge

Row = tuple[int, int, bytes]
"""Number of the table, line, and text of a row."""

Rows = list[Row]
"""Rows of one key and one table, in the order of adding."""

MAX_KEYS: Final = 2_000_000
"""Keys in the file of a store, which take some 20 bytes of memory each. A file of a gigabyte has
fewer activities."""

_BLOCK_ROWS: Final = 1024
"""Rows of a block at most, since a block is read at once."""

_WRITE_BYTES: Final = 256 * 1024
"""Bytes of blocks that are written at once, at least."""

_WRITE_KEYS: Final = 500
"""Keys whose rows are written between two calls of ``give_way``."""

_HEAD: Final = Struct("<QIIQ")
"""Before each block: offset of the key's previous block or 0, table, rows, bytes of the rows. The
lines follow, 8 bytes each, and then the rows with newlines between them."""

_ROW_MEMORY: Final = 150
_KEY_MEMORY: Final = 250
"""Memory of a row beside its text, and of a key beside its rows."""


class RowStore:
    """Rows by key, in memory while they are few and then in a working file.

    Args:
        spool: share of the spool that the working files belong to.
        memory: bytes of rows in memory; past them all rows go to the file.
        give_way: called between steps; as ``FileContext.give_way``.

    Attributes:
        rows_left: number of rows that were not taken.

    Raises:
        TooLarge: from ``add``, when the import's share of the spool is used up.
        OSError: from every method, when the disk fails or is full.
    """

    def __init__(
        self,
        spool: SpoolShare,
        memory: int = 4 * MIB,
        give_way: Callable[[], None] = lambda: None,
    ) -> None:
        self.rows_left = 0
        self._spool = spool
        self._memory = memory
        self._give_way = give_way
        self._rows: dict[bytes, Rows] = {}
        self._in_memory = 0
        self._numbers: DiskSet | None = None
        self._last = array("Q")
        self._file: SpoolFile | None = None

    def add(self, key: bytes, table: int, line: int, row: bytes) -> None:
        """Add a row.

        Args:
            key: at most 65,535 bytes.
            table: a number from 0 to 2**32 - 1.
            line: of the row in the file.
            row: text of the row, without a newline.
        """
        rows = self._rows.get(key)
        if rows is None:
            rows = self._rows[key] = []
            self._in_memory += _KEY_MEMORY + len(key)
        rows.append((table, line, row))
        self.rows_left += 1
        self._in_memory += _ROW_MEMORY + len(row)
        if self._in_memory > self._memory:
            self._write()

    def take(self, key: bytes, order: Callable[[int], int] = lambda table: table) -> Iterator[Rows]:
        """Remove and return the rows of a key, some at a time, and table by table.

        Args:
            key: of the rows; a key without rows is no error.
            order: returns the rank of a table. Tables of lower rank come first, and those of the
                same rank by their numbers.
        """
        offset = self._take_offset(key)
        rows = self._rows.pop(key, None)
        if rows is not None:
            self._in_memory -= _KEY_MEMORY + len(key) + _ROW_MEMORY * len(rows)
            self._in_memory -= sum([len(row) for _, _, row in rows])
        elif not offset:
            return iter(())
        return self._join(offset, _by_table(rows or []), order)

    def _join(
        self, offset: int, recent: dict[int, Rows], order: Callable[[int], int]
    ) -> Iterator[Rows]:
        """Yield the rows of a key: those in the file from its last block on, and recent ones."""
        stored: dict[int, array[int]] = {}
        while offset:
            previous, table, _, _ = self._read_head(offset)
            stored.setdefault(table, array("Q")).append(offset)
            offset = previous
        for table in sorted(stored.keys() | recent.keys(), key=lambda table: (order(table), table)):
            for offset in reversed(stored.get(table, ())):
                yield self._taken(self._read_block(offset))
            if table in recent:
                yield self._taken(recent.pop(table))

    def rest(self) -> Iterator[Rows]:
        """Remove and return the rows that ``take`` has not."""
        for number, offset in enumerate(self._last):
            offsets = array("Q")
            while offset:
                offsets.append(offset)
                offset = self._read_head(offset)[0]
            self._last[number] = 0
            for at in reversed(offsets):
                yield self._taken(self._read_block(at))
        recent, self._rows, self._in_memory = self._rows, {}, 0
        for rows in recent.values():
            for of_table in _by_table(rows).values():
                yield self._taken(of_table)

    def close(self) -> None:
        """Free memory and disk space. The store is empty then, and can be used again."""
        self._rows.clear()
        self._in_memory = self.rows_left = 0
        self._last = array("Q")
        if self._numbers is not None:
            self._numbers.close()
            self._numbers = None
        if self._file is not None:
            self._file.close()
            self._file = None

    def _taken(self, rows: Rows) -> Rows:
        self._give_way()
        self.rows_left -= len(rows)
        return rows

    def _write(self) -> None:
        """Move the rows in memory to the file."""
        if self._numbers is None or self._file is None:
            self._numbers = DiskSet(self._spool)
            self._file = self._spool.new_file()
            self._file.write(b"\0")  # no block has the offset 0, which means none
        end = self._file.seek(0, SEEK_END)
        pending = bytearray()
        for count, (key, in_memory) in enumerate(self._rows.items()):
            if count % _WRITE_KEYS == 0:
                self._give_way()
            number = self._numbers.add(key, len(self._last))
            if number is None:
                number = len(self._last)
                if number == MAX_KEYS:
                    raise TooLarge(f"its rows belong to more than {MAX_KEYS} projects or records")
                self._last.append(0)
            for rows in _by_table(in_memory).values():
                for start in range(0, len(rows), _BLOCK_ROWS):
                    offset = end + len(pending)
                    pending += _encode(rows[start : start + _BLOCK_ROWS], self._last[number])
                    self._last[number] = offset
                    if len(pending) > _WRITE_BYTES:
                        self._file.write(pending)
                        end += len(pending)
                        pending.clear()
                        self._give_way()
        self._file.write(pending)
        self._rows.clear()
        self._in_memory = 0

    def _take_offset(self, key: bytes) -> int:
        """Return and forget the offset of the last block of a key in the file; 0 if it has none."""
        number = None if self._numbers is None else self._numbers.get(key)
        if number is None:
            return 0
        offset, self._last[number] = self._last[number], 0
        return offset

    def _read_head(self, offset: int) -> tuple[int, int, int, int]:
        assert self._file is not None
        self._file.seek(offset)
        previous, table, rows, size = _HEAD.unpack(self._file.read(_HEAD.size))
        return previous, table, rows, size

    def _read_block(self, offset: int) -> Rows:
        _, table, rows, size = self._read_head(offset)
        assert self._file is not None
        lines = array("Q", self._file.read(8 * rows))
        return [*zip(repeat(table), lines, self._file.read(size).split(b"\n"), strict=False)]


def _by_table(rows: Rows) -> dict[int, Rows]:
    tables: dict[int, Rows] = {}
    for row in rows:
        if row[0] in tables:
            tables[row[0]].append(row)
        else:
            tables[row[0]] = [row]
    return tables


def _encode(rows: Rows, previous: int) -> bytes:
    text = b"\n".join([row for _, _, row in rows])
    lines = array("Q", [line for _, line, _ in rows])
    head = _HEAD.pack(previous, rows[0][0], len(rows), len(text))
    return b"".join((head, lines.tobytes(), text))
