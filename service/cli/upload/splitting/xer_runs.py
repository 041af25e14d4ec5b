"""Runs of lines of an XER file that belong to the same project, in arrays of bounded size."""

from array import array
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple, overload

from service.cli.upload.splitting.pieces import Slice

MAX_RUNS: Final = 500_000
"""Runs of a file. They need 10 MB; a file with more of them is not split."""
MAX_SLICES: Final = 1_000_000
"""Slices of all pieces. They need 32 MB; a file with more of them is not split."""


class UnsplittableFile(Exception):
    """The positions in a file exceed what is kept in memory, or a piece would mean another file."""


class Owner:
    """Numbers for the owners of runs. Projects have the numbers from ``PROJECT`` on."""

    EVERY: Final = 0
    """Every piece has the run: heads of tables, rows that projects share."""
    FIRST: Final = 1
    """Only the first piece has the run: rows that no project refers to."""
    PROJECT: Final = 2


class _Run(NamedTuple):
    owner: int
    place: Slice


class Runs:
    """The runs of a file, in its order. Each ends where the next one begins."""

    def __init__(self) -> None:
        self._owners = array("L")
        self._starts = array("Q")
        self._lines = array("Q")

    def begin(self, owner: int, start: int, line: int) -> None:
        """Note the owner of what begins here, unless it is that of the run before.

        Args:
            start: position in bytes.
            line: number of the line, from 1.

        Raises:
            UnsplittableFile: there are too many runs.
        """
        if self._owners and self._owners[-1] == owner:
            return
        if len(self._owners) == MAX_RUNS:
            raise UnsplittableFile
        self._append(owner, start, line)

    def end(self, size: int, line: int) -> None:
        """End the last run at the end of the file."""
        self._append(Owner.EVERY, size, line)

    def _append(self, owner: int, start: int, line: int) -> None:
        self._owners.append(owner)
        self._starts.append(start)
        self._lines.append(line)

    def __iter__(self) -> Iterator[_Run]:
        for place in range(len(self._owners) - 1):
            start, end = self._starts[place : place + 2]
            line, last_line = self._lines[place : place + 2]
            yield _Run(self._owners[place], Slice(start, end, line, last_line))

    def count_bytes(self, owners: int) -> "array[int]":
        """Return the number of bytes of each owner.

        Args:
            owners: the number of owners.
        """
        sizes = array("Q", bytes(8 * owners))
        for owner, place in self:
            sizes[owner] += place.end - place.start
        return sizes

    def distribute(self, pieces: Mapping[int, int], count: int) -> list["SliceArray"]:
        """Return the slices of each piece.

        Args:
            pieces: the piece of each owner; that of an owner without piece is left out.
            count: the number of pieces.

        Raises:
            UnsplittableFile: there are too many slices.
        """
        slices = [SliceArray() for _ in range(count)]
        added = 0
        for owner, place in self:
            if owner == Owner.EVERY:
                chosen = slices
            elif owner in pieces:
                chosen = [slices[pieces[owner]]]
            else:
                continue
            added += sum(each.add(place) for each in chosen)
            if added > MAX_SLICES:
                raise UnsplittableFile
        return slices


class SliceArray(Sequence[Slice]):
    """Slices in their order; adjacent ones become one."""

    def __init__(self) -> None:
        self._values = array("Q")

    def add(self, place: Slice) -> bool:
        """Add a slice, and return whether it is not adjacent to the last one."""
        values = self._values
        if values and values[-3] == place.start:
            values[-3], values[-1] = place.end, place.last_line
            return False
        values.extend(place)
        return True

    def __len__(self) -> int:
        return len(self._values) // 4

    @overload
    def __getitem__(self, place: int) -> Slice: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Slice]: ...
    def __getitem__(self, place: int | slice) -> Slice | Sequence[Slice]:
        chosen = range(len(self))[place]
        if isinstance(chosen, range):
            return [self[each] for each in chosen]
        return Slice(*self._values[4 * chosen : 4 * chosen + 4])
