"""Builds the queries that compare two versions of a project: one query a kind of record."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from service.projects.comparison.keys import activity_code, key_tables, planned_tables
from service.projects.comparison.kinds import KINDS, Basis, Kind, kept_elements
from service.storage.queries import Queries
from service.tables import Table

SQL: Final = Queries("compare")

_PLANNED: Final = ("name", "start", "finish", "duration", "work", "cost")
"""Columns that a baseline has too."""


def differences(name: str, basis: Basis) -> str:
    """Return the query for the differences of one kind of record.

    Its parameters are the client, the project, the old version and the new one. Its rows have the
    difference as JSON, ``line``, and what the summary says about it, ``facts``.
    """
    kind = KINDS[name]
    tables = key_tables(name, kind, basis)
    return _differences(name, kind, basis, tables, _row(name, kind, "$3", "p.old"))


def baseline_differences(basis: Basis) -> str:
    """Return the query for the differences of tasks from those of a baseline.

    Its parameters are the client, the project, the number of the baseline and the version. Its rows
    are those of ``differences``. What the baseline does not state is no difference.
    """
    kind = replace(KINDS["tasks"], columns=_PLANNED, references={})
    row = SQL.row.format(table=Table.BASELINE_TASKS, version="$4", ref="p.old")
    return _differences("tasks", kind, basis, planned_tables(basis), row, baseline=True)


def _differences(
    name: str,
    kind: Kind,
    basis: Basis,
    tables: Iterable[str],
    old_row: str,
    *,
    baseline: bool = False,
) -> str:
    kept = kept_elements(kind)
    old, new = (dict(_values(kind, side, basis)) for side in ("o", "n"))
    old_id, new_id = kind.id.format(row="p.o"), kind.id.format(row="p.n")
    pick = "(array_agg(ref) FILTER (WHERE side = {}))[1]"
    if name != "shared_objects":
        pick = "min(ref) FILTER (WHERE side = {})"
    pairs = SQL.pairs.format(pick_old=pick.format(0), pick_new=pick.format(1))
    if basis.same_ids and name == "tasks":
        pairs = SQL.pairs_of_unique_keys
    return SQL.differences.format(
        tables=",\n".join(tables),
        pairs=pairs,
        old_row=old_row,
        new_row=_row(name, kind, "$4", "p.new"),
        old_identity=_identity(name, kind, "o"),
        new_identity=_identity(name, kind, "n"),
        facts=_task_facts(kept.elements) if name == "tasks" else "NULL::jsonb",
        old_values=", ".join(old.values()) or "NULL",
        new_values=", ".join(new.values()) or "NULL",
        old_content=_record(old),
        new_content=_record(new),
        old_shown=_shown(kind, "o"),
        new_shown=_shown(kind, "n"),
        stated="o.value <> 'null'" if baseline else "true",
        whole="false" if baseline else "true",
        elements="{}" if baseline else json.dumps(kept.elements),
        columns=json.dumps(kept.columns),
        preferred=json.dumps(kept.preferred),
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
            value = activity_code(column, f"(p.{side}).")
        yield column, value


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
