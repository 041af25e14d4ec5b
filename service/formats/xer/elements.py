"""Writes the rows of an XER file as elements of P6 XML: the shared objects, then each project."""

from collections.abc import Callable, Iterator
from typing import Any, Final

from service.codes import WarningCode
from service.formats.engine.interface import ElementWriter
from service.formats.limits import Limits
from service.formats.xer.intake import PROJECTS, SHARED, XerIntake
from service.formats.xer.layout import Layout
from service.formats.xer.row_store import RowStore
from service.formats.xer.tables import TYPED, Cell, Cells, Convert, Node, XerTable
from service.formats.xer.values import TEXT, with_marks
from service.model import FileWarning

_STEP: Final = 16 * 1024
"""Bytes of rows that are written in one step."""

_PROJECT: Final = "PROJECT"
_WBS: Final = "PROJWBS"
_TO_WBS: Final = frozenset({"wbs_id", "parent_wbs_id"})
"""Columns that name a WBS element. P6 XML leaves out those that name the root."""

_NO_CELLS: Final[Cells] = {}


class XerElements:
    """Writes the elements of one file.

    Args:
        intake: the rows of the file, which was read to its end.
        writer: of the engine.
        limits: bounds of the file.
        give_way: as ``FileContext.give_way``.

    Attributes:
        stubs: projects that are not written, because the file has them only for their relationships
            to others.
        unreadable: rows with a cell that could not be read.
    """

    def __init__(
        self,
        intake: XerIntake,
        writer: ElementWriter,
        limits: Limits,
        give_way: Callable[[], None],
    ) -> None:
        self.stubs = 0
        self.unreadable = 0
        self._intake = intake
        plain = intake.marks == (b".", b",")
        self._number = None if plain else with_marks(*intake.marks)
        self._writer = writer
        self._layouts: dict[tuple[int, bytes], Any] = {}
        self._owned = RowStore(limits.spool, give_way=give_way)
        self._root = b""
        self._line = 1
        self._written = 0

    def write(self) -> Iterator[None]:
        """Write everything, some rows in each step.

        Raises:
            TooLarge: the import's share of the spool is used up.
            OSError: the disk of the spool fails or is full.
        """
        yield from self._write_rows(SHARED)
        for number, line, row in self._intake.store.take(PROJECTS):
            layout = self._intake.layouts[number]
            if layout.value_of("export_flag")(row) == b"N":
                self.stubs += 1
            else:
                yield from self._write_project(layout, line, self._intake.to_utf8(row))

    def warnings(self) -> Iterator[FileWarning]:
        """Yield the warnings about rows that are not written, or not as they are."""
        rows = self._intake.store.rows_left
        if self.stubs or rows:
            yield FileWarning(
                WarningCode.LOOSE_RECORDS_SKIPPED,
                f"{self.stubs} projects that other projects only refer to, and {rows} rows that "
                "belong to them or to no project of the file, are not imported",
                self.stubs + rows,
            )
        if self.unreadable:
            yield FileWarning(
                WarningCode.CELLS_UNREADABLE,
                "Calendars and other cells that could not be read are kept as text",
                self.unreadable,
            )

    def close(self) -> None:
        """Free memory and disk."""
        self._owned.close()

    def _write_project(self, layout: Layout, line: int, row: bytes) -> Iterator[None]:
        self._root = b""
        key = layout.project_of(row)
        self._start(layout.table.element, line)
        self._write_cells(layout, row)
        yield from self._write_rows(key)
        if not self._root:  # it has the name
            self._writer.leaf(b"Name", TEXT(layout.value_of("proj_short_name")(row)))
        self._writer.end_element()

    def _write_rows(self, key: bytes) -> Iterator[None]:
        """Write the rows of a project, or all others. Those with an owner are read first."""
        layouts, to_utf8 = self._intake.layouts, self._intake.to_utf8
        owned = self._owned
        for number, line, raw in self._intake.store.take(key, self._rank):
            layout, row = layouts[number], to_utf8(raw)
            if key == SHARED and (home := self._home_of(layout, row)):
                self._intake.store.add(home, number, line, raw)
            elif (owner := self._owner_of(layout, row)) is not None:
                owned.add(owner, number, line, row)
            elif layout.is_root:
                self._root = self._root or layout.key_of(row)
                self._write_cells(layout, row)
            else:
                self._write_row(layout, line, row)
            self._written += len(row)
            if self._written > _STEP:
                self._written = 0
                yield
        for owner in (_owner(_PROJECT, key), _owner(_WBS, self._root)):
            self._write_owned(owner)
        for number, line, row in owned.rest():
            self._write_row(layouts[number], line, row, layouts[number].name)
            yield

    def _rank(self, number: int) -> int:
        layout = self._intake.layouts[number]
        return 0 if layout.is_owned else layout.table.place

    def _home_of(self, layout: Layout, row: bytes) -> bytes | None:
        """Return the project of the row that a row without a project follows."""
        follows = layout.table.follows
        return follows and self._intake.homes.get((follows[0], layout.leader_of(row)))

    def _owner_of(self, layout: Layout, row: bytes) -> bytes | None:
        """Return the key of the row that a row belongs to, or None."""
        if not layout.is_owned:
            return None
        assert layout.table.owner is not None
        table = layout.table.owner[0]
        if table == TYPED:
            kind = self._type_of(layout, row)
            table = kind.get("table_name", b"").decode()
        return _owner(table, layout.owner_of(row))

    def _type_of(self, layout: Layout, row: bytes) -> Cells:
        """Return the type of the value of a user-defined field; empty if the file lacks it."""
        return self._intake.types.get(layout.value_of("udf_type_id")(row), _NO_CELLS)

    def _kind_of(self, layout: Layout, row: bytes) -> bytes:
        kind = self._type_of(layout, row).get("logical_data_type", b"")
        return kind if kind in layout.table.by_type else b""

    def _write_row(self, layout: Layout, line: int, row: bytes, element: str = "") -> None:
        self._start(element or layout.table.element, line)
        self._write_cells(layout, row)
        if layout.table.key is not None:
            self._write_owned(_owner(layout.name, layout.key_of(row)))
        self._writer.end_element()

    def _write_owned(self, owner: bytes) -> None:
        for number, line, row in self._owned.take(owner):
            layout = self._intake.layouts[number]
            self._write_row(layout, line, row)

    def _start(self, element: str, line: int) -> None:
        self._line = line
        self._writer.start_element(element.encode(), line)

    def _write_cells(self, layout: Layout, row: bytes) -> None:
        table = layout.table
        if table.derive is not None:
            cells = self._read_numbers(table, layout.cells(row))
            try:
                nodes = [*table.derive(cells)]
            except ValueError:
                self.unreadable += 1
                for column, cell in cells.items():
                    if column in table.columns and not table.columns[column].name:
                        self._writer.leaf(column.encode(), TEXT(cell))
            else:
                for node in nodes:
                    self._write_node(node)
        key = (layout.number, self._kind_of(layout, row) if table.by_type else b"")
        self._writer.cells(self._layouts.get(key) or self._open(layout, key), row)
        if row.count(b"\t") >= len(layout.columns):
            self._writer.text(row.split(b"\t", len(layout.columns))[-1])

    def _read_numbers(self, table: XerTable, cells: Cells) -> Cells:
        """Return cells whose numbers have the marks of XML."""
        if self._number is None:
            return cells
        numbers = {name: cell for name, cell in cells.items() if _is_number(table, name)}
        return {**cells, **{name: self._number(cell) for name, cell in numbers.items()}}

    def _write_node(self, node: Node) -> None:
        name, content = node
        if isinstance(content, str):
            self._writer.leaf(name.encode(), content.encode())
        elif isinstance(content, bytes):
            self._writer.leaf(name.encode(), content)
        else:
            self._start(name, self._line)
            for child in content:
                self._write_node(child)
            self._writer.end_element()

    def _open(self, layout: Layout, key: tuple[int, bytes]) -> Any:
        """Return the engine's layout of a table, and of a type of user-defined field."""
        columns = {**layout.table.columns, **layout.table.by_type.get(key[1], {})}
        names: list[bytes | None] = []
        converts: list[Convert | None] = []
        for column in layout.columns:
            cell = columns.get(column, Cell(column, TEXT))
            convert = cell.convert
            if cell.number and self._number is not None:
                convert = _chain(self._number, convert)
            if column in _TO_WBS and (layout.name, column) != (_WBS, "wbs_id"):
                convert = self._not_root
            names.append(cell.name.encode() or None)
            converts.append(convert)
        opened = self._layouts[key] = self._writer.layout(names, converts)
        return opened

    def _not_root(self, cell: bytes) -> bytes:
        return b"" if cell == self._root else cell


def _owner(table: str, key: bytes) -> bytes:
    return b"%b\t%b" % (table.encode(), key)


def _is_number(table: XerTable, column: str) -> bool:
    cell = table.columns.get(column)
    return cell is not None and cell.number


def _chain(first: Convert, second: Convert | None) -> Convert:
    if second is None:
        return first
    return lambda cell: second(first(cell))
