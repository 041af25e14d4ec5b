"""Record rules: data that describes how a format's records become rows.

A rule names elements and XML attributes by their local names and holds no element, so that an
engine can work on a tree or on parser events. The Python engine and the compiled engine interpret
the same rules. Only ``RecordRule.take`` and ``ReferenceRule.resolve`` call code of a format.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from functools import lru_cache
from typing import Any, Final

from service.codes import WarningCode
from service.formats.element import Element
from service.formats.engine.parsed_record import Group, NamedMembers, Shape, Slot
from service.formats.json_attributes import TagKeys
from service.formats.values import NULL, Kind
from service.tables import COLUMNS, DEFAULTS, FIRST_ADDED, PROJECT_COLUMNS, Table

LIMITS: Final = {
    "columns": 64,
    "elements": 256,
    "XML attributes": 32,
    "rank": 7,
    "reference columns": 3,
    "kinds of a reference": 2,
    "variants": 3,
    "nested": 4,
    "groups": 32,
}
"""Largest number of each in a rule: the sizes of the compiled engine's arrays."""

PROJECT_ROW_COLUMNS: Final = PROJECT_COLUMNS[:-1]
"""The columns of the row of a project itself, without ``attributes``."""


@dataclass(frozen=True, slots=True)
class Field:
    """The destination of the text of one element or XML attribute.

    Attributes:
        source: local name of a child element, or ``@name`` of an XML attribute. In a format that
            is not strict, also a path: ``Dates/Start``, ``Owner/@name``, or ``Cost/#text`` for the
            text of a child that has XML attributes or children too.
        column: a column of the record's table, or a name that is not stored and that only the
            format reads.
        kind: the type of the value.
        keep: whether the text goes to ``attributes`` as well.
        rank: order of preference among the fields of one column, from 0. Only child elements
            without a path can have another rank.
    """

    source: str
    column: str
    kind: Kind
    keep: bool = False
    rank: int = 0

    @property
    def name(self) -> str:
        """Local name of the element or XML attribute."""
        return self.source.removesuffix("/#text").rpartition("/")[2].removeprefix("@")


@dataclass(frozen=True, slots=True)
class Key:
    """The id of a record. Two records of one kind with the same id are a violation.

    Attributes:
        column: the column that holds the id.
        kind: prefix that separates the ids of one kind of record from those of another.
        kind_column: the column that holds the kind, if ``kind`` does not.
    """

    column: str
    kind: str = ""
    kind_column: str | None = None


class Settle(Enum):
    """The moment at which a reference without a target counts as missing."""

    AT_END = auto()
    """At the end of the project, because the target may come later in the file."""
    AT_ONCE = auto()
    """When the record is read, because the format's schema puts the target first."""
    IN_ORDER = auto()
    """Before the next record of the table with other references, so that rows keep their order."""


@dataclass(frozen=True, eq=False, slots=True)
class ReferenceRule:
    """Columns with the ids of other records, and the consequence if such a record is missing.

    Attributes:
        columns: of the record; each must hold the id of a record.
        kinds: the kinds of ``Key`` that a target can have.
        required: whether a null counts as missing; otherwise a null refers to nothing.
        problem: the problem, which follows element and value in a message; None reports nothing.
        warning: code of the warning; without a code, a missing target is a violation.
        fallback: rule that reads the record instead if a target is missing.
        settle: the moment at which a target counts as missing.
        once: whether consecutive records with the same missing target report it once.
        supply: method of the project's builder that may supply a missing target. It receives the
            id as COPY text, and returns the row to add, or None.
        resolve: method of the project's builder that handles a missing target instead of the
            attributes above. It receives the record's element and the id as COPY text.
    """

    columns: tuple[str, ...]
    kinds: tuple[str, ...]
    required: bool = False
    problem: str | None = None
    warning: WarningCode | None = None
    fallback: "RecordRule | None" = None
    settle: Settle = Settle.AT_END
    once: bool = False
    supply: Callable[[Any, bytes], Any] | None = None
    resolve: Callable[[Any, Element, bytes], None] | None = None


@dataclass(frozen=True, eq=False, slots=True)
class NestedRule:
    """Records inside another record, which lists them in ``RecordRule.apart``.

    Attributes:
        rule: of a nested record; its name is the local name of the record's element.
        owner: the column that holds the id of the outer record.
        owner_member: the member that holds that id if the nested record is stored as a part.
        path: path of the records from the outer record, if it is not the name of the rule.
    """

    rule: "RecordRule"
    owner: str
    owner_member: str
    path: str = ""

    @property
    def place(self) -> str:
        """The path of the records from the outer record."""
        return self.path or self.rule.name

    @property
    def name(self) -> str:
        """Local name of the records' element."""
        return self.place.rpartition("/")[2]


