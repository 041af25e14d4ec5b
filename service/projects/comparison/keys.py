"""The parts of a comparison's queries that decide which records of two versions are the same.

A key matches them, and a format's keys differ in how long they live. Primavera replaces every
``ObjectId`` when a plan moves to another database, but keeps the Activity IDs; Microsoft Project
keeps GUIDs, and its UIDs within a file.
"""

from collections.abc import Iterator
from typing import Final

from service.projects.comparison.kinds import KINDS, STABLE_CODE, Basis, Kind, Match
from service.storage.queries import Queries

_SQL: Final = Queries("compare_keys")

_DEEPEST: Final = 100
"""Levels of a work breakdown structure whose elements match by their path."""
_MOST_NAMES: Final = 10_000
"""Calendars and roles of a version that are known by name."""
_UNMATCHED: Final = "side || ' ' || ref"
"""Key of a record that the other version does not have, without its prefix."""
_BY_CODE: Final = f"CASE WHEN has_guid THEN {_UNMATCHED} ELSE kind || ' ' || coalesce(code, '') END"
"""The same for a task whose id means nothing in the other version: tasks with an equal code, or
with none, match by their order."""
_ROWS: Final = {
    "resources": _SQL.resource_rows,
    "baselines": _SQL.baseline_rows,
    "baseline_tasks": _SQL.baseline_task_rows,
    "parts": _SQL.part_rows,
    "shared_objects": _SQL.shared_rows,
}
"""Queries for the narrow rows of records whose keys depend on no other record."""


def same_ids(basis: Basis) -> str:
    """Return the query that decides whether the id of a task means the same in both versions.

    Its parameters are the client, the project, the old version and the new one. If it returns true,
    ids match the same tasks as every other key would, and no query has to compute keys.
    """
    old, new = (
        _SQL.task_keys.format(version=version, code=_task_code(basis)) for version in ("$3", "$4")
    )
    return _SQL.same_ids.format(old=old, new=new)


def key_tables(name: str, kind: Kind, basis: Basis) -> Iterator[str]:
    """Yield the common table expressions of a query; the last one is ``keyed``."""
    if kind.references and basis.moved:
        yield from _names()
    if name in ("tasks", "dependencies", "assignments"):
        yield from _task_tables(name, basis)
    match name:
        case "project":
            yield _SQL.keyed_project
        case "tasks":
            pass  # ``_task_tables`` yields all
        case "dependencies":
            yield _both("dependency_rows", _SQL.dependency_rows)
            yield _SQL.keyed_dependencies
        case "assignments":
            yield from _keys("resource", _SQL.resource_rows, KINDS["resources"].code, basis)
            yield _both("assignment_rows", _SQL.assignment_rows)
            yield _SQL.keyed_assignments
        case _:
            if name == "baseline_tasks":
                yield from _keys("baseline", _SQL.baseline_rows, KINDS["baselines"].code, basis)
            yield from _keys("record", _ROWS[name], kind.code, basis)
            yield _SQL.keyed_others.format(name="record")


def planned_tables(basis: Basis) -> Iterator[str]:
    """Yield the same for the activities of a version and those of one of its baselines."""
    tasks = _SQL.task_rows.format(side=1, version="$4", code=_task_code(basis))
    rows = _SQL.planned_rows.format(tasks=tasks)
    yield f"task_candidates AS MATERIALIZED (\n{rows})"
    yield _task_rounds(basis)
    yield _SQL.keyed_others.format(name="task")


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
        filled = {"side": side, "version": version, "code": STABLE_CODE}
        parts, shared = _SQL.part_rows.format(**filled), _SQL.shared_rows.format(**filled)
        query = _SQL.names.format(parts=parts, shared=shared, most=_MOST_NAMES)
        yield f"{name} AS MATERIALIZED (\n{query})"


def _task_tables(name: str, basis: Basis) -> Iterator[str]:
    """Yield the tables of tasks. The last one is ``keyed``, or ``ends`` for other records."""
    if basis.same_ids:
        yield _both("keyed" if name == "tasks" else "ends", _SQL.task_ids)
        return
    if basis.match is Match.ID:
        yield _both("task_candidates", _SQL.task_rows, _task_code(basis))
    else:
        yield _both("task_rows", _SQL.task_rows, _task_code(basis))
        yield _SQL.element_paths.format(depth=_DEEPEST)
    yield _task_rounds(basis)
    yield from (_SQL.parents, _SQL.keyed_tasks) if name == "tasks" else (_SQL.ends,)


def _task_code(basis: Basis) -> str:
    return activity_code("code") if basis.codes else "code"


def _task_rounds(basis: Basis) -> str:
    return _rounds("task", basis, _BY_CODE if basis.moved else _UNMATCHED)


def _keys(name: str, rows: str, code: str, basis: Basis) -> Iterator[str]:
    yield _both(f"{name}_candidates", rows, code if basis.codes else "NULL::text")
    unmatched = _UNMATCHED
    if rows in (_SQL.part_rows, _SQL.shared_rows):
        # Objects without a key of their own match by their order.
        place = "kind" if basis.moved else "kind || ' ' || coalesce(id, '')"
        unmatched = f"CASE WHEN has_code OR has_guid THEN {unmatched} ELSE {place} END"
    yield _rounds(name, basis, unmatched)


def _rounds(name: str, basis: Basis, rest: str) -> str:
    if basis.match is Match.ID:
        return _SQL.keys_by_id.format(name=name)
    first, second = ("code", "guid") if basis.match is Match.CODE else ("guid", "code")
    filled = {"name": name, "first": first, "second": second, "rest": f"'4 ' || {rest}"}
    return _SQL.keys.format(moved="true" if basis.moved else "false", **filled)


def activity_code(column: str, row: str = "") -> str:
    """Return the expression for a column of tasks of Primavera.

    Activity IDs were in ``wbs`` before ``code`` existed, in versions that may still be stored.
    """
    if column == "code":
        return f"coalesce({row}code, CASE {row}kind WHEN 'activity' THEN {row}wbs END)"
    return f"CASE WHEN {row}kind = 'wbs' OR {row}code IS NOT NULL THEN {row}wbs END"
