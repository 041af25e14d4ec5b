"""Stores the objects outside the projects of a file until a project takes them.

A portfolio of a gigabyte has some 240 MB of such objects. Only an index stays in memory. Contents
and references go to a spool, which moves from memory to an unlinked file once it is large.
"""

import pickle
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from service.formats.engine.parsed_record import Fault, Faults
from service.model import SharedObject
from service.spool.disk_set import DiskSet
from service.spool.spool import SpoolShare, TooLarge

_NONE = 0xFFFF_FFFF
_CACHED = 4096
_LARGEST_CACHED = 512
"""Nodes that are kept in memory, and the bytes of the largest of them on disk."""

_FEW_NAMES = 8
"""Names of a record, at most, whose objects are remembered."""

_CLOSURES = 10_000
"""Names and hashes in the closures that are kept. Many projects refer to the same names."""

MAX_TAKEN = 100_000
"""Largest number of objects that one project may take."""

FREE = 1_000
BYTES_EACH = 8
"""The projects of a file may take ``FREE`` objects together, and one for each ``BYTES_EACH`` bytes
of the objects' attributes and the projects' rows. Without a bound by size, a project of a few bytes
could take a long chain of objects, which costs time here and in the database. Real projects take
some 150 objects, and their rows have more than 10,000 bytes."""


@dataclass(frozen=True, slots=True)
class SharedObjectRules:
    """The rules by which a format names the objects outside its projects.

    Attributes:
        elements: local names of the objects, which are directly under the root.
        name_of: returns the name of an object, given its element and its id.
        owners_of: returns the names of an object's owners, given its element and the names that it
            refers to. A project that takes an owner takes the object too.
        references_of_field: returns the names of the objects that a field may refer to, given the
            local names of the record and of the field, and the field's text.
        references: returns the names of the objects that a record may refer to, given its local
            name and its attributes as JSON with sorted keys.
        refers: whether a field can refer to an object, given the local names of the record and of
            the field.
    """

    elements: frozenset[str]
    name_of: Callable[[str, str], bytes]
    owners_of: Callable[[str, Iterable[bytes]], list[bytes]]
    references_of_field: Callable[[str, str, str], set[bytes]]
    references: Callable[[str, bytes], frozenset[bytes]]
    refers: Callable[[str, str], bool]


class Node(NamedTuple):
    """An object without its content.

    Attributes:
        ordinal: position among the objects of the file, from 0.
        digest: its hash.
        references: names of the objects that it refers to.
        columns: the columns of its row, as COPY text; empty for most objects.
        faults: its faults; a fatal fault refuses every project that takes the object.
    """

    ordinal: int
    digest: bytes
    references: tuple[bytes, ...]
    columns: bytes
    faults: Faults | None


class _Closure(NamedTuple):
    """All objects that some names lead to, after a project has taken them.

    Attributes:
        digests: their hashes.
        visited: number of objects that a project visits to take them.
    """

    digests: frozenset[bytes]
    visited: int


