"""Builds the queries that compare two versions of a project: one query a kind of record.

Records of two versions are the same if a key matches, and a format's keys differ in how long they
live. Primavera replaces every ``ObjectId`` when a plan moves to another database, but keeps the
Activity IDs; Microsoft Project keeps GUIDs, and its UIDs within a file.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final, NamedTuple

from service.formats.mspdi import mapping as mspdi
from service.formats.p6 import mapping as p6
from service.formats.p6 import shared_objects
from service.formats.record_rules import RecordRule
from service.storage.queries import Queries
from service.tables import COLUMNS, MEMBERS, PROJECT_COLUMNS, Table

SQL: Final = Queries("compare")

_DEEPEST: Final = 100
"""Levels of a work breakdown structure whose elements match by their path."""
_MOST_NAMES: Final = 10_000
"""Calendars and roles of a version that are known by name."""
_UNMATCHED: Final = "side || ' ' || ref"
"""Key of a record that the other version does not have, without its prefix."""
_BY_CODE: Final = f"CASE WHEN has_guid THEN {_UNMATCHED} ELSE kind || ' ' || coalesce(code, '') END"
"""The same for a task whose id means nothing in the other version: tasks with an equal code, or
with none, match by their order."""
_PLANNED: Final = ("name", "start", "finish", "duration", "work", "cost")
"""Columns that a baseline has too."""
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
    """

    match: Match
    codes: bool = False
    moved: bool = False


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


