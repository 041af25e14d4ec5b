"""The ids of a project's records, and references to records that may come later."""

import pickle
from collections.abc import Iterator
from typing import Any, NamedTuple

from service.codes import WarningCode
from service.formats.engine.interface import IdSet
from service.formats.values import NULL
from service.spool.spool import SpoolFile, SpoolShare
from service.tables import Table

_IN_MEMORY = 256 * 1024
_ITEM_BYTES = 512
"""Bytes counted for an item of a queue besides its texts."""

Targets = tuple[tuple[bytes, ...], ...]
"""Ids with their kind as prefix. Each inner tuple has alternatives, of which one must exist."""


class Row(NamedTuple):
    """A row of a table: its COPY text, with and without the volatile members."""

    table: Table
    text: bytes
    hashed: bytes


class Reference(NamedTuple):
    """A reference that is resolved at the end of the project.

    Attributes:
        targets: the ids that it refers to.
        resolved: the row to add if all targets exist, or None.
        fallback: the row to add if a target is missing, or None.
        warning: code of the warning about a missing target; None makes it a violation.
        line: of the record, from 1.
        element: local name of the element or XML attribute that holds the reference.
        value: the id as the file has it.
        problem: the problem of a missing target, which follows element and value in a message.
    """

    targets: Targets
    resolved: Row | None
    fallback: Row | None
    warning: WarningCode | None
    line: int
    element: str
    value: str
    problem: str


class SpooledQueue:
    """A queue in memory while it is small, and then in a working file.

    It is written once, read once in the same order, and then empty.
    """

    def __init__(self, spool: SpoolShare) -> None:
        self._spool = spool
        self._first: list[Any] = []
        self._size = 0
        self._file: SpoolFile | None = None

    def put(self, item: object, size: int) -> None:
        """Add an item of about ``size`` bytes."""
        if self._file is None:
            self._size += _ITEM_BYTES + size
            if self._size <= _IN_MEMORY:
                self._first.append(item)
                return
            self._file = self._spool.new_file(_IN_MEMORY)
        pickle.dump(item, self._file, pickle.HIGHEST_PROTOCOL)

    def drain(self) -> Iterator[Any]:
        """Yield the items."""
        yield from self._first
        if self._file is not None:
            end = self._file.tell()
            self._file.seek(0)
            while self._file.tell() < end:
                yield pickle.load(self._file)
        self.close()

    def __bool__(self) -> bool:
        return bool(self._first) or self._file is not None

    def close(self) -> None:
        """Free memory and disk."""
        self._first.clear()
        self._size = 0
        if self._file is not None:
            self._file.close()
            self._file = None


class References:
    """The ids of one project's records, and spooled references to later records.

    Attributes:
        ids: the registered ids.
        held_table: the table of the rows that wait for ``release``; None if there are none.

    Args:
        spool: creates the spool files.
        ids: an empty id set.

    Raises:
        TooLarge: from every method: the import's share of the spool is used up.
        OSError: from every method: the disk fails or is full.
    """

    def __init__(self, spool: SpoolShare, ids: IdSet) -> None:
        self.ids = ids
        self.held_table: Table | None = None
        self._spool = spool
        self._waiting: SpooledQueue | None = None
        self._held: SpooledQueue | None = None

    def register(self, record_id: bytes) -> bool:
        """Register a record's id with its kind as prefix; False if it is already registered."""
        return self.ids.add(record_id) is None

    def exist(self, targets: Targets) -> bool:
        """Whether all targets are registered."""
        get = self.ids.get
        for choices in targets:
            for record_id in choices:
                if get(record_id) is not None:
                    break
            else:
                return False
        return True

    def wait(self, reference: Reference) -> None:
        """Store a reference until ``settle`` resolves it."""
        if self._waiting is None:
            self._waiting = SpooledQueue(self._spool)
        self._waiting.put(reference, _size_of(reference.resolved) + _size_of(reference.fallback))

    def settle(self) -> Iterator[tuple[Reference, bool]]:
        """Yield every stored reference, in order, and whether its targets exist now."""
        if self._waiting is not None:
            for reference in self._waiting.drain():
                yield reference, self.exist(reference.targets)

    def hold(self, targets: Targets, resolved: Row, fallback: Row) -> None:
        """Store both possible rows of a record until ``release``. All rows are of one table."""
        if self._held is None:
            self._held = SpooledQueue(self._spool)
        self._held.put((targets, resolved, fallback), _size_of(resolved) + _size_of(fallback))
        self.held_table = resolved.table

    def release(self) -> Iterator[Row]:
        """Yield one row for each record that waits, in order: ``resolved`` if its targets exist."""
        self.held_table = None
        if self._held is not None:
            for targets, resolved, fallback in self._held.drain():
                yield resolved if self.exist(targets) else fallback

    def close(self) -> None:
        """Free memory and disk."""
        self.ids.close()
        for queue in (self._waiting, self._held):
            if queue is not None:
                queue.close()


def _size_of(row: Row | None) -> int:
    return 0 if row is None else len(row.text) + len(row.hashed)


class Outline:
    """The possible parents of the next task, from the outline levels in the order of the file."""

    def __init__(self) -> None:
        self._above: list[tuple[int, bytes]] = []

    def parent(self, level: int, task_id: bytes) -> bytes:
        """Return the parent of the next task: the last task at a lower level, or a null."""
        above = self._above
        while above and above[-1][0] >= level:
            above.pop()
        parent = above[-1][1] if above else NULL
        above.append((level, task_id))
        return parent
