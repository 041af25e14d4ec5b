"""Holds complete projects of Primavera until their baselines have come.

A baseline is a record beside its project, before or after it, and belongs to the same version. So a
project waits for the baselines that may follow, in the order of the file and within bounds. Few
rows wait in memory, and many in one working file; each project has its own memory again only when
it is released.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from os import SEEK_END
from typing import Final, Protocol

from service.formats.limits import MIB
from service.formats.p6.baseline_rows import Baseline
from service.formats.values import NULL
from service.model import Item
from service.spool.disk_set import DiskSet
from service.spool.spool import SpoolFile, SpoolShare

WINDOW: Final = 4 * MIB
"""Bytes that wait unless a project names a baseline to come. The last project always waits."""

MAX_BYTES: Final = 256 * MIB
"""Bytes that wait for baselines that projects name, and likewise of baselines before their project.
It is at most a quarter of the import's working files."""

MAX_MEMORY: Final = 8 * MIB
"""Memory of the projects that wait, beside the working file: enough for some 2,000 of them. That of
the baselines of one project, and of those that wait for their project, has the same bound."""

_IN_MEMORY: Final = WINDOW
"""Bytes of rows that wait in memory before they go to the working file. Only rows of projects that
name a baseline can be more."""

_ENTRY_BYTES: Final = 4096
"""Memory of a project or a baseline beside its names and its shared objects."""

_REFERRED_BYTES: Final = 100
"""Memory of the name of a shared object."""


class Parkable(Protocol):
    """Rows in memory that can move to a file."""

    def park(self, file: SpoolFile) -> None: ...


class Holdable(Protocol):
    """A complete project; see ``P6ProjectBuilder``.

    Attributes:
        object_id: its ``ObjectId`` as COPY text.
        current_baseline: ``ObjectId`` of the baseline that it is compared with, or a null.
    """

    object_id: bytes
    current_baseline: bytes

    @property
    def size(self) -> int: ...
    @property
    def memory(self) -> int: ...
    def park(self, file: SpoolFile) -> None: ...
    def unpark(self) -> None: ...
    def join_baseline(self, number: int, baseline: Baseline) -> None: ...
    def items(self) -> list[Item]: ...
    def close(self) -> None: ...


@dataclass(slots=True)
class _Held:
    project: Holdable
    size: int
    memory: int
    baselines: list[Baseline] = field(default_factory=list)
    baseline_memory: int = 0

    def attach(self, baseline: Baseline) -> None:
        memory = _memory_of(baseline)
        self.baselines.append(baseline)
        self.size += baseline.content.size
        self.memory += memory
        self.baseline_memory += memory

    def has_room(self, baseline: Baseline) -> bool:
        """Whether the memory of its baselines stays within bounds; the first one always fits."""
        return not self.baselines or self.baseline_memory + _memory_of(baseline) <= MAX_MEMORY

    @property
    def waits(self) -> bool:
        """Whether the baseline that the project names has not come."""
        current = self.project.current_baseline
        return current is not NULL and all(each.object_id != current for each in self.baselines)


