"""Which records become a row and nothing else, so that compiled code can make them one by itself.

A dialect's methods have the whole rule for each kind of record. Nearly every record needs nothing
of it: its values are good, its name is new, all that it refers to has come before. ``Ordinary``
says when that is so; whatever is not goes to the method.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from service.rows import Table
from service.xml.maps import RecordMap


@dataclass(frozen=True, slots=True)
class Refers:
    """A column with the name of another record, which is there already.

    Attributes:
        column: of the record.
        kinds: of the other record, as its name was made known: one of them.
        needed: whether a null is not ordinary.
    """

    column: str
    kinds: tuple[str, ...]
    needed: bool = False


@dataclass(frozen=True, eq=False, slots=True)
class Ordinary:
    """When a record is ordinary.

    Attributes:
        table: of its row.
        record: its map.
        name: the column of its own name, which is new among its kind.
        kind: of the name; ``kind_column`` instead says where it stands.
        refers: what it refers to.
        dated: whether it has ``start`` and ``finish``; the finish is not before the start.
        unless: columns, or names of the dialect's own, that are not true.
        outlined: whether ``level`` says what it lies under, in the plan's ``outline``.
        inner: by local name, children set apart that are records of their own, which are ordinary
            or not by themselves; and the column that has this record's name.
        mentions: local name of the element, if members of its attributes refer to shared objects.
    """

    table: Table
    record: RecordMap
    name: str | None = None
    kind: str = ""
    kind_column: str | None = None
    refers: tuple[Refers, ...] = ()
    dated: bool = False
    unless: tuple[str, ...] = ()
    outlined: bool = False
    inner: Mapping[str, tuple["Ordinary", str]] = field(default_factory=dict)
    mentions: str | None = None
