"""The tables of a file, and their columns as the lines ``%F`` list them."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from service.errors import FileTooLarge
from service.formats.xer.mapping import ROOT, SKIPPED, TABLES
from service.formats.xer.tables import Place, XerTable

MAX_COLUMNS: Final = 1_000
"""Columns of a table; P6's largest table has some 130."""

MAX_NAME: Final = 64
"""Characters of the name of a table or column, of which P6's have 30 at most. Without a bound,
cells of one byte could become members of a thousand."""

MAX_KEY: Final = 1_000
"""Bytes of an id by which rows are found. A longer one is cut after it, so it finds no rows."""

MAX_TABLES: Final = 1_000
"""Different tables and lists of columns of a file."""

MAX_FILE_COLUMNS: Final = 20_000
"""Columns of all these tables; P6 has some 3,000."""

_ODD: Final = re.compile(r"[^A-Za-z0-9_]")

CellValue = Callable[[bytes], bytes]
"""Returns the text of one column of a row; empty if the row has no such cell."""


@dataclass(frozen=True, eq=False, slots=True)
class Layout:
    """A table of the file.

    Attributes:
        number: among the layouts of the file.
        name: of the table, in capitals.
        table: what its rows become.
        columns: names in small letters.
        project_of, owner_of, key_of: return ids: of the project, of the owner, and of a row itself.
        leader_of: returns the id of the row whose project a row has.
        type_of: returns the id of the type of a user-defined field.
        is_kept: whether its rows are stored.
        is_root: whether its rows are the roots of a WBS, which P6 XML has as parts of the projects.
    """

    number: int
    name: str
    table: XerTable
    columns: tuple[str, ...]
    project_of: CellValue
    owner_of: CellValue
    key_of: CellValue
    leader_of: CellValue
    type_of: CellValue
    is_kept: bool
    is_root: bool = False

    @property
    def is_owned(self) -> bool:
        """Whether a row belongs to a row of another table."""
        return self.table.owner is not None

    def of_root(self) -> "Layout":
        """Return the layout of the roots of a WBS, given that of all its rows."""
        table = replace(self.table, columns=ROOT, place=Place.PROJECT, derive=None)
        return replace(self, number=self.number + 1, table=table, is_root=True)

    def cells(self, row: bytes) -> dict[str, bytes]:
        """Return the cells of a row that are not blank."""
        found = zip(self.columns, row.split(b"\t"), strict=False)
        return {column: cell for column, cell in found if cell}

    def is_imported(self, row: bytes) -> bool:
        """Whether a row of PROJECT is a project of the file.

        Others are projects that the file only refers to, and nodes of the EPS. A baseline can have
        the ``project_flag`` of a node, but names its project.
        """
        cells = self.cells(row)
        is_node = cells.get("project_flag") == b"N" and "orig_proj_id" not in cells
        return cells.get("export_flag") != b"N" and not is_node

    def value_of(self, column: str) -> CellValue:
        """Return the function that returns a column's cell."""
        return _cell_at(self.columns.index(column)) if column in self.columns else _no_cell


class Layouts:
    """The layouts of one file, by number.

    Args:
        forbidden: names that elements of unknown tables cannot have.
    """

    def __init__(self, forbidden: frozenset[str]) -> None:
        self._forbidden = forbidden
        self._layouts: list[Layout] = []
        self._columns = 0
        self._by_fields: dict[tuple[str, bytes], Layout] = {}

    def __len__(self) -> int:
        return len(self._layouts)

    def __getitem__(self, number: int) -> Layout:
        return self._layouts[number]

    def find(self, table: str, fields: bytes, line: int) -> Layout:
        """Return the layout of a line ``%F``. Tables that occur again mostly have the same.

        Args:
            table: its name.
            fields: names of the columns, with tabs between them.
            line: of the file, for an error.

        Raises:
            FileTooLarge: the file has too many tables or columns, or a name is too long.
        """
        layout = self._by_fields.get((table, fields))
        if layout is None:
            layout = self._create(table, fields, line)
            self._by_fields[table, fields] = layout
            self._layouts.append(layout)
            if layout.name == "PROJWBS":
                self._layouts.append(layout.of_root())
        return layout

    def _create(self, table: str, fields: bytes, line: int) -> Layout:
        count = fields.count(b"\t") + 1
        if count > MAX_COLUMNS:
            raise too_many_columns(line)
        self._columns += count
        if len(self._layouts) >= MAX_TABLES or self._columns > MAX_FILE_COLUMNS:
            reason = (
                f"the file has more than {MAX_TABLES} different tables, or "
                f"{MAX_FILE_COLUMNS} columns in them"
            )
            raise FileTooLarge(reason, line=line)
        names = enumerate(fields.split(b"\t"), 1)
        columns = [read_name(each, line, at).lower() for at, each in names]
        return create_layout(len(self._layouts), table, columns, self._forbidden)


def create_layout(
    number: int, name: str, columns: Sequence[str], forbidden: frozenset[str]
) -> Layout:
    """Return the layout of a table.

    Args:
        number: among the layouts of the file.
        name: of the table, as ``clean_name`` returns it.
        columns: likewise.
        forbidden: names that an element of an unknown table cannot have.
    """
    table = TABLES.get(name)
    known = table is not None
    if table is None:
        table = XerTable(f"{name}_" if name in forbidden else name)
    places = {column: _cell_at(at) for at, column in reversed(list(enumerate(columns)))}

    def value_of(column: str | None) -> CellValue:
        return places.get(column or "", _no_cell)

    return Layout(
        number,
        name,
        table,
        tuple(columns),
        project_of=_project_of(table, value_of),
        owner_of=value_of(table.owner and table.owner[1]),
        key_of=value_of(table.key),
        leader_of=value_of(table.follows and table.follows[1]),
        type_of=value_of("udf_type_id"),
        is_kept=name not in SKIPPED and (known or table.project in places),
    )


def _project_of(table: XerTable, value_of: Callable[[str | None], CellValue]) -> CellValue:
    project = value_of(table.project)
    if table.shared is None:
        return project
    column, words = table.shared
    word = value_of(column)
    return lambda row: b"" if word(row) in words else project(row)


def clean_name(name: bytes, at: int = 0) -> str:
    """Return the name of a table or column with only letters, digits and underscores.

    Args:
        name: as the file has it.
        at: position, which names what has no name.
    """
    clean = _ODD.sub("_", name.decode("latin-1").strip()) or f"column_{at}"
    return clean if clean[0].isalpha() or clean[0] == "_" else f"_{clean}"


def read_name(name: bytes, line: int, at: int = 0) -> str:
    """Return the name of a table or column; ``at`` as in ``clean_name``.

    Raises:
        FileTooLarge: the name on this line is too long.
    """
    if len(name) > MAX_NAME:
        reason = f"the name of a table or column is longer than {MAX_NAME} characters"
        raise FileTooLarge(reason, line=line)
    return clean_name(name, at)


def too_many_columns(line: int) -> FileTooLarge:
    """Return the refusal of a line ``%F``."""
    return FileTooLarge(f"a table has more than {MAX_COLUMNS} columns", line=line)


def _cell_at(at: int) -> CellValue:
    before = at + 1

    def cell(row: bytes) -> bytes:
        cells = row.split(b"\t", before)
        return cells[at] if len(cells) > at else b""

    return cell


def _no_cell(_row: bytes) -> bytes:
    return b""
