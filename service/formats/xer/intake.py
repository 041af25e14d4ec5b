"""Takes the lines of an XER file, and stores its rows by project.

    ERMHDR  header: version, date, ..., name of the currency
    %T      name of a table
    %F      names of its columns
    %R      a row
    %E      end of the file

A line has cells with tabs between them. P6 replaces the line breaks of texts, but other programs
write them: a line without a mark continues the row above.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Final

from service.codes import WarningCode
from service.errors import FileRefused, FileTooLarge
from service.formats.encoding import ByteSource
from service.formats.limits import Limits
from service.formats.xer.encoding import MARK, decoder_of, encoding_assumed
from service.formats.xer.layout import MAX_KEY, Layout, Layouts, read_name
from service.formats.xer.lines import MAX_ROW, LineBlocks
from service.formats.xer.noted_rows import NOTED, NotedRows
from service.formats.xer.row_store import RowStore
from service.formats.xer.values import NEWLINE, mark_tabs
from service.model import FileWarning

SHARED: Final = b""
"""Key of the rows outside projects."""

PROJECTS: Final = b"\n"
"""Key of the rows of PROJECT, in the order of the file. No cell has a newline."""

_PROJECT: Final = "PROJECT"
_WBS: Final = "PROJWBS"
_EXAMINED: Final = NOTED | {_WBS}
"""Tables of which more cells are read than the project."""

_DAY: Final = 2
_CURRENCY: Final = 8
"""Positions of the day of the export and of the name of the currency in the header."""

_ROW: Final = b"%R\t"
_NEXT_ROW: Final = b"\n" + _ROW
_END: Final = b"%E"
MARKS: Final = (b"%T", b"%F", b"%R", _END)
ENDS: Final = b"\0\x1a \t\r" + "\ufffd".encode()
"""What programs leave after the last line. The reader has replaced NUL and Ctrl-Z by U+FFFD."""

_LINES: Final = 1_000
"""Lines between two calls of ``give_way``."""


class XerIntake:
    """The rows of one file.

    Args:
        source: of the file.
        encoding: of the file; empty if it is not known.
        limits: bounds of the file.
        forbidden: names that elements of unknown tables cannot have.
        give_way: as ``FileContext.give_way``.

    Attributes:
        layouts: the tables.
        store: the rows; those of a project under its id, and all others under ``SHARED``.
        noted: what some rows say about others.
        day: of the export, as the header has it.
    """

    def __init__(
        self,
        source: ByteSource,
        encoding: str,
        limits: Limits,
        forbidden: frozenset[str],
        give_way: Callable[[], None],
    ) -> None:
        self.layouts = Layouts(forbidden)
        self.store = RowStore(limits.spool, give_way=give_way)
        self.noted = NotedRows(limits.spool)
        self.day = b""
        self._decoder = decoder_of(encoding)
        self._blocks = LineBlocks(source, self._decoder, limits.max_file_bytes)
        self._give_way = give_way
        self._line = 0  # the current one
        self._ended = False
        self._table = ""
        self._layout: Layout | None = None
        self._row: bytes | None = None
        self._row_line = 0
        self._more = bytearray()  # lines that continue the row
        self._blank_lines = 0
        self._skipped: Counter[str] = Counter()
        self._odd = 0
        self._first_odd = 0
        self.to_utf8 = self._decoder.to_utf8

    def read(self) -> None:
        """Read the file to its end.

        Raises:
            FileRefused: it has no end, or lines after it, or is not in its encoding, or its
                projects cannot be told apart.
            FileTooLarge: it exceeds a limit.
            TooLarge: the import's share of the spool is used up.
            OSError: the disk of the spool fails or is full.
        """
        for block in self._blocks:
            if self._stores_all and _has_rows_only(block):
                self._take_rows(block)
            else:
                self._take_lines(block)
        self._end_row()
        if not self._ended:
            raise FileRefused(
                "the file ends without the line %E, so rows may be missing; export it again, or add"
                " the line if the file is complete",
                line=self._line,
            )

    @property
    def assumed(self) -> bool:
        """Whether the rows are in an assumed encoding; see ``to_utf8``."""
        return self._decoder.assumed

    def warnings(self) -> Iterator[FileWarning]:
        """Yield the warnings about rows that are not stored, or not as they are."""
        if self._decoder.assumed:
            yield encoding_assumed()
        if self._odd:
            yield FileWarning(
                WarningCode.ROWS_IRREGULAR,
                "Rows have more cells than their table has columns, or lines belong to no row; the "
                f"first one is line {self._first_odd}",
                self._odd,
            )
        if self._skipped:
            names = ", ".join(sorted(self._skipped)[:10])
            yield FileWarning(
                WarningCode.TABLES_SKIPPED,
                f"Rows of tables that are no part of a plan are not imported: {names}",
                self._skipped.total(),
            )

    def close(self) -> None:
        """Free memory and disk."""
        self.store.close()
        self.noted.close()

    # Lines

    def _take_lines(self, block: bytes) -> None:
        lines = block.split(b"\n")
        for start in range(0, len(lines), _LINES):
            for line in lines[start : start + _LINES]:
                self._line += 1
                if line.startswith(_ROW) and not self._ended:
                    self._begin_row(line[len(_ROW) :])
                elif line:
                    self._take_other(line)
                else:  # part of a text only if more of it follows
                    self._blank_lines += 1
            self._give_way()

    @property
    def _stores_all(self) -> bool:
        """Whether the rows of the current table are stored by their project alone."""
        layout = self._layout
        return layout is not None and layout.is_kept and layout.name not in _EXAMINED

    def _take_rows(self, block: bytes) -> None:
        """Take lines of which each is a row. The last one may continue in the next block."""
        self._end_row()
        layout = self._layout
        assert layout is not None
        columns, number, project_of = len(layout.columns), layout.number, layout.project_of
        note = None if block.isascii() else self._decoder.note
        *rows, last = block[len(_ROW) :].split(_NEXT_ROW)
        for at, row in enumerate(rows, self._line + 1):
            if row.count(b"\t") >= columns:
                self._row, self._row_line = row, at
                self._end_row()
            else:
                if note is not None:
                    note(row)
                self.store.add(project_of(row)[: MAX_KEY + 1], number, at, row)
            if at % _LINES == 0:
                self._give_way()
        self._line += len(rows) + 1
        self._row, self._row_line = last, self._line

    def _take_other(self, line: bytes) -> None:
        mark, _, rest = line.partition(b"\t")
        if self._ended:
            if line.strip(ENDS):
                reason = "the file has lines after the line %E, which ends it"
                raise FileRefused(reason, line=self._line)
        elif mark not in MARKS:
            self._take_unmarked(line)
        elif mark == b"%R":
            self._begin_row(b"")
        else:
            self._end_row()
            self._layout = None
            if mark == b"%T":
                name = rest.partition(b"\t")[0]
                self._table = read_name(name, self._line).upper()
            elif mark == _END:
                self._ended = True
            elif self._table:
                self._layout = self.layouts.find(self._table, rest, self._line)

    def _take_unmarked(self, line: bytes) -> None:
        """Take the header, or join a line to the row above."""
        if not self.layouts and line.lstrip().startswith(MARK):
            cells = line.split(b"\t")
            self.day = cells[_DAY] if len(cells) > _DAY else b""
            self.noted.currency = cells[_CURRENCY] if len(cells) > _CURRENCY else b""
        elif self._row is None or self._layout is None:
            if line.strip(ENDS):
                self._count_odd(self._line)
        else:
            breaks = self._blank_lines + 1
            size = len(self._row) + len(self._more) + len(NEWLINE) * breaks + len(line)
            if size > MAX_ROW:
                raise FileTooLarge(f"a row is over {MAX_ROW} bytes", line=self._row_line)
            self._more += NEWLINE * breaks
            self._more += line
            self._blank_lines = 0

    # Rows

    def _begin_row(self, row: bytes) -> None:
        self._end_row()
        self._row, self._row_line = row, self._line

    def _end_row(self) -> None:
        """Store the row that no further line continues."""
        row, layout = self._row, self._layout
        self._blank_lines = 0
        if row is None:
            return
        self._row = None
        if self._more:
            row += self._more
            self._more = bytearray()
        if layout is None:
            self._count_odd(self._row_line)
            return
        if row.count(b"\t") >= len(layout.columns):
            row = mark_tabs(row, len(layout.columns)).rstrip(b"\t")
            if row.count(b"\t") >= len(layout.columns):
                self._count_odd(self._row_line)
        if layout.is_kept:
            self._decoder.note(row)
            self._store(layout, row)
        else:
            self._skipped[layout.name] += 1

    def _store(self, layout: Layout, row: bytes) -> None:
        key, number = layout.project_of(row)[: MAX_KEY + 1], layout.number
        if layout.name in NOTED:
            self.noted.note(layout, self._row_line, row)
        if layout.name == _PROJECT:
            key = PROJECTS
        elif layout.name == _WBS:
            number += layout.value_of("proj_node_flag")(row) == b"Y"
        self.store.add(key, number, self._row_line, row)

    def _count_odd(self, line: int) -> None:
        self._odd += 1
        self._first_odd = self._first_odd or line


def _has_rows_only(block: bytes) -> bool:
    return block.startswith(_ROW) and block.count(_NEXT_ROW) == block.count(b"\n")