_STABLE: Final = "coalesce({})".format(
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
        _STABLE,
    ),
    "shared_objects": Kind(
        "shared_objects", ("element", "object_id"), (), "({row}).object_id", _STABLE
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


def differences(name: str, basis: Basis) -> str:
    """Return the query for the differences of one kind of record.

    Its parameters are the client, the project, the old version and the new one. Its rows have the
    difference as JSON, ``line``, and what the summary says about it, ``facts``.
    """
    kind = KINDS[name]
    tables = _tables(name, kind, basis)
    return _differences(name, kind, basis, tables, _row(name, kind, "$3", "p.old"))


def baseline_differences(basis: Basis) -> str:
    """Return the query for the differences of tasks from those of a baseline.

    Its parameters are the client, the project, the number of the baseline and the version. Its rows
    are those of ``differences``. What the baseline does not state is no difference.
    """
    kind = replace(KINDS["tasks"], columns=_PLANNED, references={})
    code = _activity_code("code") if basis.codes else "code"
    tasks = SQL.task_rows.format(side=1, version="$4", code=code)
    rows = SQL.planned_rows.format(tasks=tasks)
    tables = (
        f"task_candidates AS MATERIALIZED (\n{rows})",
        _task_rounds(basis),
        SQL.keyed_others.format(name="task"),
    )
    row = SQL.row.format(table=Table.BASELINE_TASKS, version="$4", ref="p.old")
    return _differences("tasks", kind, basis, tables, row, baseline=True)


def _differences(
    name: str,
    kind: Kind,
    basis: Basis,
    tables: Iterable[str],
    old_row: str,
    *,
    baseline: bool = False,
) -> str:
    elements, columns = _kept(kind)
    old, new = (dict(_values(kind, side, basis)) for side in ("o", "n"))
    old_id, new_id = kind.id.format(row="p.o"), kind.id.format(row="p.n")
    pick = "(array_agg(ref) FILTER (WHERE side = {}))[1]"
    if name != "shared_objects":
        pick = "min(ref) FILTER (WHERE side = {})"
    return SQL.differences.format(
        tables=",\n".join(tables),
        pick_old=pick.format(0),
        pick_new=pick.format(1),
        old_row=old_row,
        new_row=_row(name, kind, "$4", "p.new"),
        old_identity=_identity(name, kind, "o"),
        new_identity=_identity(name, kind, "n"),
        facts=_task_facts(elements) if name == "tasks" else "NULL::jsonb",
        old_values=", ".join(old.values()) or "NULL",
        new_values=", ".join(new.values()) or "NULL",
        old_content=_record(old),
        new_content=_record(new),
        old_shown=_shown(kind, "o"),
        new_shown=_shown(kind, "n"),
        stated="o.value <> 'null'" if baseline else "true",
        whole="false" if baseline else "true",
        elements="{}" if baseline else json.dumps(elements),
        columns=json.dumps(columns),
        foreign="true" if basis.moved else f"{old_id} IS DISTINCT FROM {new_id}",
        is_id=r"key ~ '(ObjectId|\mUID|[^G]UID)$'",
        without_ids_old=SQL.without_ids.format(value="o.value"),
        without_ids_new=SQL.without_ids.format(value="n.value"),
    )


def _task_facts(elements: Mapping[str, Sequence[str]]) -> str:
    dates = ("actual_start", "actual_finish")
    return SQL.task_facts.format(**{date: ",".join(elements.get(date, ())) for date in dates})


def _values(kind: Kind, side: str, basis: Basis) -> Iterator[tuple[str, str]]:
    """Yield the compared columns, each with the expression for its value.

    Ids of other records are replaced by what they mean, where the ids themselves may differ.
    """
    for column in kind.columns:
        value = f"(p.{side}).{column}"
        if column == "parent_id":
            value = "p.old_parent" if side == "o" else "p.new_parent"
        elif column in kind.references and basis.moved:
            names = "old_names" if side == "o" else "new_names"
            object_name = f"'{kind.references[column]} ' || {value}"
            value = f"((SELECT names FROM {names}) ->> ({object_name}))"
        elif kind.table == Table.TASKS and basis.codes and column in ("code", "wbs"):
            value = _activity_code(column, f"(p.{side}).")
        yield column, value


def _activity_code(column: str, row: str = "") -> str:
    """Return the expression for a column of tasks of Primavera.

    Activity IDs were in ``wbs`` before ``code`` existed, in versions that may still be stored.
    """
    if column == "code":
        return f"coalesce({row}code, CASE {row}kind WHEN 'activity' THEN {row}wbs END)"
    return f"CASE WHEN {row}kind = 'wbs' OR {row}code IS NOT NULL THEN {row}wbs END"


def _shown(kind: Kind, side: str) -> str:
    if "parent_id" not in kind.columns:
        return f"{side}.value"
    return f"CASE key WHEN 'parent_id' THEN to_jsonb((p.{side}).parent_id) ELSE {side}.value END"


def _record(values: Mapping[str, str]) -> str:
    named = ", ".join(f"{value} AS {name}" for name, value in values.items())
    return f"(SELECT c FROM (SELECT {named}) AS c)"


def _row(name: str, kind: Kind, version: str, ref: str) -> str:
    if name == "project":
        return SQL.project_row.format(ref=ref)
    if name == "shared_objects":
        return SQL.shared_row.format(ref=ref)
    return SQL.row.format(table=kind.table, version=version, ref=ref)


def _identity(name: str, kind: Kind, side: str) -> str:
    """Return the expression for the members that identify a record of one side."""
    members = ", ".join(f"'{column}', (p.{side}).{column}" for column in kind.identity)
    parts = [f"jsonb_build_object({members})"]
    version, which = ("$3", "old") if side == "o" else ("$4", "new")
    known = [
        "jsonb_build_object({})".format(
            ", ".join(f"'{column}', (p.{side}).{column}" for column in kind.known)
        )
    ]
    if name == "dependencies":
        ends = {"predecessor": f"p.{which}_one", "successor": f"p.{which}_two"}
    else:
        ends = {"task": f"p.{which}_one"} if name == "assignments" else {}
    known += [
        f"({SQL.task_name.format(prefix=prefix, version=version, ref=ref)})"
        for prefix, ref in ends.items()
    ]
    if name == "assignments":
        known.append(f"({SQL.resource_name.format(version=version, ref=f'p.{which}_two')})")
    parts += [f"coalesce(jsonb_strip_nulls({each}), '{{}}')" for each in known]
    return " || ".join(parts)


def _tables(name: str, kind: Kind, basis: Basis) -> Iterator[str]:
    """Yield the common table expressions of a query; the last one is ``keyed``."""
    if kind.references and basis.moved:
        yield from _names()
    if name in ("tasks", "dependencies", "assignments"):
        yield from _task_keys(basis)
    match name:
        case "project":
            yield SQL.keyed_project
        case "tasks":
            yield SQL.parents
            yield SQL.keyed_tasks
        case "dependencies":
            yield SQL.ends
            yield _both("dependency_rows", SQL.dependency_rows)
            yield SQL.keyed_dependencies
        case "assignments":
            yield SQL.ends
            yield from _keys("resource", SQL.resource_rows, KINDS["resources"].code, basis)
            yield _both("assignment_rows", SQL.assignment_rows)
            yield SQL.keyed_assignments
        case _:
            if name == "baseline_tasks":
                yield from _keys("baseline", SQL.baseline_rows, KINDS["baselines"].code, basis)
            yield from _keys("record", _ROWS[name], kind.code, basis)
            yield SQL.keyed_others.format(name="record")


_ROWS: Final = {
    "resources": SQL.resource_rows,
    "baselines": SQL.baseline_rows,
    "baseline_tasks": SQL.baseline_task_rows,
    "parts": SQL.part_rows,
    "shared_objects": SQL.shared_rows,
}
"""Queries for the narrow rows of records whose keys depend on no other record."""


def _both(name: str, rows: str, code: str = "NULL::text") -> str:
    """Return the table of the narrow rows of both versions."""
    sides = (
        rows.format(side=side, version=version, code=code)
        for side, version in enumerate(("$3", "$4"))
    )
    union = "\nUNION ALL\n".join(sides)
    return f"{name} AS MATERIALIZED (\n{union})"


def _names() -> Iterator[str]:
    for side, name, version in ((0, "old_names", "$3"), (1, "new_names", "$4")):
        filled = {"side": side, "version": version, "code": _STABLE}
        parts, shared = SQL.part_rows.format(**filled), SQL.shared_rows.format(**filled)
        query = SQL.names.format(parts=parts, shared=shared, most=_MOST_NAMES)
        yield f"{name} AS MATERIALIZED (\n{query})"


def _task_keys(basis: Basis) -> Iterator[str]:
    code = _activity_code("code") if basis.codes else "code"
    if basis.match is Match.ID:
        yield _both("task_candidates", SQL.task_rows, code)
    else:
        yield _both("task_rows", SQL.task_rows, code)
        yield SQL.element_paths.format(depth=_DEEPEST)
    yield _task_rounds(basis)


def _task_rounds(basis: Basis) -> str:
    return _rounds("task", basis, _BY_CODE if basis.moved else _UNMATCHED)


def _keys(name: str, rows: str, code: str, basis: Basis) -> Iterator[str]:
    yield _both(f"{name}_candidates", rows, code if basis.codes else "NULL::text")
    unmatched = _UNMATCHED
    if rows in (SQL.part_rows, SQL.shared_rows):
        # Objects without a key of their own match by their order.
        place = "kind" if basis.moved else "kind || ' ' || coalesce(id, '')"
        unmatched = f"CASE WHEN has_code OR has_guid THEN {unmatched} ELSE {place} END"
    yield _rounds(name, basis, unmatched)


def _rounds(name: str, basis: Basis, rest: str) -> str:
    if basis.match is Match.ID:
        return SQL.keys_by_id.format(name=name)
    first, second = ("code", "guid") if basis.match is Match.CODE else ("guid", "code")
    filled = {"name": name, "first": first, "second": second, "rest": f"'4 ' || {rest}"}
    return SQL.keys.format(moved="true" if basis.moved else "false", **filled)


def _kept(kind: Kind) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Return the elements that formats keep beside each column, and the columns of each element."""
    elements: dict[str, list[str]] = {}
    columns: dict[str, list[str]] = {}
    for rule in _rules_of(kind.table):
        for entry in rule.fields:
            if entry.keep and entry.column in kind.columns:
                elements.setdefault(entry.column, []).append(entry.name)
                columns.setdefault(entry.name, []).append(entry.column)
    return elements, columns


def _rules_of(table: str) -> Iterator[RecordRule]:
    for module in _RULES:
        for value in vars(module).values():
            if isinstance(value, RecordRule):
                for rule in (value, *value.variants.values()):
                    if (rule.table or "project_versions") == table:
                        yield rule
