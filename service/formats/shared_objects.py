"""Objects of a file that stand outside its projects, kept until a project takes them.

A gigabyte of portfolio has some 240 MB of them, so that only an index stays in memory: contents and
references go to a spool, in memory while it is small, then in an unlinked file.
"""

import pickle
from array import array
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from service.formats.engine.record_parser import Fault
from service.model import SharedObject
from service.spool.disk_set import DiskSet
from service.spool.spool import SpoolShare, TooLarge

_NONE = 0xFFFF_FFFF
_CACHED = 4096

MOST_TAKEN = 100_000
"""How many objects the projects of a file may take together."""

MOST_EACH = 1_000
"""How many each may take in any case; real ones take up to some 150. Without a bound few bytes of a
project cost as much as the longest chain of objects, here and in the database."""


@dataclass(frozen=True, slots=True)
class SharedObjectRules:
    """How a format names the objects outside its projects.

    Attributes:
        elements: local names of the objects, directly under the root.
        name_of: the name of an object, from its element and its id.
        owners_of: from an object's element and the names that it refers to, those of its owners:
            a project that takes an owner takes the object too.
        references_of_field: the names of the objects that a field may refer to, from the local
            names of the record and of the field, and from the field's text.
    """

    elements: frozenset[str]
    name_of: Callable[[str, str], bytes]
    owners_of: Callable[[str, Iterable[bytes]], list[bytes]]
    references_of_field: Callable[[str, str, str], set[bytes]]


class Node(NamedTuple):
    """What is known of an object without its content.

    Attributes:
        ordinal: place among the objects of the file, from 0.
        digest: its hash.
        references: names of the objects that it refers to.
        columns: what a row of it holds, as COPY text; empty for most.
        faults: what is wrong in it; a fatal one keeps every project that takes it from landing.
    """

    ordinal: int
    digest: bytes
    references: tuple[bytes, ...]
    columns: bytes
    faults: tuple[Fault, ...]


class SharedStore:
    """The shared objects of one file, by name.

    An object has a name of its own and may be filed under that of an owner besides: whoever takes
    the owner takes it too. Where several objects of different content have one name, a project
    that refers to it takes all of them: nothing tells which is meant.

    Args:
        memory: bytes of contents kept in memory.
        spool: where spool files are made.
        most: how many objects the projects may take together before each is held to ``MOST_EACH``;
            by default ``MOST_TAKEN``.

    Attributes:
        ambiguous: how many objects have the name of another and not its content.

    Raises:
        TooLarge: from ``add``, where the import's share of the spool is used up.
        OSError: from every method, where the disk fails or is full.
    """

    def __init__(self, memory: int, spool: SpoolShare, most: int | None = None) -> None:
        self.ambiguous = 0
        self._most = most
        self._taken = 0
        self._first = DiskSet(spool)
        self._offsets = array("Q")
        self._next = array("I")
        self._last = array("I")
        self._handed_out = bytearray()
        self._spool = spool.new_file(memory)
        self._node = lru_cache(_CACHED)(self._read_node)

    def __contains__(self, name: bytes) -> bool:
        return name in self._first

    @property
    def unused(self) -> int:
        """How many objects no project has taken."""
        return self._handed_out.count(0)

    def add(
        self,
        name: bytes | None,
        shared: SharedObject,
        references: Iterable[bytes],
        *,
        owners: Iterable[bytes] = (),
        columns: bytes = b"",
        faults: Iterable[Fault] = (),
    ) -> None:
        """Keep an object; one that is there with the same name and content is not kept again.

        Args:
            name: its own, if it has one.
            shared: the object.
            references: names of those that it refers to, there already or not.
            owners: names that it is filed under besides.
            columns: see ``Node``.
            faults: see ``Node``.
        """
        twin = None if name is None else self.find(name)
        if twin is not None:
            if twin.digest == shared.hash:
                return
            self.ambiguous += 1
        ordinal = len(self._handed_out)
        self._handed_out.append(0)
        offset = self._spool.seek(0, 2)
        node = (ordinal, shared.hash, tuple(sorted(references)), columns, tuple(faults))
        content = (shared.element, shared.object_id, shared.attributes)
        pickle.dump(node, self._spool, pickle.HIGHEST_PROTOCOL)
        pickle.dump(content, self._spool, pickle.HIGHEST_PROTOCOL)
        for filed in owners if name is None else (name, *owners):
            self._file(filed, offset)

    def find(self, name: bytes) -> Node | None:
        """The first object of a name, or None."""
        first = self._first.get(name)
        return None if first is None else self._node(self._offsets[first])

    def take(self, names: Iterable[bytes], taken: set[bytes]) -> tuple[list[int], Fault | None]:
        """Take objects and, transitively, all that they refer to.

        Args:
            names: of the objects; one that nothing has is passed over.
            taken: hashes of those taken before; grows by the new ones.

        Returns:
            where those are that were never handed out before, in the file's order, for
            ``objects``; and a fatal fault of one of them, for which none is handed out.

        Raises:
            TooLarge: the file's projects take more objects than they may.
        """
        together = MOST_TAKEN if self._most is None else self._most
        most = max(together - self._taken, MOST_EACH)
        fatal = None
        fresh: dict[int, int] = {}
        seen = set(names)
        queue = list(seen)
        while queue:
            for offset in self._filed(queue.pop()):
                node = self._node(offset)
                if unfit := next((fault for fault in node.faults if fault.fatal), None):
                    fatal = unfit
                    continue
                if node.digest not in taken:
                    self._taken += 1
                    if len(taken) == most:
                        raise TooLarge("it refers to more shared objects than a project may")
                    taken.add(node.digest)
                    queue += (name for name in node.references if name not in seen)
                    seen.update(node.references)
                if not self._handed_out[node.ordinal]:
                    fresh[node.ordinal] = offset
        if fatal is not None:
            return [], fatal
        for ordinal in fresh:
            self._handed_out[ordinal] = 1
        return [fresh[ordinal] for ordinal in sorted(fresh)], None

    def objects(self, places: Iterable[int]) -> Iterator[SharedObject]:
        """Read objects, as ``take`` told of them."""
        return map(self._object, places)

    def close(self) -> None:
        """Give back memory and disk."""
        self._node.cache_clear()
        self._first.close()
        self._spool.close()

    def _file(self, name: bytes, offset: int) -> None:
        entry = len(self._offsets)
        self._offsets.append(offset)
        self._next.append(_NONE)
        self._last.append(entry)
        first = self._first.add(name, entry)
        if first is not None:
            self._next[self._last[first]] = entry
            self._last[first] = entry

    def _filed(self, name: bytes) -> Iterator[int]:
        entry = self._first.get(name)
        while entry is not None and entry != _NONE:
            yield self._offsets[entry]
            entry = self._next[entry]

    def _read_node(self, offset: int) -> Node:
        self._spool.seek(offset)
        return Node(*pickle.load(self._spool))

    def _object(self, offset: int) -> SharedObject:
        digest = self._read_node(offset).digest
        element, object_id, attributes = pickle.load(self._spool)
        return SharedObject(digest, element, object_id, attributes)