@dataclass(frozen=True, eq=False, slots=True)
class RecordRule:
    """The rule of one kind of record.

    Attributes:
        name: local name of the record's element, for people.
        table: the table of its row; None if no table has such a row.
        columns: the columns of its row, in order; by default those of the table, without ordinal
            and attributes.
        fields: the destinations of its elements and XML attributes.
        defaults: COPY text of columns that are never null, if it differs from the table's default.
        required: columns that must have a value; otherwise the project is refused.
        apart: local names of children that are records themselves, or paths to them.
        holds: local names of children that hold records. The engine takes these records one by
            one; a strict format allows nothing else in such a child.
        parts: whether structured children without a field are records too.
        named: members of ``attributes`` that the file gives by name.
        key: the record's id.
        references: the records that it refers to, in the order in which they are resolved.
        variants: by column, the rule that reads the record instead if the column is true; the
            first true column decides.
        nested: the rules of the records in ``apart``, one for each name; without any, they become
            parts.
        children: the path in ``apart`` of the records inside a record that the same rule reads;
            their ``parent_id`` is the id of the outer one.
        level: column with the outline level, from which ``parent_id`` is computed.
        shared: local name that, with the name of a member of ``attributes``, decides the kind of
            shared object that the member refers to; None if there are no such members.
        as_part: whether the record is stored as a part of the project, by the JSON attribute rules.
        take: method of the project's builder that handles the record instead of the rule.
        slots: the columns, then the names that only the format reads.
        inner: the rules of all records in ``apart``.
        always_hashed: number of columns that count for the content hash even if they are null; the
            columns after them, if they are null at the end of the row, do not.

    Raises:
        ValueError: the rule exceeds one of ``LIMITS``, or contradicts itself.
    """

    name: str
    table: Table | None = None
    columns: tuple[str, ...] = ()
    fields: tuple[Field, ...] = ()
    defaults: Mapping[str, bytes] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    apart: tuple[str, ...] = ()
    holds: tuple[str, ...] = ()
    parts: bool = False
    named: NamedMembers | None = None
    key: Key | None = None
    references: tuple[ReferenceRule, ...] = ()
    variants: Mapping[str, "RecordRule"] = field(default_factory=dict)
    nested: tuple[NestedRule, ...] = ()
    children: str | None = None
    level: str | None = None
    shared: str | None = None
    as_part: bool = False
    take: Callable[[Any, Element], None] | None = None
    slots: tuple[str, ...] = field(init=False)
    inner: tuple[NestedRule, ...] = field(init=False, repr=False)
    always_hashed: int = field(init=False)

    def __post_init__(self) -> None:
        if self.table is not None and not self.columns:
            object.__setattr__(self, "columns", COLUMNS[self.table][1:-1])
        added = FIRST_ADDED.get(self.table)
        width = self.columns.index(added) if added in self.columns else len(self.columns)
        object.__setattr__(self, "always_hashed", width)
        if self.table is not None:
            object.__setattr__(self, "defaults", DEFAULTS[self.table] | dict(self.defaults))
        read = (entry.column for entry in self.fields)
        object.__setattr__(self, "slots", tuple(dict.fromkeys((*self.columns, *read))))
        inner = self.nested
        if self.children is not None:
            inner += (NestedRule(self, "parent_id", "parent_id", self.children),)
        object.__setattr__(self, "inner", inner)
        for problem in self._problems():
            raise ValueError(f"record rule {self.name}: {problem}")

    def index(self, column: str) -> int:
        """Return the position of a column or unstored name in a parsed record."""
        return self.slots.index(column)

    def label(self, column: str) -> str:
        """Return the local name of the first choice of element or XML attribute for a column."""
        return next((entry.name for entry in self.fields if entry.column == column), column)

    @property
    def groups(self) -> frozenset[str]:
        """The paths of the children of which only parts are used."""
        places = (*(entry.source for entry in self.fields), *self.apart)
        return frozenset(each[:at] for each in places for at in range(len(each)) if each[at] == "/")

    @property
    def dated(self) -> bool:
        """Whether the record has a start and a finish, which should be in that order."""
        return {"start", "finish"} <= {entry.column for entry in self.fields}

    @property
    def has_row(self) -> bool:
        """Whether the record becomes a row without code of the format."""
        return self.table is not None and self.take is None and not self.as_part

    def _problems(self) -> Iterator[str]:
        elements = sum(not entry.source.startswith("@") for entry in self.fields)
        used = {
            "columns": len(self.slots),
            "elements": elements + len(self.apart) + len(self.holds),
            "XML attributes": len(self.fields) - elements,
            "rank": max((entry.rank for entry in self.fields), default=0),
            "reference columns": sum(len(each.columns) for each in self.references),
            "kinds of a reference": max((len(each.kinds) for each in self.references), default=0),
            "variants": len(self.variants),
            "nested": len(self.inner),
            "groups": len(self.groups),
        }
        for what, number in used.items():
            if number > LIMITS[what]:
                yield f"{what}: {number}; the compiled engine has room for {LIMITS[what]}"
        known = {*self.defaults, *self.required, *self.variants}
        known |= {column for each in self.references for column in each.columns}
        if unknown := sorted(known.difference(self.slots)):
            yield f"no column {', '.join(unknown)}"
        if sum(each.fallback is not None for each in self.references) > 1:
            yield "more than one reference has a fallback"
        if self.key is None and (self.level or self.inner):
            yield "an outline level and nested records need a key"
        if self.inner and self.parts:
            yield "it cannot have both parts and nested records"
        if self.inner and {each.place for each in self.inner} != set(self.apart):
            yield "each name in apart needs a nested rule"
        if len({each.name for each in self.inner}) < len(self.inner):
            yield "two kinds of nested records have elements of the same name"
        for inner in (each.rule for each in self.nested):
            if inner.level or inner.shared:
                yield f"nested {inner.name}: level and shared are not interpreted"
        if self.children is not None and (self.level or self.variants):
            yield "children exclude an outline level and variants"
        yield from self._problems_of_paths()

    def _problems_of_paths(self) -> Iterator[str]:
        if self.groups and self.parts:
            yield "it cannot have both parts and paths"
        if any(entry.rank and "/" in entry.source for entry in self.fields):
            yield "only child elements without a path can have a rank"
        leaves = [entry.source for entry in self.fields]
        leaves += self.apart
        if len(set(leaves)) < len(leaves):
            yield "two uses of one element or XML attribute"
        for each in leaves:
            if each in self.groups:
                yield f"{each} is used as a whole and by parts; {each}/#text is its text"


