"""How records are read: which element or XML attribute goes to which column.

Maps are data in local names; ``compile_map`` makes them ready for the walk in one namespace.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from service.formats.element import Element
from service.formats.engine.record_parser import Fault, Shape, Slot
from service.formats.json_attributes import Members, TagKeys
from service.formats.values import NULL, Kind
from service.tables import COLUMNS, PROJECT_COLUMNS, Table


@dataclass(frozen=True, slots=True)
class Field:
    """Where the text of one element or XML attribute goes.

    Attributes:
        source: local name of a child element, or ``@name`` of an XML attribute.
        column: a column of the record's table, or a name of the dialect's own that its functions
            read and that is not stored.
        kind: its type.
        keep: whether the text goes to ``attributes`` as well.
        rank: 0 for the first choice for a column; the next choices count from 1.
    """

    source: str
    column: str
    kind: Kind
    keep: bool = False
    rank: int = 0


@dataclass(frozen=True, eq=False, slots=True)
class RecordMap:
    """How one kind of record is read.

    Attributes:
        columns: what its row holds, in order.
        fields: where its elements and XML attributes go.
        defaults: COPY text of columns that are never null.
        required: columns without which the project is refused.
        apart: local names of children that are records of their own.
        holds: local names of children that hold records; these are taken out one by one, and
            nothing else may be in there if the dialect is strict.
        gather: by local name, a child that holds ``attributes`` by name, and what reads it.
        parts: whether structured children that the map does not know are set apart too.
        slots: the columns, then the names that the dialect's functions read.
    """

    columns: tuple[str, ...]
    fields: tuple[Field, ...] = ()
    defaults: Mapping[str, bytes] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    apart: tuple[str, ...] = ()
    holds: tuple[str, ...] = ()
    gather: Mapping[str, Callable[[Element, Members], list[Fault]]] = field(default_factory=dict)
    parts: bool = False
    slots: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        read = (entry.column for entry in self.fields)
        object.__setattr__(self, "slots", tuple(dict.fromkeys((*self.columns, *read))))

    def index(self, column: str) -> int:
        """Where a column, or a name of the dialect's own, stands in a record's ``columns``."""
        return self.slots.index(column)


def columns_of(table: Table) -> tuple[str, ...]:
    """What a record of a table states: its columns without ordinal and attributes."""
    return COLUMNS[table][1:-1]


PROJECT = PROJECT_COLUMNS[:-1]
"""What a project's own record states; a dialect adds ``external_id`` to it."""


def compile_map(
    record: RecordMap, names: TagKeys, namespace: str, volatile: frozenset[str], *, strict: bool
) -> Shape:
    """Make a record's map ready for the walk.

    Args:
        record: the map.
        names: keys of tags, shared by all maps of a file.
        namespace: of the dialect's elements in this file; empty for none.
        volatile: members that a content hash leaves out.
        strict: whether what the map does not know is a fault.
    """
    tag = f"{{{namespace}}}%s" if namespace else "%s"
    slots = record.slots
    children: dict[str, Slot] = {}
    attributes: dict[str, Slot] = {}
    for entry in record.fields:
        name = entry.source.removeprefix("@")
        index = slots.index(entry.column)
        slot = Slot(index, entry.kind.parse, name, entry.kind, entry.keep, entry.rank)
        if entry.source.startswith("@"):
            attributes[name] = slot
        else:
            children[tag % name] = slot
    sources = {entry.column: entry.source.removeprefix("@") for entry in reversed(record.fields)}
    return Shape(
        children=children,
        attributes=attributes,
        blank=[NULL] * len(slots),
        defaults=tuple((slots.index(column), text) for column, text in record.defaults.items()),
        required=tuple((slots.index(column), sources[column]) for column in record.required),
        names=names,
        volatile=volatile,
        strict=strict,
        apart=frozenset(tag % name for name in record.apart),
        holds=frozenset(tag % name for name in record.holds if strict),
        parts=record.parts,
        gather={tag % name: read for name, read in record.gather.items()},
    )
