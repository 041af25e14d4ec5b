"""Allocates each project and shared object of a file to pieces, at its end.

The format's rules define the identity of a project, and the fields that refer to shared objects. If
a single field does not decide which object it refers to, the piece contains all candidates.
"""

import struct
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from service.cli.upload.splitting.pieces import MIB, PieceBuilder, Slice
from service.formats import values
from service.formats.format import Format
from service.formats.shared_objects import SharedStore
from service.formats.values import unescape
from service.model import Place, Refusal, SharedObject, duplicate_project
from service.spool.disk_set import DiskSet
from service.spool.spool import SpoolShare

_SLICE: Final = struct.Struct(">4Q")
"""A slice as bytes. The store has it in place of a content hash, so that all objects differ."""


@dataclass
class Unit:
    """A project or a shared object.

    Attributes:
        start, line: its beginning, as in ``Slice``.
        element: local name of a shared object; empty for a project.
        texts: the texts of its own fields, by ``Field.source``.
        references: names of the shared objects that it refers to.
    """

    start: int
    line: int
    element: str = ""
    texts: dict[str, str] = field(default_factory=dict)
    references: set[bytes] = field(default_factory=set)


class Allocator:
    """Decides the piece of each project and shared object, in the order of the file.

    Args:
        source: the format of the file.
        share: where spool files are created.
        builder: receives the decisions.

    Attributes:
        shared_elements: local names of shared objects.
        wanted: ``Field.source`` of the project's fields whose texts are needed.
        projects: the number of projects so far.
        duplicates: projects that repeat an earlier project of the file.
    """

    def __init__(self, source: Format, share: SpoolShare, builder: PieceBuilder) -> None:
        self._format = source
        self._rules = source.shared
        self._names = [each.source for each in source.project.fields if each.column == "name"]
        self._builder = builder
        self._store = SharedStore(8 * MIB, share, bounded=False)
        self._ids = DiskSet(share)
        self.shared_elements = frozenset[str]() if self._rules is None else self._rules.elements
        self.wanted = {each.source for each in source.identity}.union(self._names)
        self.projects = 0
        self.duplicates: list[Refusal] = []

    @property
    def unused(self) -> int:
        """The number of shared objects that no project has taken."""
        return self._store.unused

    def refer(self, unit: Unit, record: str, name: str, text: str) -> None:
        """Note the shared objects that a field refers to.

        Args:
            record: local name of the record that has the field; empty for the unit itself.
            name: local name of the field.
        """
        if self._rules is None:
            return
        element = unit.element or record or self._format.project.name
        references = self._rules.references_of_field(element, name, text)
        if not unit.element:  # a project can take only the objects that come before it
            references = {each for each in references if each in self._store}
        unit.references |= references

    def end(self, unit: Unit, at: int, line: int) -> None:
        """Allocate a unit that ends here."""
        place = Slice(unit.start, at, unit.line, line)
        if unit.element:
            self._keep_shared(unit, place)
            self._builder.leave_out(place)
            return
        index = self.projects
        self.projects += 1
        if (duplicate := self._find_duplicate(unit, index)) is not None:
            self.duplicates.append(duplicate)
            self._builder.leave_out(place)
        else:
            self._builder.add_project(index, at - unit.start, self._take_shared(unit))

    def _find_duplicate(self, unit: Unit, index: int) -> Refusal | None:
        external_id = self._format.identify(unit.texts)
        if external_id is None:
            return None
        first_line = self._ids.add(external_id.encode(), unit.line)
        if first_line is None:
            return None
        name = next(filter(None, map(unit.texts.get, self._names)), None)
        first = Place(None, first_line)
        return duplicate_project(index, unit.line, external_id, name, first)

    def _keep_shared(self, unit: Unit, place: Slice) -> None:
        assert self._rules is not None
        parsed = values.ID.parse(unit.texts.get("ObjectId", ""))
        object_id = None if parsed is None else unescape(parsed)
        self._store.add(
            None if object_id is None else self._rules.name_of(unit.element, object_id),
            SharedObject(_SLICE.pack(*place), unit.element, object_id, b""),
            unit.references,
            owners=self._rules.owners_of(unit.element, unit.references),
        )

    def _take_shared(self, unit: Unit) -> Iterable[Slice]:
        taken: set[bytes] = set()
        self._store.take(unit.references, taken)
        return (Slice(*_SLICE.unpack(place)) for place in taken)