KEEP_AS_PART: Final = RecordRule("part", Table.PARTS, as_part=True)
"""The rule of records without a table: it stores them as parts, so that no data is lost."""


MAX_COMPILED: Final = 256
"""Compiled rules that are kept: to compile them takes longer than to read a small file."""

_NO_KEYS: Final = TagKeys("", 0, lambda: None)


def compile_rule(
    rule: RecordRule, keys: TagKeys, namespace: str, volatile: frozenset[str], *, strict: bool
) -> Shape:
    """Compile the part of a rule that reads a record, for the namespace of one file.

    Args:
        rule: the rule.
        keys: keys of tags, shared by all rules of a file.
        namespace: of the format's elements in this file; empty for none.
        volatile: members that a content hash excludes.
        strict: whether an element that the rule does not have is a fault.
    """
    return replace(_compile(rule, namespace, volatile, strict), keys=keys)


class _Places:
    """The places of fields and records in an element, by the first steps of their paths."""

    def __init__(self) -> None:
        self._own: dict[str, Slot | None] = {}
        self._inner: dict[str, _Places] = {}

    def add(self, path: str, slot: Slot | None) -> None:
        """Add the path of a field, or that of a record without a slot."""
        name, _, rest = path.partition("/")
        if rest:
            self._inner.setdefault(name, _Places()).add(rest, slot)
        else:
            self._own[name] = slot

    def compile(self, tag: str) -> Group:
        """Return the places by tag; ``tag`` is a template, as ``FileContext.tag``."""
        slots = {name: slot for name, slot in self._own.items() if slot is not None}
        return Group(
            text=slots.pop("#text", None),
            attributes={name[1:]: slot for name, slot in slots.items() if name[0] == "@"},
            children={tag % name: slot for name, slot in slots.items() if name[0] != "@"},
            apart=frozenset(tag % name for name, slot in self._own.items() if slot is None),
            groups={tag % name: places.compile(tag) for name, places in self._inner.items()},
        )


@lru_cache(maxsize=MAX_COMPILED)
def _compile(rule: RecordRule, namespace: str, volatile: frozenset[str], strict: bool) -> Shape:
    """Compile a rule without the keys, once for all files of a namespace."""
    tag = f"{{{namespace}}}%s" if namespace else "%s"
    slots = rule.slots
    own = _Places()
    for entry in rule.fields:
        index = slots.index(entry.column)
        slot = Slot(index, entry.kind.parse, entry.name, entry.kind, entry.keep, entry.rank)
        own.add(entry.source, slot)
    for path in rule.apart:
        own.add(path, None)
    group = own.compile(tag)
    return Shape(
        children=group.children,
        attributes=group.attributes,
        groups=group.groups,
        blank=[NULL] * len(slots),
        defaults=tuple((slots.index(column), text) for column, text in rule.defaults.items()),
        required=tuple((slots.index(column), rule.label(column)) for column in rule.required),
        keys=_NO_KEYS,
        volatile=volatile,
        strict=strict,
        apart=group.apart,
        holds=frozenset(tag % name for name in rule.holds if strict),
        as_part=rule.as_part,
        parts=rule.parts,
        named=rule.named,
        named_tag=None if rule.named is None else tag % rule.named.outermost,
    )
