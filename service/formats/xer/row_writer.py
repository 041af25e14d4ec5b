"""Writes rows of an XER file as elements, by the mapping of their table."""

from collections.abc import Iterable, Iterator
from typing import Any, Final, TypeGuard

from service.formats.engine.interface import ElementWriter, Node
from service.formats.xer.intake import XerIntake
from service.formats.xer.layout import Layout
from service.formats.xer.mapping import TABLES
from service.formats.xer.noted_rows import NO_TYPE
from service.formats.xer.rates import CurrentRates
from service.formats.xer.row_store import Rows
from service.formats.xer.tables import Cell, Cells, Convert, XerTable
from service.formats.xer.values import TEXT, with_marks

_WBS: Final = "PROJWBS"
_RESOURCE: Final = "RSRC"
_TASK: Final = TABLES["TASK"]
_DATE_SIZE: Final = len("2026-01-05T08:00:00")
_TO_WBS: Final = frozenset({"wbs_id", "parent_wbs_id"})
"""Columns that name a WBS element. P6 XML leaves out those that name the root."""


class RowWriter:
    """Writes rows. The columns that the mapping does not name become texts of the same name.

    Args:
        intake: the rows of the file, which was read to its end.
        writer: of the engine.

    Attributes:
        root: id of the root of the WBS of the current project, or None if it has none.
        first_start, last_finish: earliest and latest of the activities of the current project;
            empty if none has one.
        unreadable: number of rows with a cell that could not be read.
    """

    def __init__(self, intake: XerIntake, writer: ElementWriter) -> None:
        self.unreadable = 0
        self.begin_project()
        self._types = intake.noted.types
        marks = intake.noted.marks
        self._number = None if marks == (b".", b",") else with_marks(*marks)
        self._writer = writer
        self._rates = CurrentRates(intake.day)
        self._layouts: dict[tuple[int, str, bytes], Any] = {}

    def begin_project(self) -> None:
        """Forget the previous project."""
        self.root: bytes | None = None
        self.first_start = self.last_finish = b""

    def write(self, layout: Layout, rows: Rows) -> Iterator[None]:
        """Write rows whose elements have no other children than their cells, some in each step."""
        opened, at = self._layout(layout), 0
        while at < len(rows):
            at = self._writer.rows(opened, rows, at)
            if self._writer.is_step():
                yield

    def write_values(self, layout: Layout, rows: Rows, element: str = "") -> Iterator[None]:
        """Write values of user-defined fields, whose types say how; ``element`` as in ``start``."""
        write, layouts, type_of = self._writer.rows, self._layouts, layout.type_of
        is_step = self._writer.is_step
        for row in rows:
            _, kind = self._types.get(type_of(row[2]), NO_TYPE)
            key = (layout.number, element, kind if kind in layout.table.by_type else b"")
            write(layouts.get(key) or self._open(layout, key), [row], 0)
            if is_step():
                yield

    def start(self, layout: Layout, line: int, row: bytes, element: str = "") -> None:
        """Open the element of a row, and write its cells and what follows from them.

        Args:
            layout: of the row.
            line: of the row in the file.
            row: text of the row.
            element: name of the element, if its owner is not in the file. The element then has
                the columns that the owner would imply.
        """
        self._writer.start_row(self._layout(layout, element), line, row)
        if layout.table.derive is not None:
            cells = layout.cells(row)
            if layout.name == _RESOURCE:
                cells |= self._rates.of(layout.key_of(row))
            self._write_derived(layout.table, line, cells)

    def note_rates(self, layout: Layout, rows: Rows) -> None:
        """Note the rates of resources, of which those in effect become children of theirs."""
        for _, _, row in rows:
            self._rates.note(self._read_numbers(layout.table, layout.cells(row)))

    def close(self) -> None:
        """Free memory: converters of the layouts refer to this object."""
        self._layouts.clear()

    def write_cells(self, layout: Layout, line: int, row: bytes) -> None:
        """Write the cells of a row as children of the open element."""
        self._writer.cells(self._layout(layout), line, row)

    def _write_derived(self, table: XerTable, line: int, cells: Cells) -> None:
        assert table.derive is not None
        try:
            nodes = [*table.derive(self._read_numbers(table, cells))]
        except ValueError:
            self.unreadable += 1
            for column, cell in cells.items():
                if column in table.columns and not table.columns[column].name:
                    self._writer.leaf(column.encode(), TEXT(cell))
        else:
            if table is _TASK:
                self._note_dates(nodes)
            self._writer.nodes(nodes, line)

    def _note_dates(self, nodes: Iterable[Node]) -> None:
        for name, text in nodes:
            if name == "StartDate" and _is_date(text):
                self.first_start = min(self.first_start or text, text)
            elif name == "FinishDate" and _is_date(text):
                self.last_finish = max(self.last_finish, text)

    def _read_numbers(self, table: XerTable, cells: Cells) -> Cells:
        """Return cells whose numbers have the marks of XML."""
        if self._number is None:
            return cells
        numbers = {name: cell for name, cell in cells.items() if _is_number(table, name)}
        return {**cells, **{name: self._number(cell) for name, cell in numbers.items()}}

    def _layout(self, layout: Layout, element: str = "") -> Any:
        key = (layout.number, element, b"")
        return self._layouts.get(key) or self._open(layout, key)

    def _open(self, layout: Layout, key: tuple[int, str, bytes]) -> Any:
        """Return the engine's layout of a table, an element, and a type of user-defined field."""
        _, element, kind = key
        columns = {**layout.table.columns, **layout.table.by_type.get(kind, {})}
        names: list[bytes | None] = []
        converts: list[Convert | None] = []
        for column in layout.columns:
            cell = columns.get(column, Cell(column, TEXT))
            convert = cell.convert
            if cell.number and self._number is not None:
                convert = _chain(self._number, convert)
            if column in _TO_WBS and (layout.name, column) != (_WBS, "wbs_id"):
                convert = self._not_root
            names.append((cell.name or (column if element else "")).encode() or None)
            converts.append(convert)
        name = (element or layout.table.element).encode()
        opened = self._layouts[key] = self._writer.layout(name, names, converts)
        return opened

    def _not_root(self, cell: bytes) -> bytes:
        return b"" if cell == self.root else cell


def _is_date(text: object) -> TypeGuard[bytes]:
    """Whether ``DATE`` could read a text. Such dates sort as texts."""
    return isinstance(text, bytes) and len(text) == _DATE_SIZE and text[10:11] == b"T"


def _is_number(table: XerTable, column: str) -> bool:
    cell = table.columns.get(column)
    return cell is not None and cell.number


def _chain(first: Convert, second: Convert | None) -> Convert:
    if second is None:
        return first
    return lambda cell: second(first(cell))
