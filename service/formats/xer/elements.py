"""Writes the rows of an XER file as elements of P6 XML: the shared objects, then each project."""

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Final

from service.codes import WarningCode
from service.formats.engine.interface import ElementWriter
from service.formats.limits import Limits
from service.formats.xer.intake import PROJECTS, SHARED, XerIntake
from service.formats.xer.layout import MAX_KEY, Layout
from service.formats.xer.noted_rows import NO_TYPE
from service.formats.xer.rates import TABLE as RATES
from service.formats.xer.row_store import Row, Rows, RowStore
from service.formats.xer.row_writer import RowWriter
from service.formats.xer.tables import TYPED
from service.formats.xer.values import GUID, TEXT
from service.model import FileWarning

_PROJECT: Final = "PROJECT"
_WBS: Final = "PROJWBS"


class XerElements:
    """Writes the elements of one file.

    Args:
        intake: the rows of the file, which was read to its end.
        writer: of the engine.
        limits: bounds of the file.
        give_way: as ``FileContext.give_way``.

    Attributes:
        stubs: rows of PROJECT that are not written: projects that the file has only for their
            relationships to others, and nodes of the EPS.
    """

    def __init__(
        self,
        intake: XerIntake,
        writer: ElementWriter,
        limits: Limits,
        give_way: Callable[[], None],
    ) -> None:
        self.stubs = 0
        self._intake = intake
        self._rows = RowWriter(intake, writer)
        self._writer = writer
        self._owned = RowStore(limits.spool, give_way=give_way)
        self._owners: set[bytes] = set()
        self._has_guid = False
        self._complete = False

    def write(self) -> Iterator[None]:
        """Write everything, some rows in each step.

        Raises:
            TooLarge: the import's share of the spool is used up.
            OSError: the disk of the spool fails or is full.
        """
        yield from self._write_rows(SHARED)
        for rows in self._intake.store.take(PROJECTS):
            layout = self._intake.layouts[rows[0][0]]
            for _, line, row in rows:
                if layout.is_imported(row):
                    yield from self._write_project(layout, line, row)
                else:
                    self.stubs += 1
        self._complete = True

    def warnings(self) -> Iterator[FileWarning]:
        """Yield the warnings about rows that are not written, or not as they are."""
        rows = self._intake.store.rows_left
        if self._complete and (self.stubs or rows):
            yield FileWarning(
                WarningCode.LOOSE_RECORDS_SKIPPED,
                "Projects that the file only refers to and nodes of the EPS "
                f"({self.stubs}), and rows of no imported project ({rows}), are not imported",
                self.stubs + rows,
            )
        if self._rows.unreadable:
            yield FileWarning(
                WarningCode.CELLS_UNREADABLE,
                "Calendars and other cells that could not be read are kept as text",
                self._rows.unreadable,
            )

    def close(self) -> None:
        """Free memory and disk."""
        self._owned.close()
        self._rows.close()

    def _write_project(self, layout: Layout, line: int, row: bytes) -> Iterator[None]:
        self._rows.begin_project()
        self._has_guid = False
        key = layout.project_of(row)  # as the file has it
        row = self._intake.to_utf8(row)
        self._rows.start(layout, line, row)
        yield from self._write_rows(key)
        if self._rows.root is None:  # it has the name
            self._writer.leaf(b"Name", TEXT(layout.value_of("proj_short_name")(row)))
        if not self._has_guid:
            self._writer.leaf(b"GUID", GUID(layout.value_of("guid")(row)))
        # P6 XML can have those of the activities, though P6 Professional leaves them out.
        self._writer.leaf(b"StartDate", self._rows.first_start)
        self._writer.leaf(b"FinishDate", self._rows.last_finish)
        self._writer.end_element()
        if self._writer.is_step():
            yield

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
                yield
            elif layout.is_root:
                yield from self._write_roots(layout, rows)
            elif layout.table.derive is None and _owner(layout.name) not in self._owners:
                yield from self._rows.write(layout, rows)
            else:
                for each in rows:
                    yield from self._write_row(layout, each)
        project = self._intake.to_utf8(key)
        for owner in (_owner(_PROJECT) + project, _owner(_WBS) + (self._rows.root or b"")):
            yield from self._write_owned(owner)
        for rows in self._owned.rest():
            yield from self._write_all(rows, self._intake.layouts[rows[0][0]].name)
        self._owned.close()

    def _write_roots(self, layout: Layout, rows: Rows) -> Iterator[None]:
        """Write the cells of the root of a WBS; further roots are elements as all others."""
        for each in rows:
            _, line, row = each
            if self._rows.root is None:
                self._rows.root = layout.key_of(row)
                self._has_guid = layout.value_of("guid")(row) != b""
                self._rows.write_cells(layout, line, row)
            else:
                yield from self._write_row(self._intake.layouts[layout.number - 1], each)

    def _without_followers(self, blocks: Iterator[Rows]) -> Iterator[Rows]:
        """Give rows without a project to the project of the row that they follow."""
        for rows in blocks:
            layout = self._intake.layouts[rows[0][0]]
            left = rows
            if layout.name == RATES:
                self._rows.note_rates(layout, rows)
            if layout.table.follows is not None:
                leader, left = layout.table.follows[0], []
                for each in rows:
                    home = self._intake.noted.homes.get((leader, layout.leader_of(each[2])))
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

    def _rank(self, number: int) -> int:
        layout = self._intake.layouts[number]
        return 0 if layout.is_owned else layout.table.place

    def _keep(self, layout: Layout, rows: Rows) -> None:
        """Keep rows until their owners are written."""
        assert layout.table.owner is not None
        owner_of, add = layout.owner_of, self._owned.add
        if layout.table.owner[0] != TYPED:
            owner = _owner(layout.table.owner[0])
            self._owners.add(owner)
            for number, line, row in rows:
                add(owner + owner_of(row)[: MAX_KEY + 1], number, line, row)
        else:
            types, type_of = self._intake.noted.types, layout.type_of
            for number, line, row in rows:
                owner = types.get(type_of(row), NO_TYPE)[0] + b"\t"
                self._owners.add(owner)
                add(owner + owner_of(row)[: MAX_KEY + 1], number, line, row)

    def _write_row(self, layout: Layout, row: Row, element: str = "") -> Iterator[None]:
        _, line, text = row
        self._rows.start(layout, line, text, element)
        if layout.table.key is not None and (owner := _owner(layout.name)) in self._owners:
            yield from self._write_owned(owner + layout.key_of(text))
        self._writer.end_element()
        if self._writer.is_step():
            yield

    def _write_owned(self, owner: bytes) -> Iterator[None]:
        for rows in self._owned.take(owner):
            yield from self._write_all(rows)

    def _write_all(self, rows: Rows, element: str = "") -> Iterator[None]:
        layout = self._intake.layouts[rows[0][0]]
        if layout.table.by_type:
            yield from self._rows.write_values(layout, rows, element)
        else:
            for each in rows:
                yield from self._write_row(layout, each, element)


@lru_cache(maxsize=100)
def _owner(table: str) -> bytes:
    """Return the beginning of the keys of rows that belong to rows of a table."""
    return b"%b\t" % table.encode()
