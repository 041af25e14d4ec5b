"""Stores the rows of an XER file by key, because the tables of a project are spread over the file.

Few rows stay in memory. Many go to one working file as blocks, and each block names the previous
one of its key. So a key takes some 20 bytes of memory, and a row none.
"""

from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import repeat
from os import SEEK_END
from struct import Struct
from typing import Final

from service.formats.limits import MIB
from service.spool.disk_set import DiskSet
from service.spool.spool import SpoolFile, SpoolShare

Row = tuple[int, int, bytes]
"""Number of the table, line, and text of a row."""

_BLOCK_ROWS: Final = 1024
"""Rows of a block at most, since ``take`` reads a block at a time."""

_WRITE_BYTES: Final = 256 * 1024
"""Bytes of blocks that are written at once, at least."""

_HEAD: Final = Struct("<QIIQ")
"""Before each block: offset of the key's previous block or 0, table, rows, bytes of the rows. The
lines follow, 8 bytes each, and then the rows with newlines between them."""

_ROW_MEMORY: Final = 64
_BLOCK_MEMORY: Final = 300
_KEY_MEMORY: Final = 300
"""Memory of a row beside its text, of a block beside its rows, of a key beside its blocks."""


@dataclass(slots=True)
class _Block:
    """Rows of one key and one table, in the order of adding."""

    table: int
    lines: "array[int]" = field(default_factory=lambda: array("Q"))
    rows: list[bytes] = field(default_factory=list)

    @property
    def memory(self) -> int:
        return _BLOCK_MEMORY + sum(map(len, self.rows)) + _ROW_MEMORY * len(self.rows)


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
        OSError: from ``add`` and ``take``, when the disk fails or is full.
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
        self._blocks: dict[bytes, dict[int, _Block]] = {}
        self._in_memory = 0
        self._key: bytes | None = None
        self._block = _Block(-1)
        self._numbers: DiskSet | None = None
        self._last = array("Q")
        self._file: SpoolFile | None = None

    def __contains__(self, key: bytes) -> bool:
        """Whether ``take`` would return rows of the key."""
        return key in self._blocks or self._last_offset(key) != 0

    def add(self, key: bytes, table: int, line: int, row: bytes) -> None:
        """Add a row.

        It is fast if the row before has the same key and table.

        Args:
            key: at most 65,535 bytes.
            table: a number from 0 to 2**32 - 1.
            line: of the row in the file.
            row: text of the row, without a newline.
        """
        block = self._block
        if key != self._key or table != block.table:
            block = self._select(key, table)
        block.lines.append(line)
        block.rows.append(row)
        self.rows_left += 1
        self._in_memory += len(row) + _ROW_MEMORY
        if self._in_memory > self._memory:
            self._write()

    def take(self, key: bytes, order: Callable[[int], int] = lambda table: table) -> Iterator[Row]:
        """Remove and return the rows of a key, table by table, those of a table in their order.

        Args:
            key: of the rows; a key without rows is no error.
            order: returns the rank of a table. Tables of lower rank come first, and those of the
                same rank by their numbers.
        """
        if key == self._key:
            self._key = None
        stored: dict[int, array[int]] = {}
        offset = self._last_offset(key, remove=True)
        while offset:
            previous, table, _, _ = self._read_head(offset)
            stored.setdefault(table, array("Q")).append(offset)
            offset = previous
        recent = self._blocks.pop(key, None)
        if recent is None:
            recent = {}
        else:
            self._in_memory -= _KEY_MEMORY + len(key)
            self._in_memory -= sum(block.memory for block in recent.values())
        for table in sorted(stored.keys() | recent.keys(), key=lambda table: (order(table), table)):
            for offset in reversed(stored.get(table, ())):
                yield from self._rows(self._read_block(offset))
            if table in recent:
                yield from self._rows(recent.pop(table))

    def rest(self) -> Iterator[Row]:
        """Remove and return the rows that ``take`` has not."""
        for number, offset in enumerate(self._last):
            offsets = array("Q")
            while offset:
                offsets.append(offset)
                offset = self._read_head(offset)[0]
            self._last[number] = 0
            for at in reversed(offsets):
                yield from self._rows(self._read_block(at))
        self._key = None
        while self._blocks:
            for block in self._blocks.pop(next(iter(self._blocks))).values():
                self._in_memory -= block.memory
                yield from self._rows(block)

    def close(self) -> None:
        """Free memory and disk space."""
        self._key = None
        self._blocks.clear()
        self._in_memory = 0
        if self._numbers is not None:
            self._numbers.close()
            self._numbers = None
        if self._file is not None:
            self._file.close()
            self._file = None

    def _select(self, key: bytes, table: int) -> _Block:
        """Return the block for a row, and remember it, because the next row is often like it."""
        blocks = self._blocks.get(key)
        if blocks is None:
            blocks = self._blocks[key] = {}
            self._in_memory += _KEY_MEMORY + len(key)
        block = blocks.get(table)
        if block is None:
            block = blocks[table] = _Block(table)
            self._in_memory += _BLOCK_MEMORY
        self._key, self._block = key, block
        return block

    def _rows(self, block: _Block) -> Iterator[Row]:
        self._give_way()
        self.rows_left -= len(block.rows)
        return zip(repeat(block.table), block.lines, block.rows)

    def _write(self) -> None:
        """Move the rows in memory to the file."""
        if self._numbers is None or self._file is None:
            self._numbers = DiskSet(self._spool)
            self._file = self._spool.new_file()
            self._file.write(b"\0")  # no block has the offset 0, which means none
        end = self._file.seek(0, SEEK_END)
        pending = bytearray()
        for key, blocks in self._blocks.items():
            number = self._numbers.add(key, len(self._last))
            if number is None:
                number = len(self._last)
                self._last.append(0)
            for block in blocks.values():
                for start in range(0, len(block.rows), _BLOCK_ROWS):
                    offset = end + len(pending)
                    pending += _encode(block, start, self._last[number])
                    self._last[number] = offset
                    if len(pending) > _WRITE_BYTES:
                        self._file.write(pending)
                        end += len(pending)
                        pending.clear()
                        self._give_way()
        self._file.write(pending)
        self._key = None
        self._blocks.clear()
        self._in_memory = 0

    def _last_offset(self, key: bytes, *, remove: bool = False) -> int:
        """Return the offset of the last block of a key in the file, or 0."""
        number = None if self._numbers is None else self._numbers.get(key)
        if number is None:
            return 0
        offset = self._last[number]
        if remove:
            self._last[number] = 0
        return offset

    def _read_head(self, offset: int) -> tuple[int, int, int, int]:
        assert self._file is not None
        self._file.seek(offset)
        previous, table, rows, size = _HEAD.unpack(self._file.read(_HEAD.size))
        return previous, table, rows, size

    def _read_block(self, offset: int) -> _Block:
        _, table, rows, size = self._read_head(offset)
        assert self._file is not None
        lines = array("Q", self._file.read(8 * rows))
        return _Block(table, lines, self._file.read(size).split(b"\n"))


def _encode(block: _Block, start: int, previous: int) -> bytes:
    lines = block.lines[start : start + _BLOCK_ROWS]
    rows = b"\n".join(block.rows[start : start + _BLOCK_ROWS])
    head = _HEAD.pack(previous, block.table, len(lines), len(rows))
    return b"".join((head, lines.tobytes(), rows))
