"""The projects and shared objects of a file as they end: which of them goes into which piece.

What identifies a project, and what it refers to, is the formats' own knowledge;
nothing is decided here that a service would decide in another way: where in doubt, a piece carries
more.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from service.cli.referring import Shared
from service.cli.splitting import Cutter, Duplicate, Slice
from service.formats.format import Format
from service.formats.record_rules import Field
from service.formats.values import ID, NULL, unescape
from service.spool.disk_set import DiskSet
from service.spool.spool import SpoolShare


@dataclass
class Unit:
    """A project or a shared object.

    Attributes:
        start, line: where it begins, as in a ``Slice``.
        kind: local name of a shared object; empty for a project.
        texts: what was read of its fields, by their sources.
    """

    start: int
    line: int
    kind: str = ""
    texts: dict[str, str] = field(default_factory=dict)


class Units:
    """Settles them one by one, in the file's order.

    Args:
        dialect: of the file.
        share: where working files are made.
        cutter: is told what goes into a piece.

    Attributes:
        shared: the objects that projects share.
        wanted: the project's fields whose texts are of use, by their sources.
        projects: how many there were.
        duplicates: the projects that the file had before.
    """

    def __init__(self, dialect: Format, share: SpoolShare, cutter: Cutter) -> None:
        self.shared = Shared(dialect, share)
        self._identities = _identities(dialect)
        self.wanted = {each.source for each in self._identities} | {"name", "Name"}
        self.projects = 0
        self.duplicates: list[Duplicate] = []
        self._ids = DiskSet(share)
        self._cutter = cutter

    def settle(self, unit: Unit, end: int, line: int) -> None:
        """A unit has ended here, or whatever is behind it begins here."""
        place = Slice(unit.start, end, unit.line, line)
        if unit.kind:
            self.shared.keep(unit.kind, unit.texts.get("ObjectId"), place)
            self._cutter.leave_out(place)
            return
        index = self.projects
        self.projects += 1
        if (duplicate := self._duplicate(unit, index)) is not None:
            self.duplicates.append(duplicate)
            self._cutter.leave_out(place)
            self.shared.forget()
        else:
            self._cutter.keep(index, end - unit.start, self.shared.take())

    def _duplicate(self, unit: Unit, index: int) -> Duplicate | None:
        key = _identity(self._identities, unit.texts)
        first = None if key is None else self._ids.add(key, unit.line)
        if first is None or key is None:
            return None
        name = unit.texts.get("Name") or unit.texts.get("name")
        return Duplicate(index, unit.line, unescape(key) or "", name, first)


def _identities(dialect: Format) -> tuple[Field, ...]:
    """Where the id of a project may stand, the first choice first.

    Where a map requires no id, the name is one (Microsoft Project).
    """
    columns = ["external_id"]
    if "external_id" not in dialect.project.required:
        columns.append("name")
    fields = dialect.project.fields
    return tuple(each for column in columns for each in fields if each.column == column)


def _identity(identities: Iterable[Field], texts: dict[str, str]) -> bytes | None:
    for each in identities:
        kind = each.kind if each.column == "external_id" else ID
        parsed = kind.parse(texts.get(each.source, ""))
        if parsed is not None and parsed != NULL:
            return parsed
    return None
