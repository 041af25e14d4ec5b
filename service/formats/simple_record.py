"""Which records become a row and nothing else, so that compiled code can make them one by itself.

A dialect's methods have the whole rule for each kind of record. Nearly every record needs nothing
of it: its values are good, its name is new, all that it refers to has come before. ``SimpleRecord``
says when that is so; whatever is not goes to the method.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from service.formats.element import Element
from service.formats.record_maps import RecordMap
from service.tables import Table


@dataclass(frozen=True, slots=True)
class RecordReference:
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
class InnerRecord:
    """Records inside another, which its map sets apart.

    Attributes:
        ordinary: when one of them is; that of the other does not depend on it.
        owner: the column of theirs that has the other's name.
        take: the plan's method for one that is not, given the element and the other's name.
    """

    ordinary: "SimpleRecord"
    owner: str
    take: Callable[[Any, Element, bytes], None]


@dataclass(frozen=True, eq=False, slots=True)
class SimpleRecord:
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
        inner: what the children are that its map sets apart.
        mentions: local name of the element, if members of its attributes refer to shared objects.
    """

    table: Table
    record: RecordMap
    name: str | None = None
    kind: str = ""
    kind_column: str | None = None
    refers: tuple[RecordReference, ...] = ()
    dated: bool = False
    unless: tuple[str, ...] = ()
    outlined: bool = False
    inner: InnerRecord | None = None
    mentions: str | None = None
