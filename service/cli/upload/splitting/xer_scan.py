"""Finds the rows of each project of an XER file, in one pass over its lines.

The rows of a project are spread over the tables. So a piece has all heads of tables, the rows that
projects share, and then the rows of its projects.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from service.cli.upload.splitting.pieces import Piece, SplitFile, whole_file
from service.cli.upload.splitting.xer_runs import Owner, Runs, UnsplittableFile
from service.formats.p6.shared_objects import SHARED
from service.formats.xer.encoding import ASSUMED, decoder_of, encoding_assumed
from service.formats.xer.encoding import MARK as HEADER
from service.formats.xer.format import FORMAT
from service.formats.xer.intake import ENDS, MARKS
from service.formats.xer.layout import (
    MAX_COLUMNS,
    MAX_FILE_COLUMNS,
    MAX_NAME,
    MAX_TABLES,
    Layout,
    clean_name,
    create_layout,
)
from service.formats.xer.lines import MAX_ROW
from service.formats.xer.mapping import TABLES
from service.formats.xer.tables import TYPED
from service.formats.xer.values import NEWLINE, mark_tabs
from service.model import Place, Refusal, duplicate_project

MAX_PROJECTS: Final = 65_536
"""Projects whose names are kept. A file with more of them is not split."""
_MAX_TEXT: Final = 1024
"""Bytes of an id or a name that are kept; the service refuses a longer id."""
_BOM: Final = b"\xef\xbb\xbf"


def is_xer(head: bytes) -> bool:
    """Whether a file is an XER file in an encoding whose lines can be found without decoding it."""
    return head.removeprefix(_BOM).lstrip().startswith(HEADER)


@dataclass(slots=True)
class _Project:
    """A row of PROJECT that is imported.

    Attributes:
        owner: its number in ``Runs``.
        line: of the row.
        short_name: its id for users, as bytes of the file.
    """

    owner: int
    line: int
    short_name: bytes


class XerScan:
    """The state of the pass.

    Args:
        size: approximate size of a piece in bytes.
        charset: the encoding that the user names, or None.
    """

    def __init__(self, size: int, charset: str | None) -> None:
        self._size = size
        self._charset = charset
        self._decoder = decoder_of("")
        self._runs = Runs()
        self._bytes = 0
        self._at = 0
        self._line = 1
        self._table = ""
        self._layout: Layout | None = None
        self._layouts: dict[tuple[str, bytes], Layout] = {}
        self._columns = 0
        self._row: bytes | None = None
        self._more = bytearray()
        self._blank_lines = 0
        self._row_place = 0, 1
        self._ended = False
        self._owners: dict[bytes, int] = {}
        self._projects: list[_Project] = []
        self._names: dict[int, bytes] = {}

    def read(self, chunks: Iterable[bytes]) -> SplitFile:
        """Read the file, and split it. A file without ``%E`` is one piece."""
        counted = self._count(chunks)
        rest = b""
        try:
            self._runs.begin(Owner.EVERY, 0, 1)
            for data in counted:
                rest = self._take_lines(rest + data)
            self._take_line(rest)
            return self._split()
        except UnsplittableFile:
            for _ in counted:
                pass
            return SplitFile([whole_file(self._bytes)], [])

    def _count(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        for data in chunks:
            self._bytes += len(data)
            yield data

    # Lines, as ``XerIntake`` reads them

    def _take_lines(self, data: bytes) -> bytes:
        """Take the complete lines, and return the rest."""
        *lines, rest = data.split(b"\n")
        for line in lines:
            self._take_line(line)
            self._at += len(line) + 1
            self._line += 1
        if len(rest) > MAX_ROW:
            raise UnsplittableFile
        return rest

    def _take_line(self, line: bytes) -> None:
        line = line.removesuffix(b"\r")
        if line.startswith(b"%R\t") and not self._ended:
            self._begin_row(line[3:])
            return
        mark, _, rest = line.partition(b"\t")
        if self._ended:
            if line.strip(ENDS):
                raise UnsplittableFile
        elif mark == b"%R":
            self._begin_row(b"")
        elif mark in MARKS:
            self._end_row()
            self._runs.begin(Owner.EVERY, self._at, self._line)
            self._ended = mark == MARKS[-1]
            if mark == b"%T":
                self._table, self._layout = _clean(rest.partition(b"\t")[0]).upper(), None
            elif mark == b"%F":
                self._layout = self._find_layout(rest) if self._table else None
        elif self._row is not None:
            self._continue_row(line)

    def _continue_row(self, line: bytes) -> None:
        assert self._row is not None
        if not line:  # part of a text only if more of it follows
            self._blank_lines += 1
            return
        breaks = NEWLINE * (self._blank_lines + 1)
        self._blank_lines = 0
        if len(self._row) + len(self._more) + len(breaks) + len(line) > MAX_ROW:
            raise UnsplittableFile
        self._more += breaks
        self._more += line

    def _begin_row(self, row: bytes) -> None:
        if self._row is not None:
            self._end_row()
        if len(row) > MAX_ROW:
            raise UnsplittableFile
        self._row = row
        self._row_place = self._at, self._line

    def _find_layout(self, fields: bytes) -> Layout:
        key = self._table, fields
        if key not in self._layouts:
            count = fields.count(b"\t") + 1
            self._columns += count
            is_refused = self._columns > MAX_FILE_COLUMNS or len(self._layouts) >= MAX_TABLES
            if is_refused or count > MAX_COLUMNS:
                raise UnsplittableFile
            columns = [_clean(each).lower() for each in fields.split(b"\t")]
            self._layouts[key] = create_layout(0, self._table, columns, frozenset())
        return self._layouts[key]

    # Rows

    def _end_row(self) -> None:
        """Find the owner of the row that ends here."""
        if self._row is None:
            return
        row, layout = self._row, self._layout
        self._row = None
        self._blank_lines = 0
        if self._more:
            row += self._more
            self._more.clear()
        owner = Owner.FIRST
        if layout is not None and layout.is_kept:
            if row.count(b"\t") >= len(layout.columns):
                row = mark_tabs(row, len(layout.columns)).rstrip(b"\t")
            self._decoder.note(row)
            project = layout.project_of(row)
            if project:
                owner = self._number_of(project)
                self._note(layout, row, owner)
            elif layout.name == "PROJECT":
                raise UnsplittableFile
            elif _is_shared(layout):
                owner = Owner.EVERY
        self._runs.begin(owner, *self._row_place)

    def _number_of(self, project: bytes) -> int:
        project = project[:_MAX_TEXT]
        known = self._owners.get(project)
        if known is not None:
            return known
        if len(self._owners) == MAX_PROJECTS:
            raise UnsplittableFile
        number = self._owners[project] = Owner.PROJECT + len(self._owners)
        return number

    def _note(self, layout: Layout, row: bytes, owner: int) -> None:
        """Note a project, or its name."""
        if layout.name == "PROJWBS":
            if layout.value_of("proj_node_flag")(row) == b"Y":
                self._names.setdefault(owner, layout.value_of("wbs_name")(row)[:_MAX_TEXT])
        elif layout.name == "PROJECT" and layout.is_imported(row):
            short_name = layout.value_of("proj_short_name")(row)
            self._projects.append(_Project(owner, self._row_place[1], short_name))

    # After the pass

    def _split(self) -> SplitFile:
        if not self._ended or not self._projects:
            raise UnsplittableFile
        self._runs.end(self._bytes, self._line + 1)
        duplicates: list[Refusal] = []
        pieces, owners = self._allocate(duplicates)
        if len(pieces) == 1 and not duplicates:
            raise UnsplittableFile
        self._fill(pieces, owners)
        if self._charset is None and self._decoder.assumed:
            return SplitFile(pieces, duplicates, charset=ASSUMED, warnings=[encoding_assumed()])
        return SplitFile(pieces, duplicates, charset=self._charset)

    def _allocate(self, duplicates: list[Refusal]) -> tuple[list[Piece], dict[int, int]]:
        """Return the pieces without slices, and the piece of each project by its owner number.

        Args:
            duplicates: receives the projects that repeat an earlier one.
        """
        sizes = self._runs.count_bytes(Owner.PROJECT + len(self._owners))
        shared = sizes[Owner.EVERY]
        least = max(self._size - shared, shared)  # the pieces have at most twice the file's size
        pieces: list[Piece] = []
        taken = 0
        owners: dict[int, int] = {}
        first_lines: dict[str, int] = {}
        for index, project in enumerate(self._projects):
            if (duplicate := self._find_duplicate(index, project, first_lines)) is not None:
                duplicates.append(duplicate)
                continue
            if not pieces or taken >= least:
                pieces.append(Piece([], first_line=project.line))
                taken = 0
            pieces[-1].indexes.append(index)
            owners[project.owner] = len(pieces) - 1
            taken += sizes[project.owner]
        return pieces, owners

    def _find_duplicate(
        self, index: int, project: _Project, first_lines: dict[str, int]
    ) -> Refusal | None:
        if len(project.short_name) > _MAX_TEXT:
            return None
        external_id = FORMAT.identify({"Id": self._decode(project.short_name)})
        if external_id is None:
            return None
        first_line = first_lines.setdefault(external_id, project.line)
        if first_line == project.line:
            return None
        name = self._decode(self._names.get(project.owner, b"")) or None
        first = Place(None, first_line)
        return duplicate_project(index, project.line, external_id, name, first)

    def _decode(self, text: bytes) -> str:
        decoder = decoder_of(self._charset or (ASSUMED if self._decoder.assumed else ""))
        return decoder.decode(text, 1).decode(errors="replace")

    def _fill(self, pieces: list[Piece], owners: dict[int, int]) -> None:
        """Give each piece its slices."""
        imported = {each.owner for each in self._projects}
        if len(imported) < len(self._projects):  # the first of two with one id takes all rows
            raise UnsplittableFile
        for owner in range(Owner.FIRST, Owner.PROJECT + len(self._owners)):
            if owner not in imported:  # rows of a project that is not imported are counted once
                owners[owner] = 0
        for piece, slices in zip(pieces, self._runs.distribute(owners, len(pieces)), strict=True):
            piece.slices = slices
        for before, piece in pairwise(pieces):
            before.next_index = piece.indexes[0]
        pieces[-1].next_index = len(self._projects)


def _clean(name: bytes) -> str:
    if len(name) > MAX_NAME:  # the file is refused
        raise UnsplittableFile
    return clean_name(name)


def _is_shared(layout: Layout) -> bool:
    """Whether projects can refer to the rows without a project, or to those that own them."""
    table = layout.table
    if table.owner is None:
        return table.element in _SHARED
    owner = TABLES.get(table.owner[0])
    return table.owner[0] == TYPED or (owner is not None and owner.element in _SHARED)


_SHARED: Final = frozenset(SHARED)
