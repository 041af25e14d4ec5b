"""A file cut at project boundaries: where its pieces begin and end.

Nothing is written anew: a piece is ranges of the file's own bytes, in the file's order, behind the
start tags that are open there. So projects come out of pieces as they would of the whole. What
several projects share (Primavera's calendars, resources, …) goes into each piece whose projects
refer to it; a project that the file had before goes into none.

    file ─▶ scanning ─▶ units ─▶ Cutter ─▶ Piece, Piece, …     and the duplicates
            (tags)      (ids)    (ranges)
"""

from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate
from typing import Any, Final, NamedTuple

from service.codes import ErrorCode
from service.model import format_duplicate

MIB: Final = 1024 * 1024


class Slice(NamedTuple):
    """A range of the file's bytes, from ``start`` to ``end``, and the lines that these are in."""

    start: int
    end: int
    line: int
    last_line: int


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A project that the file had before, at ``first_line``."""

    index: int
    line: int
    external_id: str
    name: str | None
    first_line: int

    def told(self) -> dict[str, Any]:
        """It as a service tells of it."""
        code = ErrorCode.DUPLICATE_PROJECT
        return {
            "index": self.index,
            "external_id": self.external_id,
            "name": self.name,
            "line": self.line,
            "code": code.status,
            "error": code.value,
            "message": format_duplicate(self.first_line),
            "retryable": code.retryable,
            "first_line": self.first_line,
        }


@dataclass
class Piece:
    """A part of a file that is a file of its own.

    Attributes:
        slices: what of the file it holds, in order.
        tail: what closes the elements that are open at its end.
        indexes: the places in the file of its projects; none of a file that is not cut.
        following: the place of whatever comes behind them.
    """

    slices: list[Slice]
    tail: bytes = b""
    indexes: "array[int]" = field(default_factory=lambda: array("Q"))
    following: int | None = None

    @property
    def size(self) -> int:
        """Its bytes."""
        return sum(each.end - each.start for each in self.slices) + len(self.tail)

    def index(self, inside: int) -> int:
        """The place in the file of what has that place in the piece."""
        if self.following is None:
            return inside
        return self.indexes[inside] if inside < len(self.indexes) else self.following

    def line(self, inside: int) -> int:
        """The line of the file that is that line of the piece; both count from 1."""
        place = max(bisect_right(self._before, inside - 1) - 1, 0)
        return self.slices[place].line + inside - 1 - self._before[place]

    @cached_property
    def _before(self) -> list[int]:
        """How many lines of the piece are complete before each slice."""
        heights = [each.last_line - each.line for each in self.slices]
        return [0, *accumulate(heights[:-1])]


def uncut(size: int) -> Piece:
    """A file of ``size`` bytes, as it is."""
    return Piece([Slice(0, size, 1, 1)])


@dataclass(frozen=True)
class Cut:
    """A file's pieces.

    Attributes:
        pieces: at least one; a file that cannot be cut is one piece, as it is.
        duplicates: projects that are in none.
        unused: shared objects that no project refers to, which are in none either.
    """

    pieces: list[Piece]
    duplicates: list[Duplicate]
    unused: int = 0


class Cutter:
    """Puts a file's ranges together to pieces as it is told of them, in the file's order.

    Args:
        size: about how many bytes a piece shall have.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._pieces: list[Piece] = []
        self._piece = Piece([])
        self._shared: set[Slice] = set()
        self._flowing = (0, 1)
        self._own = 0

    @property
    def full(self) -> bool:
        """Whether the next project should begin another piece."""
        shared = sum(each.end - each.start for each in self._shared)
        return len(self._piece.indexes) > 0 and self._own + shared >= self._size

    def cut(self, at: int, line: int, opening: Iterable[Slice], tail: bytes) -> None:
        """End the piece here, and begin the next one.

        Args:
            opening: the start tags that are open here.
            tail: what closes them.
        """
        self._flow(at, line)
        self._piece.tail = tail
        self._close()
        self._piece = Piece([*opening])

    def keep(self, project: int, size: int, shared: Iterable[Slice]) -> None:
        """A project that belongs into this piece, with the objects that it refers to."""
        self._piece.indexes.append(project)
        self._own += size
        self._shared.update(shared)

    def leave_out(self, what: Slice) -> None:
        """A range that is in no piece unless it is shared."""
        self._flow(what.start, what.line)
        self._flowing = (what.end, what.last_line)

    def finish(self, end: int, line: int, projects: int) -> list[Piece]:
        """All pieces, once the file has ended, or is not to be understood from some place on.

        What is left without a complete project goes to the piece before it, as a service tells of
        what is broken in the answer to what is whole.
        """
        self._flow(end, line)
        rest = self._piece
        if not rest.indexes and self._pieces:
            before = self._pieces[-1]
            here = before.slices[-1].end
            rest.slices = [*before.slices, *(each for each in rest.slices if each.start >= here)]
            rest.indexes = before.indexes
            self._pieces.pop()
        self._close()
        for place, piece in enumerate(self._pieces, 1):
            later = self._pieces[place].indexes[0] if place < len(self._pieces) else projects
            piece.following = later
        return self._pieces

    def _flow(self, end: int, line: int) -> None:
        """Take what has come since the last range that was left out, or the last cut."""
        start, first = self._flowing
        if end > start:
            self._piece.slices.append(Slice(start, end, first, line))
        self._flowing = (end, line)

    def _close(self) -> None:
        ordered = sorted({*self._piece.slices, *self._shared})
        self._piece.slices = [*_joined(ordered)]
        self._pieces.append(self._piece)
        self._shared = set()
        self._own = 0


def _joined(slices: Iterable[Slice]) -> Iterator[Slice]:
    """Slices, those that touch as one."""
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
