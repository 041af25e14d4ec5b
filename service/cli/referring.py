"""What projects share in a file that is cut: which of it each piece must carry.

As the service does it: an object counts from where it stands in the file on, and whoever takes one
takes what that refers to. The fields that refer to something are told apart by ``xml.p6shared``.
"""

import struct
import sys
from collections.abc import Iterable
from typing import Final

from service.cli.splitting import MIB, Slice
from service.formats import values
from service.formats.format import Format
from service.formats.p6 import shared_objects
from service.formats.shared_objects import SharedStore
from service.formats.values import unescape
from service.model import SharedObject
from service.spool.spool import SpoolShare

_PLACE: Final = struct.Struct(">4Q")
"""A slice, as the store has it in the place of a content's hash: each object has its own."""

_OWN: Final = "Project"


class Shared:
    """The shared objects of one file, and what the project at hand refers to.

    Args:
        dialect: of the file; where it has nothing outside of projects, there is nothing here.
        share: where working files are made.

    Attributes:
        kinds: local names of shared objects.
    """

    def __init__(self, dialect: Format, share: SpoolShare) -> None:
        self.kinds = frozenset[str]() if dialect.shared is None else dialect.shared.elements
        self._mentions = {
            path: rule.shared.element for path, rule in dialect.records.items() if rule.shared
        }
        self._store = SharedStore(8 * MIB, share, sys.maxsize)
        self._kind = ""
        self._record = ""
        self._fields: list[bytes] = []
        self._referred: set[bytes] = set()

    @property
    def unused(self) -> int:
        """How many objects no project has taken."""
        return self._store.unused

    def begin(self, kind: str) -> None:
        """A shared object begins."""
        self._kind = kind

    def record(self, local: str) -> None:
        """A record of a project, or a field of a shared object, begins."""
        if self.kinds:
            self._note()
            self._record = local

    def refer(self, local: str, text: str, *, own: bool) -> None:
        """A field that may refer to something.

        Args:
            own: whether it is the project's or the object's own, and no record's.
        """
        if not self.kinds or not local.endswith("ObjectId"):
            return
        if own and not self._kind:
            self._record = _OWN
        object_id = text.strip(values.BLANK)
        value = object_id.encode()
        self._fields.append(b'{"%s":"%s"}' % (local.encode(), value))
        # A code stands beside its type, and each is looked up by itself.
        if local == "TypeObjectId":
            self._fields.append(b'{"TypeObjectId":"%s","ValueObjectId":"0"}' % value)
        elif local == "ValueObjectId":
            self._fields.append(b'{"TypeObjectId":"0","ValueObjectId":"%s"}' % value)
        elif local == "ResourceObjectId":
            self._refer_to({shared_objects.name_of("Resource", object_id)})

    def keep(self, kind: str, text: str | None, place: Slice) -> None:
        """A shared object has ended."""
        self._note()
        parsed = values.ID.parse(text or "")
        object_id = None if parsed is None else unescape(parsed)
        names, self._referred = self._referred, set()
        self._kind = ""
        owner = (
            f"{shared_objects.OWNERS[kind]} ".encode() if kind in shared_objects.OWNERS else None
        )
        self._store.add(
            None if object_id is None else shared_objects.name_of(kind, object_id),
            SharedObject(_PLACE.pack(*place), kind, object_id, b""),
            names,
            owners=() if owner is None else [name for name in names if name.startswith(owner)],
        )

    def take(self) -> Iterable[Slice]:
        """What the project that has ended takes."""
        if not self.kinds:
            return ()
        self._note()
        taken: set[bytes] = set()
        self._store.take(self._referred, taken)
        self.forget()
        return (Slice(*_PLACE.unpack(place)) for place in taken)

    def forget(self) -> None:
        """The project that has ended takes nothing."""
        self._fields.clear()
        self._referred = set()

    def _note(self) -> None:
        """Look up what the record that has ended refers to."""
        if not self._fields:
            return
        said = b",".join(self._fields)
        self._fields.clear()
        element = self._kind or self._record
        names = shared_objects.references(element, said)
        if (other := self._mentions.get(element)) and not self._kind:
            names |= shared_objects.references(other, said)
        self._refer_to(names)

    def _refer_to(self, names: set[bytes]) -> None:
        if self._kind:
            self._referred |= names
        else:
            self._referred |= {name for name in names if name in self._store}
