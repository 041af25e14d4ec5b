"""What a project's records are called, and references to those that may come later."""

import pickle
from collections.abc import Iterator
from functools import partial
from typing import Any, NamedTuple

from service.codes import WarningCode
from service.formats.engine import id_sets
from service.spool.disk_set import DiskSet
from service.spool.spool import SpoolFile, SpoolShare
from service.tables import Table

_IN_MEMORY = 256 * 1024

Wanted = tuple[tuple[bytes, ...], ...]
"""Names that must be known: of each inner tuple at least one."""


class Row(NamedTuple):
    """A row of a table: its COPY text, and the same without what changes at every save."""

    table: Table
    text: bytes
    hashed: bytes


class Reference(NamedTuple):
    """A record that says the name of others, kept until it is known whether they are there.

    Attributes:
        wanted: the names.
        found: the row to add where all are there, or None.
        lost: the row to add where one is not, or None.
        code: the warning where one is not; None makes it a fault of the project.
        line: of the reference, from 1.
        element: local name of what holds it.
        value: the name as the file has it.
        problem: what is wrong where one is not there, to be read behind element and value.
    """

    wanted: Wanted
    found: Row | None
    lost: Row | None
    code: WarningCode | None
    line: int
    element: str
    value: str
    problem: str


class RecordQueue:
    """Records in order: written once, read back once, then gone."""

    def __init__(self, spool: SpoolShare) -> None:
        self._spool = spool
        self._file: SpoolFile | None = None

    def put(self, record: object) -> None:
        if self._file is None:
            self._file = self._spool.new_file(_IN_MEMORY)
        pickle.dump(record, self._file, pickle.HIGHEST_PROTOCOL)

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
    """The names of one project's records; what waits for later ones is spooled, not held.

    Args:
        spool: where spool files are made.

    Raises:
        TooLarge: from every method, where the import's share of the spool is used up.
        OSError: from every method, where the disk fails or is full.
    """

    def __init__(self, spool: SpoolShare) -> None:
        self.names = id_sets.id_set_for(partial(DiskSet, spool))
        self._waiting = RecordQueue(spool)
        self._held = RecordQueue(spool)

    def add(self, name: bytes) -> bool:
        """Make a name known; False where it was known before."""
        return self.names.add(name) is None

    def known(self, wanted: Wanted) -> bool:
        """Whether all that is wanted is there already."""
        get = self.names.get
        for choices in wanted:
            for name in choices:
                if get(name) is not None:
                    break
            else:
                return False
        return True

    def wait(self, reference: Reference) -> None:
        """Keep a reference until ``settle``."""
        self._waiting.put(reference)

    def settle(self) -> Iterator[tuple[Reference, bool]]:
        """Every reference that waited, in order, and whether all that it wants is there now."""
        for reference in self._waiting.drain():
            yield reference, self.known(reference.wanted)

    @property
    def holding(self) -> bool:
        """Whether anything is held that ``release`` gives back."""
        return self._held.filled

    def hold(self, wanted: Wanted, found: Row, lost: Row) -> None:
        """Keep the two rows that a record may become until ``release``."""
        self._held.put((wanted, found, lost))

    def release(self) -> Iterator[Row]:
        """The row of every record held, in order: ``found`` if all that it wants is there now."""
        for wanted, found, lost in self._held.drain():
            yield found if self.known(wanted) else lost

    def close(self) -> None:
        """Give back memory and disk."""
        self.names.close()
        self._waiting.close()
        self._held.close()