class SharedStore:
    """The shared objects of one file, by name.

    The store lists an object under its name, and also under the names of its owners: a project that
    takes an owner takes the object too. If objects with different content have the same name, a
    project that refers to the name takes all of them, because the file does not say which it means.

    Args:
        memory: bytes of contents kept in memory.
        spool: creates the spool files.
        bounded: whether ``take`` bounds the number of objects.
        give_way: called between steps; as ``FileContext.give_way``.

    Attributes:
        ambiguous: number of objects with the name of an earlier object, but different content.

    Raises:
        TooLarge: from ``add``: the import's share of the spool is used up.
        OSError: from every method: the disk fails or is full.
    """

    def __init__(
        self,
        memory: int,
        spool: SpoolShare,
        *,
        bounded: bool = True,
        give_way: Callable[[], None] = lambda: None,
    ) -> None:
        self.ambiguous = 0
        self._give_way = give_way
        self._bounded = bounded
        self._visited = 0
        self._size = 0
        self._first = DiskSet(spool)
        self._offsets = array("Q")
        self._next = array("I")
        self._last = array("I")
        self._taken = bytearray()
        self._spool = spool.new_file(memory)
        self._nodes: dict[int, Node] = {}
        self._existing: dict[frozenset[bytes], frozenset[bytes]] = {}
        self._closures: dict[frozenset[bytes], _Closure] = {}
        self._closure_size = 0

    def __contains__(self, name: bytes) -> bool:
        return name in self._first

    def __len__(self) -> int:
        return len(self._taken)

    @property
    def unused(self) -> int:
        """Number of objects that no project has taken."""
        return self.count_unused(len(self))

    def count_unused(self, among: int) -> int:
        """Return the number of objects that no project has taken, among the first ones."""
        return self._taken.count(0, 0, among)

    def add(
        self,
        name: bytes | None,
        shared: SharedObject,
        references: Iterable[bytes],
        *,
        owners: Sequence[bytes] = (),
        columns: bytes = b"",
        faults: Faults | None = None,
    ) -> None:
        """Store an object, unless the store has one with the same name or owners, and content.

        Args:
            name: of the object, if it has one.
            shared: the object.
            references: names of the objects that it refers to; they may come later.
            owners: names of its owners.
            columns: see ``Node``.
            faults: see ``Node``.
        """
        if name is None:
            if owners and self._has_variant(b"", shared):
                return
        elif (twin := self.find(name)) is not None:
            if twin.digest == shared.hash or self._has_variant(name, shared):
                return
            self.ambiguous += 1
        self._existing.clear()
        self._closures.clear()
        self._size += len(shared.attributes)
        ordinal = len(self._taken)
        self._taken.append(0)
        offset = self._spool.seek(0, 2)
        node = (ordinal, shared.hash, tuple(sorted(references)), columns, faults)
        content = (shared.element, shared.object_id, shared.attributes)
        pickle.dump(node, self._spool, pickle.HIGHEST_PROTOCOL)
        pickle.dump(content, self._spool, pickle.HIGHEST_PROTOCOL)
        if name is not None:
            self._file(name, offset)
        for owner in owners:
            self._file(_owned_by(owner), offset)

    def existing(self, names: frozenset[bytes]) -> frozenset[bytes]:
        """Return those of the names that objects have."""
        existing = self._existing.get(names)
        if existing is None:
            first = self._first
            existing = frozenset(
                [name for name in names if name in first or _owned_by(name) in first]
            )
            if len(names) <= _FEW_NAMES:
                if len(self._existing) == _CACHED:
                    self._existing.clear()
                self._existing[names] = existing
        return existing

    def find(self, name: bytes) -> Node | None:
        """Return the first object with a name, or None."""
        first = self._first.get(name)
        return None if first is None else self._node(self._offsets[first])

    def take(
        self, names: Iterable[bytes], taken: set[bytes], size: int = 0
    ) -> tuple[list[int], Fault | None]:
        """Take objects and, transitively, all objects that they refer to.

        Args:
            names: of the objects; a name without an object is ignored.
            taken: hashes of the objects that the project has taken; the method adds the new ones.
            size: bytes of the project's rows.

        Returns:
            Offsets, for ``objects``, of the objects that no earlier project has taken, in the order
            of the file; and a fatal fault of an object, if any. With a fault, there are no offsets.

        Raises:
            TooLarge: the project takes more objects than it may.
        """
        self._size += size
        left = min(MAX_TAKEN, FREE + self._size // BYTES_EACH - self._visited)
        closure = None if taken else self._closures.get(frozenset(names))
        if closure is not None and not (self._bounded and closure.visited > left):
            self._visited += closure.visited
            taken |= closure.digests
            return [], None
        return self._walk(frozenset(names), taken, left)

    def _walk(
        self, names: frozenset[bytes], taken: set[bytes], left: int
    ) -> tuple[list[int], Fault | None]:
        first = not taken
        visited = self._visited
        new: dict[int, int] = {}
        seen = set(names)
        queue = list(seen)
        while queue:
            for offset in self._filed(queue.pop()):
                self._give_way()
                if self._bounded and not left:
                    raise TooLarge("it refers to more shared objects than a project may")
                left -= 1
                self._visited += 1
                node = self._node(offset)
                if node.faults is not None and node.faults.fatal is not None:
                    return [], node.faults.fatal
                if node.digest not in taken:
                    taken.add(node.digest)
                    queue += (name for name in node.references if name not in seen)
                    seen.update(node.references)
                if not self._taken[node.ordinal]:
                    new[node.ordinal] = offset
        for ordinal in new:
            self._taken[ordinal] = 1
        if first:
            self._remember(names, _Closure(frozenset(taken), self._visited - visited))
        return [new[ordinal] for ordinal in sorted(new)], None

    def _remember(self, names: frozenset[bytes], closure: "_Closure") -> None:
        self._closure_size += len(names) + len(closure.digests)
        if self._closure_size > _CLOSURES or not self._closures:
            self._closures.clear()
            self._closure_size = len(names) + len(closure.digests)
        if self._closure_size <= _CLOSURES:
            self._closures[names] = closure

    def objects(self, offsets: Iterable[int]) -> Iterator[SharedObject]:
        """Read the objects at the offsets that ``take`` returned."""
        return map(self._read_object, offsets)

    def close(self) -> None:
        """Free memory and disk."""
        self._nodes.clear()
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

    def _has_variant(self, name: bytes, shared: SharedObject) -> bool:
        """Whether an object with this content was stored beside another of its name or its owners.

        Without this, each project would visit every copy.
        """
        return self._first.add(b"%b\0%b" % (name, shared.hash)) is not None

    def _filed(self, name: bytes) -> Iterator[int]:
        """Yield the offsets of the objects with a name, and of those that they own."""
        for filed in name, _owned_by(name):
            entry = self._first.get(filed)
            while entry is not None and entry != _NONE:
                yield self._offsets[entry]
                entry = self._next[entry]

    def _node(self, offset: int) -> Node:
        node = self._nodes.get(offset)
        if node is None:
            node = self._read_node(offset)
            if self._spool.tell() - offset <= _LARGEST_CACHED:
                if len(self._nodes) == _CACHED:
                    self._nodes.clear()
                self._nodes[offset] = node
        return node

    def _read_node(self, offset: int) -> Node:
        self._spool.seek(offset)
        return Node(*pickle.load(self._spool))

    def _read_object(self, offset: int) -> SharedObject:
        digest = self._read_node(offset).digest
        element, object_id, attributes = pickle.load(self._spool)
        return SharedObject(digest, element, object_id, attributes)


def _owned_by(name: bytes) -> bytes:
    """Return the name of the objects that an object owns. They may come before it."""
    return b"\0" + name
