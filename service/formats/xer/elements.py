"""Writes the rows of an XER file as elements of P6 XML: the shared objects, then each project."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from service.codes import WarningCode
from service.formats.engine.interface import ElementWriter
from service.formats.limits import Limits
from service.formats.xer.intake import PROJECTS, SHARED, XerIntake
from service.formats.xer.layout import Layout
from service.formats.xer.row_store import Row, Rows, RowStore
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
        self._layouts: dict[tuple[int, str, bytes], Any] = {}
        self._owned = RowStore(limits.spool, give_way=give_way)
        self._owners: set[bytes] = set()
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
        for rows in self._intake.store.take(PROJECTS):
            layout = self._intake.layouts[rows[0][0]]
            export_flag = layout.value_of("export_flag")
            for _, line, row in rows:
                if export_flag(row) == b"N":
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
        self._start_row(layout, line, row)
        yield from self._write_rows(key)
        if not self._root:  # it has the name
            self._writer.leaf(b"Name", TEXT(layout.value_of("proj_short_name")(row)))
        self._writer.end_element()

    def _write_rows(self, key: bytes) -> Iterator[None]:
        """Write the rows of a project, or all others. Those with an owner are read first."""
        self._owners.clear()
        stored = self._intake.store.take(key, self._rank)
        if key == SHARED:
            stored = self._without_followers(stored)
        for rows in self._in_utf8(stored):
            layout = self._intake.layouts[rows[0][0]]
            if layout.is_owned:
                self._keep(layout, rows)
                yield from self._step(rows)
            elif layout.is_root:
                for _, line, row in rows:
                    self._root = self._root or layout.key_of(row)
                    self._write_root(layout, line, row)
            elif layout.table.derive is None and _owner_table(layout.name) not in self._owners:
                yield from self._write_plain(layout, rows)
            else:
                for each in rows:
                    self._write_row(layout, each)
                    yield from self._step((each,))
        for owner in (_owner(_PROJECT, key), _owner(_WBS, self._root)):
            self._write_owned(owner)
        for rows in self._owned.rest():
            layout = self._intake.layouts[rows[0][0]]
            for each in rows:
                self._write_row(layout, each, layout.name)
                yield from self._step((each,))

    def _without_followers(self, blocks: Iterator[Rows]) -> Iterator[Rows]:
        """Give rows without a project to the project of the row that they follow."""
        for rows in blocks:
            layout = self._intake.layouts[rows[0][0]]
            left = rows
            if layout.table.follows is not None:
                leader, left = layout.table.follows[0], []
                for each in rows:
                    home = self._intake.homes.get((leader, layout.leader_of(each[2])))
                    if home:
                        self._intake.store.add(home, *each)
                    else:
                        left.append(each)
            if left:
                yield left

    def _in_utf8(self, blocks: Iterator[Rows]) -> Iterator[Rows]:
        if not self._intake.assumed:
            return blocks
        to_utf8 = self._intake.to_utf8
        return ([(number, line, to_utf8(row)) for number, line, row in rows] for rows in blocks)

    def _step(self, rows: Sequence[Row]) -> Iterator[None]:
        """End a step once enough is written."""
        for _, _, row in rows:
            self._written += len(row)
        if self._written > _STEP:
            self._written = 0
            yield

    def _rank(self, number: int) -> int:
        layout = self._intake.layouts[number]
        return 0 if layout.is_owned else layout.table.place

    def _keep(self, layout: Layout, rows: Rows) -> None:
        """Keep rows until their owners are written."""
        assert layout.table.owner is not None
        table, owner_of = layout.table.owner[0], layout.owner_of
        owner = _owner_table(table)
        self._owners.add(owner)
        for number, line, row in rows:
            if table == TYPED:
                owner = _owner_table(self._type_of(layout, row).get("table_name", b"").decode())
                self._owners.add(owner)
            self._owned.add(owner + owner_of(row), number, line, row)

    def _type_of(self, layout: Layout, row: bytes) -> Cells:
        """Return the type of the value of a user-defined field; empty if the file lacks it."""
        return self._intake.types.get(layout.value_of("udf_type_id")(row), _NO_CELLS)

    def _write_plain(self, layout: Layout, rows: Rows) -> Iterator[None]:
        """Write rows whose elements have no other children than their cells."""
        opened, at = self._opened(layout), 0
        while (at := self._writer.rows(opened, rows, at)) < len(rows):
            yield
        yield from self._step(rows)

    def _write_row(self, layout: Layout, row: Row, element: str = "") -> None:
        _, line, text = row
        self._start_row(layout, line, text, element)
        if layout.table.key is not None and _owner_table(layout.name) in self._owners:
            self._write_owned(_owner(layout.name, layout.key_of(text)))
        self._writer.end_element()

    def _write_owned(self, owner: bytes) -> None:
        for rows in self._owned.take(owner):
            layout = self._intake.layouts[rows[0][0]]
            for each in rows:
                self._write_row(layout, each)

    def _start_row(self, layout: Layout, line: int, row: bytes, element: str = "") -> None:
        self._line = line
        self._writer.start_row(self._opened(layout, row, element), line, row)
        if layout.table.derive is not None:
            self._write_derived(layout.table, layout.cells(row))

    def _write_derived(self, table: XerTable, cells: Cells) -> None:
        assert table.derive is not None
        try:
            nodes = [*table.derive(self._read_numbers(table, cells))]
        except ValueError:
            self.unreadable += 1
            for column, cell in cells.items():
                if column in table.columns and not table.columns[column].name:
                    self._writer.leaf(column.encode(), TEXT(cell))
        else:
            for node in nodes:
                self._write_node(node)

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
            self._writer.start_element(name.encode(), self._line)
            for child in content:
                self._write_node(child)
            self._writer.end_element()

    def _write_root(self, layout: Layout, line: int, row: bytes) -> None:
        """Write the cells of a root of the WBS, which are children of the project."""
        self._writer.cells(self._opened(layout), line, row)

    def _opened(self, layout: Layout, row: bytes = b"", element: str = "") -> Any:
        """Return the engine's layout of a row, and of its type if it is a user-defined field."""
        kind = b""
        if layout.table.by_type:
            kind = self._type_of(layout, row).get("logical_data_type", b"")
            if kind not in layout.table.by_type:
                kind = b""
        key = (layout.number, element, kind)
        return self._layouts.get(key) or self._open(layout, key)

    def _open(self, layout: Layout, key: tuple[int, str, bytes]) -> Any:
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
            names.append(cell.name.encode() or None)
            converts.append(convert)
        name = (element or layout.table.element).encode()
        opened = self._layouts[key] = self._writer.layout(name, names, converts)
        return opened

    def _not_root(self, cell: bytes) -> bytes:
        return b"" if cell == self._root else cell


def _owner_table(table: str) -> bytes:
    return b"%b\t" % table.encode()


def _owner(table: str, key: bytes) -> bytes:
    """Return the key of the rows that belong to a row of a table."""
    return _owner_table(table) + key


def _is_number(table: XerTable, column: str) -> bool:
    cell = table.columns.get(column)
    return cell is not None and cell.number


def _chain(first: Convert, second: Convert | None) -> Convert:
    if second is None:
        return first
    return lambda cell: second(first(cell))
