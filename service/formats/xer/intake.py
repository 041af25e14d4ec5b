"""Reads the lines of an XER file, and stores its rows by project.

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
from service.formats.xer.encoding import decoder_of, encoding_assumed
from service.formats.xer.layout import MAX_COLUMNS, MAX_NAME, Layout, clean_name, create_layout
from service.formats.xer.mapping import TABLES
from service.formats.xer.row_store import RowStore
from service.formats.xer.values import NEWLINE, mark_tabs, replace_forbidden
from service.model import FileWarning, shorten
from service.spool.disk_set import DiskSet

SHARED: Final = b""
"""Key of the rows outside projects."""

PROJECTS: Final = b"\n"
"""Key of the rows of PROJECT, in the order of the file. No cell has a newline."""

NO_TYPE: Final = b"", b""
"""The type of a user-defined field that the file lacks."""

MAX_ROW: Final = 10_000_000
"""Bytes of a row, as libxml2 limits a text."""

MAX_TABLES: Final = 1_000
"""Different tables and lists of columns of a file."""

MAX_FILE_COLUMNS: Final = 20_000
"""Columns of all these tables; P6 has some 3,000."""

MAX_TYPES: Final = 50_000
"""Types of user-defined fields whose values become parts of their records."""

MAX_HOMES: Final = 20_000
"""Rows of projects that rows of other tables follow. Rows that follow others are shared objects."""

_FOLLOWED: Final = frozenset(table.follows[0] for table in TABLES.values() if table.follows)
_NOTED: Final = frozenset({"PROJECT", "PROJWBS", "UDFTYPE", "CURRTYPE", *_FOLLOWED})
"""Tables whose rows say how others are read."""

_LONGEST_FIELDS: Final = len(b"%F") + MAX_COLUMNS * (len(b"\t") + MAX_NAME) + len(b"\r")
"""Bytes of the longest line that names columns."""

_CHUNK: Final = 64 * 1024
_OF_TYPE: Final = ("table_name", "logical_data_type")
"""Columns of UDFTYPE that say how values are read."""

_DAY: Final = 2
_CURRENCY: Final = 8
"""Positions of the day of the export and of the name of the currency in the header."""

_ROW: Final = b"%R\t"
_NEXT_ROW: Final = b"\n" + _ROW
_LONGEST_KEY: Final = 1_000
"""Bytes of the id of a project. That of a row is cut after it, so no project has such rows."""

_END: Final = b"%E"
MARKS: Final = (b"%T", b"%F", b"%R", _END)
_BOM: Final = "\ufeff".encode()
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
        layouts: the tables, by number.
        store: the rows; those of a project under its id, and all others under ``SHARED``.
        homes: the projects of rows that rows of other tables follow, by table and id.
        types: the table of the owners and the data type of each type of user-defined fields, by
            its id.
        marks: decimal and grouping mark of the file's currency.
        day: of the export, as the header has it.
        line: the current line, from 1.
    """

    def __init__(
        self,
        source: ByteSource,
        encoding: str,
        limits: Limits,
        forbidden: frozenset[str],
        give_way: Callable[[], None],
    ) -> None:
        self.layouts: list[Layout] = []
        self.store = RowStore(limits.spool, give_way=give_way)
        self.homes: dict[tuple[str, bytes], bytes] = {}
        self.types: dict[bytes, tuple[bytes, bytes]] = {}
        self.marks = b".", b","
        self.line = 0
        self._source = source
        self._decoder = decoder_of(encoding)
        self._limits = limits
        self._forbidden = forbidden
        self._give_way = give_way
        self._kinds: dict[tuple[bytes, bytes], tuple[bytes, bytes]] = {}
        self._columns = 0
        self._by_fields: dict[tuple[str, bytes], Layout] = {}
        self._table = ""
        self._layout: Layout | None = None
        self._row: bytes | None = None
        self._row_line = 0
        self._more = bytearray()
        self._blank_lines = 0
        self._ids = DiskSet(limits.spool)
        self._ended = False
        self.day = b""
        self._currency = b""
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
        for block in self._blocks():
            self._take_lines(block)
        self._end_row()
        if not self._ended:
            raise FileRefused(
                "the file ends without the line %E, so rows may be missing; export it again, or add"
                " the line if the file is complete",
                line=self.line,
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
        self._ids.close()

    # Lines

    def _blocks(self) -> Iterator[bytes]:
        """Yield whole lines, without the newline after the last one."""
        pieces: list[bytes] = []
        pending = 0
        first = True
        left = self._limits.max_file_bytes
        while True:
            data = self._source.read(_CHUNK)
            left -= len(data)
            if left < 0:
                reason = f"the file is over {self._limits.max_file_bytes} bytes"
                raise FileTooLarge(reason, line=self.line + 1)
            text = self._decoder.decode(data, self.line + 1, final=not data)
            if first and text:
                text, first = text.removeprefix(_BOM), False
            head, newline, tail = text.rpartition(b"\n")
            if newline:
                yield self._clean(b"".join((*pieces, head)))
                pieces, pending = [], 0
            pieces.append(tail)
            pending += len(tail)
            if pending > _LONGEST_FIELDS and b"".join(pieces[:2]).startswith(b"%F"):
                raise _too_many_columns(self.line + 1)
            if pending > MAX_ROW:
                reason = f"a line is over {MAX_ROW} bytes"
                raise FileTooLarge(reason, line=self.line + 1)
            if not data:
                break
        if pending:
            yield self._clean(b"".join(pieces))

    @staticmethod
    def _clean(block: bytes) -> bytes:
        if b"\r" in block:
            block = block.replace(b"\r\n", b"\n").removesuffix(b"\r")
        return replace_forbidden(block)

    def _take_lines(self, block: bytes) -> None:
        rows = block.count(_NEXT_ROW)
        if rows == block.count(b"\n") and block.startswith(_ROW) and self._stores_all:
            self._take_rows(block)
            return
        lines = block.split(b"\n")
        for start in range(0, len(lines), _LINES):
            for line in lines[start : start + _LINES]:
                self.line += 1
                if line.startswith(_ROW):
                    self._end_row()
                    self._row, self._row_line = line[3:], self.line
                elif line:
                    self._take_other(line)
                else:  # part of a text only if more of it follows
                    self._blank_lines += 1
            self._give_way()

    @property
    def _stores_all(self) -> bool:
        """Whether the rows of the current table are stored without a look at other cells."""
        layout = self._layout
        return layout is not None and layout.is_kept and layout.name not in _NOTED

    def _take_rows(self, block: bytes) -> None:
        """Take lines of which each is a row. The last one may continue in the next block."""
        self._end_row()
        layout = self._layout
        assert layout is not None
        columns, number, project_of = len(layout.columns), layout.number, layout.project_of
        note = None if block.isascii() else self._decoder.note
        *rows, last = block[len(_ROW) :].split(_NEXT_ROW)
        for at, row in enumerate(rows, 1):
            if row.count(b"\t") >= columns:
                self._row, self._row_line = row, self.line + at
                self._end_row()
            else:
                if note is not None:
                    note(row)
                self.store.add(project_of(row)[: _LONGEST_KEY + 1], number, self.line + at, row)
            if at % _LINES == 0:
                self._give_way()
        self.line += len(rows) + 1
        self._row, self._row_line = last, self.line

    def _take_other(self, line: bytes) -> None:
        mark, _, rest = line.partition(b"\t")
        if self._ended:
            if line.strip(ENDS):
                reason = "the file has lines after the line %E, which ends it"
                raise FileRefused(reason, line=self.line)
        elif mark not in MARKS:
            self._continue_row(line)
        else:
            self._end_row()
            if mark == b"%T":
                self._table, self._layout = self._name(rest.partition(b"\t")[0]).upper(), None
            elif mark == b"%F":
                self._layout = self._find_layout(rest) if self._table else None
            elif mark == b"%R":
                self._row, self._row_line = b"", self.line
            else:
                self._ended = True

    def _continue_row(self, line: bytes) -> None:
        """Join a line without a mark to the row above."""
        if not self.layouts and line.lstrip().startswith(b"ERMHDR"):
            cells = line.split(b"\t")
            self.day = cells[_DAY] if len(cells) > _DAY else b""
            self._currency = cells[_CURRENCY] if len(cells) > _CURRENCY else b""
        elif self._row is None or self._layout is None:
            if line.strip(ENDS):
                self._count_odd(self.line)
        else:
            breaks = self._blank_lines + 1
            size = len(self._row) + len(self._more) + len(NEWLINE) * breaks + len(line)
            if size > MAX_ROW:
                raise FileTooLarge(f"a row is over {MAX_ROW} bytes", line=self._row_line)
            self._more += NEWLINE * breaks
            self._more += line
            self._blank_lines = 0

    # Rows

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
        if not layout.is_kept:
            self._skipped[layout.name] += 1
            return
        self._decoder.note(row)
        key, number = layout.project_of(row)[: _LONGEST_KEY + 1], layout.number
        if layout.name in _NOTED:
            if layout.name == "PROJECT":
                self._check_project(layout.project_of(row))
                key = PROJECTS
            elif layout.name == "PROJWBS":
                number += layout.value_of("proj_node_flag")(row) == b"Y"
            elif layout.name in _FOLLOWED:
                if key and len(self.homes) < MAX_HOMES:
                    self.homes[layout.name, layout.key_of(row)[:MAX_NAME]] = key
            else:
                self._note(layout, row)
        self.store.add(key, number, self._row_line, row)

    def _check_project(self, project_id: bytes) -> None:
        """Check that the rows of a project can be found by its id.

        Otherwise the project would be imported without them, and replace a stored plan.
        """
        if not project_id:
            reason = "a project has no proj_id, so its rows cannot be found"
        elif len(project_id) > _LONGEST_KEY:
            reason = f"the proj_id of a project is longer than {_LONGEST_KEY} bytes"
        elif self._ids.add(project_id, 0) is not None:
            shown = shorten(project_id.decode("latin-1"))
            reason = f"two projects have the proj_id {shown}, so their rows cannot be told apart"
        else:
            return
        raise FileRefused(f"{reason}; export the projects again", line=self._row_line)

    def _note(self, layout: Layout, row: bytes) -> None:
        """Note the marks of the currency, or a type of user-defined fields."""
        cells = layout.cells(row)
        if layout.name == "UDFTYPE":
            if len(self.types) < MAX_TYPES:
                table, data_type = (cells.get(each, b"")[:MAX_NAME] for each in _OF_TYPE)
                kind = self._kinds.setdefault((table, data_type), (table, data_type))
                self.types.setdefault(layout.key_of(row)[:MAX_NAME], kind)
        elif self._currency and cells.get("curr_short_name") == self._currency:
            self._currency = b""
            self.marks = cells.get("decimal_symbol", b"."), cells.get("digit_group_symbol", b"")

    def _count_odd(self, line: int) -> None:
        self._odd += 1
        self._first_odd = self._first_odd or line

    # Tables

    def _name(self, name: bytes, at: int = 0) -> str:
        if len(name) > MAX_NAME:
            reason = f"the name of a table or column is longer than {MAX_NAME} characters"
            raise FileTooLarge(reason, line=self.line)
        return clean_name(name, at)

    def _find_layout(self, fields: bytes) -> Layout:
        """Return the layout of a line ``%F``. Tables that occur again mostly have the same."""
        layout = self._by_fields.get((self._table, fields))
        if layout is None:
            if fields.count(b"\t") >= MAX_COLUMNS:
                raise _too_many_columns(self.line)
            self._columns += fields.count(b"\t") + 1
            if len(self.layouts) >= MAX_TABLES or self._columns > MAX_FILE_COLUMNS:
                reason = (
                    f"the file has more than {MAX_TABLES} different tables, or "
                    f"{MAX_FILE_COLUMNS} columns in them"
                )
                raise FileTooLarge(reason, line=self.line)
            columns = [self._name(each, at) for at, each in enumerate(fields.split(b"\t"), 1)]
            layout = create_layout(
                len(self.layouts), self._table, [each.lower() for each in columns], self._forbidden
            )
            self._by_fields[self._table, fields] = layout
            self.layouts.append(layout)
            if layout.name == "PROJWBS":
                self.layouts.append(layout.of_root())
        return layout


def _too_many_columns(line: int) -> FileTooLarge:
    return FileTooLarge(f"a table has more than {MAX_COLUMNS} columns", line=line)
