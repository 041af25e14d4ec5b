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

Targets = tuple[tuple[bytes, ...], ...]
"""Ids, each after its kind: of each inner tuple at least one must be registered."""


class Row(NamedTuple):
    """A row of a table: its COPY text, and the same without the volatile members."""

    table: Table
    text: bytes
    hashed: bytes


class Reference(NamedTuple):
    """A reference that waits until it is known whether its targets exist.

    Attributes:
        targets: what it refers to.
        resolved: the row to add where all targets exist, or None.
        fallback: the row to add where one is missing, or None.
        warning: code of the warning where one is missing; None makes it a violation.
        line: of the record, from 1.
        element: local name of what holds the reference.
        value: the id as the file has it.
        problem: what is wrong where one is missing, to follow element and value in a message.
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
    """Objects in order: written once, read once, then deleted."""

    def __init__(self, spool: SpoolShare) -> None:
        self._spool = spool
        self._file: SpoolFile | None = None

    def put(self, item: object) -> None:
        if self._file is None:
            self._file = self._spool.new_file(_IN_MEMORY)
        pickle.dump(item, self._file, pickle.HIGHEST_PROTOCOL)

    def drain(self) -> Iterator[Any]:
        if self._file is None:
            return
        end = self._file.tell()
        self._file.seek(0)
        while self._file.tell() < end:
            yield pickle.load(self._file)
        self.close()

    @property
    def filled(self) -> bool:
        return self._file is not None

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


class References:
    """The ids of one project's records; references to later records are spooled.

    Args:
        spool: where spool files are made.
        ids: an empty id set.

    Raises:
        TooLarge: from every method, where the import's share of the spool is used up.
        OSError: from every method, where the disk fails or is full.
    """

    def __init__(self, spool: SpoolShare, ids: IdSet) -> None:
        self.ids = ids
        self._waiting = SpooledQueue(spool)
        self._held = SpooledQueue(spool)
        self._held_table: Table | None = None

    def register(self, record_id: bytes) -> bool:
        """Register a record's id, after its kind; False where it was registered before."""
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
        """Keep a reference until ``settle``."""
        self._waiting.put(reference)

    def settle(self) -> Iterator[tuple[Reference, bool]]:
        """Yield every reference that waited, in order, and whether its targets exist now."""
        for reference in self._waiting.drain():
            yield reference, self.exist(reference.targets)

    @property
    def holding(self) -> bool:
        """Whether rows are held that ``release`` yields."""
        return self._held_table is not None

    def holds(self, table: Table | None) -> bool:
        """Whether rows of a table are held."""
        return self._held_table is not None and self._held_table is table

    def hold(self, targets: Targets, resolved: Row, fallback: Row) -> None:
        """Keep the two rows that a record may become until ``release``, all of one table."""
        self._held.put((targets, resolved, fallback))
        self._held_table = resolved.table

    def release(self) -> Iterator[Row]:
        """Yield the row of every held record, in order: ``resolved`` if its targets exist now."""
        self._held_table = None
        for targets, resolved, fallback in self._held.drain():
            yield resolved if self.exist(targets) else fallback

    def close(self) -> None:
        """Free memory and disk."""
        self.ids.close()
        self._waiting.close()
        self._held.close()


class Outline:
    """The tasks that the next task may be under, by outline levels in the file's order."""

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
