"""Finds the rows of each project of an XER file, in one pass over its lines.

The rows of a project are spread over the tables. So a piece has all heads of tables, the rows that
projects share, and then the rows of its projects.
"""

import codecs
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from service.cli.upload.splitting.pieces import MIB, Piece, SplitFile, whole_file
from service.cli.upload.splitting.xer_runs import Owner, Runs, UnsplittableFile
from service.formats.p6.format import FORMAT
from service.formats.xer.mapping import SKIPPED, TABLES
from service.model import Place, Refusal, duplicate_project

MAX_ROW: Final = 16 * MIB
"""Bytes of a row, with the lines that continue it. A file with a longer one is not split."""
MAX_PROJECTS: Final = 65_536
"""Projects whose names are kept. A file with more of them is not split."""
_MAX_TEXT: Final = 1024
"""Bytes of an id or a name that are kept; the service refuses a longer id."""
_MARK: Final = b"ERMHDR"
_MARKS: Final = frozenset((b"%T\t", b"%F\t", b"%R\t"))


def is_xer(head: bytes) -> bool:
    """Whether a file is an XER file in an encoding whose lines can be found without decoding it."""
    return head.removeprefix(codecs.BOM_UTF8).lstrip().startswith(_MARK)


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


class _Table:
    """The columns of the current table that the pass needs.

    Args:
        name: of the table.
        columns: its cells in ``%F``, with the mark.
    """

    def __init__(self, name: str = "", columns: Iterable[bytes] = ()) -> None:
        self.name = name
        names = [each.strip().lower().decode("latin-1") for each in columns]
        self.columns = {each: place for place, each in reversed([*enumerate(names)])}
        self.width = len(names)
        known = TABLES.get(name)
        column = "proj_id" if known is None else known.project
        self.project = 0 if name in SKIPPED else self.columns.get(column, 0)
        self.is_read = name in ("PROJECT", "PROJWBS")
        # No project refers to a row of a table that is only counted.
        self.owner = Owner.FIRST if known is None else Owner.EVERY

    def pick(self, cells: list[bytes], column: str) -> bytes:
        """Return a cell; empty if the row or the table does not have it."""
        place = self.columns.get(column, len(cells))
        return cells[place].strip() if place < len(cells) else b""


class XerScan:
    """The state of the pass.

    Args:
        size: approximate size of a piece in bytes.
        charset: the encoding that the user names, or None.
    """

    def __init__(self, size: int, charset: str | None) -> None:
        self._size = size
        self._charset = charset
        self._runs = Runs()
        self._bytes = 0
        self._is_utf8 = True
        self._at = 0
        self._line = 1
        self._table = _Table()
        self._row = bytearray()
        self._row_place = 0, 1
        self._missing = 0
        self._ended = False
        self._owners: dict[bytes, int] = {}
        self._projects: list[_Project] = []
        self._names: dict[int, bytes] = {}

    def read(self, chunks: Iterable[bytes]) -> SplitFile:
        """Read the file, and split it. A file without ``%E`` is one piece."""
        counted = self._count(chunks)
        decoder = codecs.getincrementaldecoder("utf-8")()
        rest = b""
        try:
            self._runs.begin(Owner.EVERY, 0, 1)
            for data in counted:
                self._check_utf8(decoder, data)
                rest = self._take_lines(rest + data)
            self._check_utf8(decoder, b"")
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

    def _check_utf8(self, decoder: codecs.IncrementalDecoder, data: bytes) -> None:
        if self._is_utf8:
            try:
                decoder.decode(data, final=not data)
            except UnicodeDecodeError:
                self._is_utf8 = False

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
        mark = line[:3]
        if self._ended:
            return
        if mark == b"%R\t":
            self._end_row()
            self._row_place = self._at, self._line
            self._missing = self._table.width - 1
            self._add_to_row(line)
        elif mark in _MARKS or line.rstrip() == b"%E":
            self._end_row()
            self._runs.begin(Owner.EVERY, self._at, self._line)
            self._ended = mark not in _MARKS
            cells = line.rstrip(b"\r").split(b"\t")
            if mark == b"%T\t":
                self._table = _Table(cells[1].strip().decode("latin-1").upper())
            elif mark == b"%F\t":
                self._table = _Table(self._table.name, cells)
        elif self._row and self._missing > 0:  # a line break in a text
            self._add_to_row(b"\x7f\x7f" + line)

    def _add_to_row(self, line: bytes) -> None:
        self._missing -= line.count(b"\t")
        self._row += line
        if len(self._row) > MAX_ROW:
            raise UnsplittableFile

    def _end_row(self) -> None:
        """Find the project of the row that ends here."""
        if not self._row:
            return
        table = self._table
        row = bytes(self._row)
        cells = row.split(b"\t", -1 if table.is_read else table.project + 1)
        at = table.project
        project = cells[at].strip() if 0 < at < len(cells) else b""
        owner = self._number_of(project) if project else table.owner
        if table.is_read:
            owner = self._read_row(cells, project, owner)
        self._runs.begin(owner, *self._row_place)
        self._row = bytearray()

    def _number_of(self, project: bytes) -> int:
        known = self._owners.get(project)
        if known is not None:
            return known
        if len(self._owners) == MAX_PROJECTS:
            raise UnsplittableFile
        number = self._owners[project] = Owner.PROJECT + len(self._owners)
        return number

    def _read_row(self, cells: list[bytes], project: bytes, owner: int) -> int:
        """Note a project, or its name; return the owner of the row."""
        pick = self._table.pick
        if self._table.name == "PROJWBS":
            if pick(cells, "proj_node_flag") == b"Y":
                self._names[owner] = pick(cells, "wbs_name")[:_MAX_TEXT]
            return owner
        if not project:
            return Owner.FIRST
        if pick(cells, "export_flag") != b"N":
            line = self._row_place[1]
            self._projects.append(_Project(owner, line, pick(cells, "proj_short_name")))
        return owner

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
        return SplitFile(pieces, duplicates, charset=self._encoding)

    @property
    def _encoding(self) -> str:
        """The encoding of the file. A piece alone could be taken for one in another encoding."""
        return self._charset or ("utf-8" if self._is_utf8 else "windows-1252")

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
        return text.decode(self._encoding, "replace")

    def _fill(self, pieces: list[Piece], owners: dict[int, int]) -> None:
        """Give each piece its slices."""
        duplicates = {each.owner for each in self._projects} - owners.keys()
        for owner in range(Owner.FIRST, Owner.PROJECT + len(self._owners)):
            if owner not in duplicates:  # rows of a project that is not imported are counted once
                owners.setdefault(owner, 0)
        for piece, slices in zip(pieces, self._runs.distribute(owners, len(pieces)), strict=True):
            piece.slices = slices
        for before, piece in pairwise(pieces):
            before.next_index = piece.indexes[0]
        pieces[-1].next_index = len(self._projects)
