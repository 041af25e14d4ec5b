"""The kinds of records that a comparison has, and what is compared of each."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, NamedTuple

from service.formats.mspdi import mapping as mspdi
from service.formats.p6 import mapping as p6
from service.formats.p6 import shared_objects
from service.formats.record_rules import RecordRule
from service.tables import COLUMNS, MEMBERS, PROJECT_COLUMNS, Table

_RULES: Final = (mspdi, p6, shared_objects)
"""Modules whose rules keep elements beside the columns that they fill."""


class Match(StrEnum):
    """The key by which tasks match first; the other keys serve tasks without it."""

    CODE = "code"
    GUID = "guid"
    ID = "id"


MATCHES: Final = {"p6": Match.CODE, "mspdi": Match.GUID}
"""The first key of the formats whose ids are not the most stable key."""


class Basis(NamedTuple):
    """How two versions of a project are compared.

    Attributes:
        match: the key by which tasks match first.
        codes: whether the format is that of Primavera, which has a code for every record.
        moved: whether the two versions come from two databases, so that no id means the same.
        same_ids: whether the id of a task means the same in both versions, as every other key says.
    """

    match: Match
    codes: bool = False
    moved: bool = False
    same_ids: bool = False


@dataclass(frozen=True)
class Kind:
    """Records of one kind.

    Attributes:
        table: the table with their rows.
        identity: columns that identify a record in the result.
        columns: columns that are compared, beside ``attributes``.
        id: expression for a record's own id; ``{row}`` is the record.
        code: expression for the code or the name that identifies a record for people.
        known: identity columns that the result has only if they have a value.
        references: columns with the id of a calendar or a role, and the kind of that object.
    """

    table: str
    identity: Sequence[str]
    columns: Sequence[str]
    id: str
    code: str = "NULL::text"
    known: Sequence[str] = ()
    references: Mapping[str, str] = field(default_factory=dict)


STABLE_CODE: Final = "coalesce({})".format(
    ", ".join(f"attributes ->> '{name}'" for name in ("Id", "CodeValue", "Code", "Name"))
)
_OBJECT_ID: Final = "({row}).attributes ->> 'ObjectId'"
_CALENDAR: Final = {"calendar_id": "Calendar"}


def _columns(table: Table, *identity: str) -> Sequence[str]:
    return [name for name in COLUMNS[table][1:-1] if name not in identity]


KINDS: Final = {
    "project": Kind(
        "project_versions",
        (),
        [name for name in PROJECT_COLUMNS[:-1] if name != "baseline_of"],
        _OBJECT_ID,
        references=_CALENDAR,
    ),
    MEMBERS[Table.TASKS]: Kind(
        Table.TASKS,
        ("kind", "task_id", "name"),
        _columns(Table.TASKS, "kind", "task_id"),
        "({row}).task_id",
        "code",
        ("code",),
        _CALENDAR,
    ),
    MEMBERS[Table.DEPENDENCIES]: Kind(
        Table.DEPENDENCIES,
        ("predecessor_id", "successor_id", "type"),
        _columns(Table.DEPENDENCIES, "predecessor_id", "successor_id", "type"),
        _OBJECT_ID,
    ),
    MEMBERS[Table.RESOURCES]: Kind(
        Table.RESOURCES,
        ("resource_id", "name"),
        _columns(Table.RESOURCES, "resource_id"),
        "({row}).resource_id",
        "coalesce(code, attributes ->> 'Id')",
        ("code",),
        _CALENDAR,
    ),
    MEMBERS[Table.ASSIGNMENTS]: Kind(
        Table.ASSIGNMENTS,
        ("task_id", "resource_id"),
        _columns(Table.ASSIGNMENTS, "task_id", "resource_id"),
        "coalesce(({row}).attributes ->> 'ObjectId', ({row}).attributes ->> 'UID')",
        references={"role_id": "Role"},
    ),
    MEMBERS[Table.BASELINES]: Kind(
        Table.BASELINES,
        ("number", "name"),
        _columns(Table.BASELINES, "number"),
        "({row}).number",
        "name",
    ),
    MEMBERS[Table.BASELINE_TASKS]: Kind(
        Table.BASELINE_TASKS,
        ("number", "kind", "task_id", "name"),
        _columns(Table.BASELINE_TASKS, "number", "kind", "task_id"),
        "({row}).task_id",
        "code",
        ("code",),
    ),
    MEMBERS[Table.PARTS]: Kind(
        Table.PARTS,
        ("element",),
        (),
        "coalesce(({row}).attributes ->> 'ObjectId', ({row}).attributes ->> 'UID')",
        STABLE_CODE,
    ),
    "shared_objects": Kind(
        "shared_objects", ("element", "object_id"), (), "({row}).object_id", STABLE_CODE
    ),
}
"""The kinds of records, in the order of the result."""

IDENTITY: Final = tuple(
    dict.fromkeys(
        [
            *(name for kind in KINDS.values() for name in (*kind.identity, *kind.known)),
            *("predecessor_code", "predecessor_name", "successor_code", "successor_name"),
            *("task_code", "task_name", "resource_name"),
        ]
    )
)
"""All names that identify a record in the result."""


class Kept(NamedTuple):
    """The elements that formats keep beside the columns that they fill.

    Attributes:
        elements: the elements of each column.
        columns: the columns of each element.
        preferred: the elements that fill the column of an element instead, if they are present.
    """

    elements: dict[str, list[str]]
    columns: dict[str, list[str]]
    preferred: dict[str, list[str]]


def kept_elements(kind: Kind) -> Kept:
    """Return the elements that formats keep beside the compared columns of a kind."""
    elements: dict[str, list[str]] = {}
    columns: dict[str, list[str]] = {}
    preferred: dict[str, list[str]] = {}
    for rule in _rules_of(kind.table):
        for entry in rule.fields:
            if entry.keep and entry.column in kind.columns:
                elements.setdefault(entry.column, []).append(entry.name)
                columns.setdefault(entry.name, []).append(entry.column)
                preferred.setdefault(entry.name, []).extend(
                    other.name
                    for other in rule.fields
                    if other.column == entry.column and other.rank < entry.rank
                )
    return Kept(elements, columns, preferred)


def _rules_of(table: str) -> Iterator[RecordRule]:
    for module in _RULES:
        for value in vars(module).values():
            if isinstance(value, RecordRule):
                for rule in (value, *value.variants.values()):
                    if (rule.table or "project_versions") == table:
                        yield rule