class HeldProjects:
    """The complete projects of a file that may still get baselines, in the order of the file.

    Args:
        spool: creates the working files.
        give_way: called between steps; as ``FileContext.give_way``.

    Attributes:
        skipped: baselines that came too long after their project, found no room to wait for it, or
            are too many for one project.
        early: baselines whose project has not come.

    Raises:
        TooLarge: from every method: the import's share of the spool is used up.
        OSError: from every method: the disk fails or is full.
    """

    def __init__(self, spool: SpoolShare, give_way: Callable[[], None]) -> None:
        self.skipped = self.early = 0
        self._spool = spool
        self._give_way = give_way
        self._max_bytes = min(MAX_BYTES, spool.max_bytes // 4)
        self._queue: deque[_Held] = deque()
        self._by_id: dict[bytes, _Held] = {}
        self._size = 0
        self._memory = 0
        self._early: dict[bytes, list[Baseline]] = {}
        self._early_size = 0
        self._early_memory = 0
        self._released: DiskSet | None = None
        self._in_memory: dict[Parkable, int] = {}
        self._rows_in_memory = 0
        self._parked: set[Parkable] = set()
        self._file: SpoolFile | None = None

    def add_project(self, project: Holdable) -> Iterator[Item]:
        """Hold a project, and return the items of those that need not wait any longer."""
        held = _Held(project, project.size, project.memory + _ENTRY_BYTES)
        for baseline in self._early.pop(project.object_id, ()):
            self.early -= 1
            self._early_size -= baseline.content.size
            self._early_memory -= _memory_of(baseline)
            held.attach(baseline)
        self._park_later(project, project.size)
        self._queue.append(held)
        if project.object_id is not NULL:
            self._by_id.setdefault(project.object_id, held)
        self._size += held.size
        self._memory += held.memory
        return self._evict(min(WINDOW, self._max_bytes))

    def add_baseline(self, baseline: Baseline) -> Iterable[Item]:
        """Give a baseline to its project, or keep it until the project comes.

        Returns:
            The items of earlier projects that find no room beside it.
        """
        released: Iterable[Item] = ()
        held = self._by_id.get(baseline.project_id)  # none if it names no project
        if held is not None and held.has_room(baseline):
            self._size += baseline.content.size
            self._memory += _memory_of(baseline)
            held.attach(baseline)
            released = self._evict(self._max_bytes, keep=held)
        elif (
            held is not None
            or baseline.project_id is NULL
            or (self._released is not None and baseline.project_id in self._released)
            or self._early_size + baseline.content.size > self._max_bytes
            or self._early_memory + _memory_of(baseline) > MAX_MEMORY
        ):
            self.skipped += 1
            baseline.content.close()
            return ()
        else:
            self._early.setdefault(baseline.project_id, []).append(baseline)
            self.early += 1
            self._early_size += baseline.content.size
            self._early_memory += _memory_of(baseline)
        self._park_later(baseline.content, baseline.content.size)
        return released

    def release(self) -> Iterator[Item]:
        """Yield the items of all projects, because no baseline follows."""
        while self._queue:
            yield from self._release_first()

    def close(self) -> None:
        """Free memory and disk."""
        for held in self._queue:
            _close(held)
        self._queue.clear()
        for baselines in self._early.values():
            for baseline in baselines:
                baseline.content.close()
        if self._released is not None:
            self._released.close()
        if self._file is not None:
            self._file.close()

    def _evict(self, window: int, keep: _Held | None = None) -> Iterator[Item]:
        while len(self._queue) > 1 and self._queue[0] is not keep:
            limit = self._max_bytes if self._queue[0].waits else window
            if self._size <= limit and self._memory <= MAX_MEMORY:
                break
            yield from self._release_first()

    def _release_first(self) -> Iterator[Item]:
        held = self._queue.popleft()
        project = held.project
        own: list[Parkable] = [project, *(baseline.content for baseline in held.baselines)]
        self._rows_in_memory -= sum(self._in_memory.pop(rows, 0) for rows in own)
        self._parked.difference_update(own)
        self._size -= held.size
        self._memory -= held.memory
        if self._by_id.get(project.object_id) is held:
            del self._by_id[project.object_id]
        if self._released is None:
            self._released = DiskSet(self._spool)
        self._released.add(project.object_id)
        try:
            project.unpark()
            for number, baseline in enumerate(held.baselines):
                project.join_baseline(number, baseline)
                self._give_way()
            items = project.items()
        except BaseException:
            _close(held)
            raise
        if not self._parked and self._file is not None:
            self._file.close()
            self._file = None
        yield from items
        self._give_way()

    def _park_later(self, rows: Parkable, size: int) -> None:
        """Keep rows in memory, and move all that wait there to the file if they are too many."""
        self._in_memory[rows] = size
        self._rows_in_memory += size
        if self._rows_in_memory > _IN_MEMORY:
            if self._file is None:
                self._file = self._spool.new_file()
            for each in self._in_memory:
                self._file.seek(0, SEEK_END)
                each.park(self._file)
                self._give_way()
            self._parked.update(self._in_memory)
            self._in_memory.clear()
            self._rows_in_memory = 0


def _memory_of(baseline: Baseline) -> int:
    return _ENTRY_BYTES + _REFERRED_BYTES * len(baseline.referred)


def _close(held: _Held) -> None:
    held.project.close()
    for baseline in held.baselines:
        baseline.content.close()
