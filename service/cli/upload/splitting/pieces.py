"""The pieces of a file that is split between its projects.

Splitting rewrites nothing. A piece consists of byte ranges of the file, in their order. In XML, the
start tags that are open at its beginning come first. A project from a piece therefore gives the
same result as from the whole file. Objects that projects share (Primavera's calendars, resources,
…) go into each piece whose projects refer to them, and those of an XER file into each piece. A
project that repeats an earlier one goes into none.
"""

from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate
from typing import Final, NamedTuple

from service.model import FileWarning, Refusal

MIB: Final = 1024 * 1024


class Slice(NamedTuple):
    """The bytes of the file from ``start`` up to ``end``, and their first and last line."""

    start: int
    end: int
    line: int
    last_line: int


@dataclass
class Piece:
    """A part of a file that is itself a complete file.

    Attributes:
        slices: its ranges of the file, in order.
        tail: end tags of the elements that are open at its end.
        indexes: the indexes of its projects in the file; empty for a file that is not split.
        next_index: the index in the file of the first project after the piece; None for a file
            that is not split.
        first_line: the line of the file at which its first project begins.
    """

    slices: Sequence[Slice]
    tail: bytes = b""
    indexes: "array[int]" = field(default_factory=lambda: array("Q"))
    next_index: int | None = None
    first_line: int = 1

    @property
    def is_whole_file(self) -> bool:
        return self.next_index is None

    @property
    def size(self) -> int:
        """Its size in bytes."""
        return sum(each.end - each.start for each in self.slices) + len(self.tail)

    def index_in_file(self, index: int) -> int:
        """Convert an index in the piece to the index in the file."""
        if self.next_index is None:
            return index
        return self.indexes[index] if index < len(self.indexes) else self.next_index

    def line_in_file(self, line: int) -> int:
        """Convert a line of the piece to the line of the file; both count from 1."""
        place = max(bisect_right(self._lines_before, line - 1) - 1, 0)
        return self.slices[place].line + line - 1 - self._lines_before[place]

    @cached_property
    def _lines_before(self) -> "array[int]":
        """The number of lines of the piece that end before each slice."""
        heights = (each.last_line - each.line for each in self.slices)
        return array("Q", accumulate(heights, initial=0))[:-1]


def whole_file(size: int) -> Piece:
    """Return the only piece of a file of ``size`` bytes that is not split."""
    return Piece([Slice(0, size, 1, 1)])


@dataclass(frozen=True)
class SplitFile:
    """The result of splitting a file.

    Attributes:
        pieces: at least one; a file that cannot be split is one piece.
        duplicates: projects that repeat an earlier one; they are in no piece.
        unused: number of shared objects that no project refers to; they are in no piece.
        charset: the encoding of the pieces; None if the service finds it.
        warnings: about the whole file, which the service cannot give for a piece.
    """

    pieces: list[Piece]
    duplicates: list[Refusal]
    unused: int = 0
    charset: str | None = None
    warnings: Sequence[FileWarning] = ()


class PieceBuilder:
    """Builds pieces from the ranges of a file, given in the order of the file.

    Args:
        size: approximate size of a piece in bytes.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._pieces: list[Piece] = []
        self._piece = Piece([])
        self._slices: list[Slice] = []
        self._shared: set[Slice] = set()
        self._taken_to = (0, 1)
        self._project_bytes = 0

    @property
    def is_full(self) -> bool:
        """Whether the next project should begin another piece."""
        shared = sum(each.end - each.start for each in self._shared)
        return len(self._piece.indexes) > 0 and self._project_bytes + shared >= self._size

    def begin_piece(self, at: int, line: int, opening: Iterable[Slice], tail: bytes) -> None:
        """End the current piece, and begin the next one.

        Args:
            opening: the start tags that are open here.
            tail: the end tags that close them.
        """
        self._take(at, line)
        self._piece.tail = tail
        self._end_piece()
        self._piece = Piece([], first_line=line)
        self._slices = [*opening]

    def add_project(self, index: int, size: int, shared: Iterable[Slice]) -> None:
        """Add a project to the current piece, with the objects that it refers to."""
        self._piece.indexes.append(index)
        self._project_bytes += size
        self._shared.update(shared)

    def leave_out(self, part: Slice) -> None:
        """Exclude a range from all pieces, except as a shared object of a project."""
        self._take(part.start, part.line)
        self._taken_to = (part.end, part.last_line)

    def finish(self, end: int, line: int, projects: int) -> list[Piece]:
        """Return all pieces, at the end of the file or of its well-formed part.

        The rest of a file without a complete project goes to the previous piece. The service then
        reports a broken rest together with the outcomes of complete projects.
        """
        self._take(end, line)
        rest = self._piece
        if not rest.indexes and self._pieces:
            before = self._pieces.pop()
            here = before.slices[-1].end
            self._slices = [*before.slices, *(each for each in self._slices if each.start >= here)]
            rest.indexes = before.indexes
            rest.first_line = before.first_line
        self._end_piece()
        for number, piece in enumerate(self._pieces, 1):
            is_last = number == len(self._pieces)
            piece.next_index = projects if is_last else self._pieces[number].indexes[0]
        return self._pieces

    def _take(self, end: int, line: int) -> None:
        """Take the range since the piece began, or since the last excluded range."""
        start, first_line = self._taken_to
        if end > start:
            self._slices.append(Slice(start, end, first_line, line))
        self._taken_to = (end, line)

    def _end_piece(self) -> None:
        ordered = sorted({*self._slices, *self._shared})
        self._piece.slices = [*_join(ordered)]
        self._pieces.append(self._piece)
        self._shared = set()
        self._project_bytes = 0


def _join(slices: Iterable[Slice]) -> Iterator[Slice]:
    """Yield the slices; adjacent ones become one."""
    last: Slice | None = None
    for each in slices:
        if last is not None and last.end == each.start:
            last = last._replace(end=each.end, last_line=each.last_line)
            continue
        if last is not None:
            yield last
        last = each
    if last is not None:
        yield last
