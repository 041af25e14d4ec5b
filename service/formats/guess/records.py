"""Which elements of a file are projects, tasks, links, resources and assignments."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final

from service.formats.guess.sources import (
    MAX_DEPTH,
    MAX_NAME,
    Source,
    find_id,
    is_moment,
    references,
    sources_of,
)
from service.formats.guess.structure import Node
from service.formats.guess.vocabulary import has_role
from service.formats.record_rules import LIMITS
from service.tables import Table

_PROJECTS: Final = ("project", "network")
"""Roles of an element that is a project."""
_TASK_SCORE: Final = 4
"""An element with an id and two dates looks like a task, whatever its name."""
_INSIDE: Final[Mapping[Table | None, tuple[Table, ...]]] = {
    Table.TASKS: (Table.TASKS, Table.DEPENDENCIES, Table.ASSIGNMENTS),
    Table.RESOURCES: (Table.ASSIGNMENTS,),
}
"""The records that a record of a table can have inside."""
_MAX_INSIDE: Final = LIMITS["nested"]
MAX_KINDS: Final = 8
"""Kinds of elements that a draft takes for tasks, and for each of the other records."""


@dataclass(eq=False, slots=True)
class Record:
    """The elements that become rows of one table.

    Attributes:
        node: of the elements.
        table: None for the project.
        sources: what can go to columns.
        id: what identifies such a record, or None.
        outer: the record that contains it, if that is not the project.
    """

    node: Node
    table: Table | None
    sources: list[Source]
    id: Source | None = None
    outer: "Record | None" = None


@dataclass(slots=True)
class Plan:
    """The records of a file.

    Attributes:
        project: one project.
        records: of the project, tasks first.
        others: elements of a project that repeat, and that are no records.
    """

    project: Record
    records: list[Record]
    others: list[Node] = field(default_factory=list)


def find_plan(root: Node) -> Plan | None:
    """Find the records of a file; None if nothing in it looks like tasks.

    Args:
        root: of the file's structure.
    """
    candidates = [node for node in root.walk() if node is not root and _is_record(node)]
    known = set(candidates)
    sources = {node: list(sources_of(node, known, node.namespace)) for node in candidates}
    scores = {node: _task_score(node, sources[node]) for node in candidates}
    best = max(candidates, key=lambda node: scores[node], default=None)
    if best is None or scores[best] < _TASK_SCORE:
        return None
    namespace = best.namespace
    project = _find_project(best, root)
    inside = [
        node for node in candidates if project in node.ancestors and _can_be_written(node, project)
    ]
    if best not in inside:
        return None
    inside = [node for node in inside if node.namespace == namespace]
    tasks = [
        node for node in inside if node is best or (scores[node] >= _TASK_SCORE and _named(node))
    ]
    tasks = sorted(tasks, key=lambda node: -scores[node])[:MAX_KINDS]
    others = [source for node in inside for source in sources[node]]
    records = [
        Record(node, Table.TASKS, sources[node], find_id(node, sources[node], others))
        for node in tasks
    ]
    rest = [node for node in inside if node not in tasks]
    _add_others(records, rest, sources)
    records = _nest(records, project)
    if all(record.table is not Table.TASKS for record in records):
        return None
    taken = {record.node for record in records}
    plan = Plan(_project_record(project, known, namespace), records)
    plan.others = [node for node in rest if node not in taken and taken.isdisjoint(node.ancestors)]
    return plan


def _project_record(node: Node, records: Collection[Node], namespace: str) -> Record:
    sources = list(sources_of(node, records, namespace))
    own = [
        each
        for each in sources
        if "/" not in each.path or any(has_role(each.path, role) for role in _PROJECTS)
    ]
    return Record(node, None, sources, find_id(node, own))


def _can_be_written(node: Node, project: Node) -> bool:
    """Whether a format file can name a path from the project, whose steps have one namespace."""
    steps = node.path_from(project).split("/")
    if len(steps) > MAX_DEPTH or any(len(step) > MAX_NAME for step in steps):
        return False
    between = [above for above in node.ancestors if project in above.ancestors]
    return all(above.namespace == node.namespace for above in between)


def _add_others(
    records: list[Record], nodes: list[Node], sources: dict[Node, list[Source]]
) -> None:
    """Add resources, links and assignments."""
    task_ids = _ids(records)
    for node in nodes:
        if not _says(node, "resource") or _says(node, "assignment"):
            continue
        users = [source for each in nodes if each is not node for source in sources[each]]
        if (identifier := find_id(node, sources[node], users)) is not None:
            records.append(Record(node, Table.RESOURCES, sources[node], identifier))
    resource_ids = _ids([each for each in records if each.table is Table.RESOURCES])
    taken = {record.node for record in records}
    for node in nodes:
        if node in taken or _says(node, "other"):
            continue
        to_tasks = references(sources[node], task_ids)
        to_resources = references(sources[node], resource_ids)
        if _says(node, "link") and to_tasks:
            records.append(Record(node, Table.DEPENDENCIES, sources[node]))
        elif (_says(node, "assignment") and (to_tasks or to_resources)) or (
            to_tasks and _names_resource(to_resources)
        ):
            records.append(Record(node, Table.ASSIGNMENTS, sources[node]))
        elif not _has_any(node, taken) and len(_ends(to_tasks)) > 1:
            records.append(Record(node, Table.DEPENDENCIES, sources[node]))
    order = list(Table)
    records.sort(key=lambda record: order.index(record.table or Table.TASKS))
    for table in order:
        for record in [each for each in records if each.table is table][MAX_KINDS:]:
            records.remove(record)


def _ends(sources: list[Source]) -> list[Source]:
    return [each for each in sources if has_role(each.name, "link") or has_role(each.name, "task")]


def _names_resource(sources: list[Source]) -> bool:
    return any(has_role(each.name, "resource") for each in sources)


def _has_any(node: Node, taken: Collection[Node]) -> bool:
    return any(child in taken for child in node.own_children)


def _ids(records: list[Record]) -> set[str]:
    found: set[str] = set()
    for record in records:
        if (source := record.id) is not None:
            found.update(source.values.sample)
    return found


def _is_record(node: Node) -> bool:
    """Whether an element repeats, or is in a list that is named after it, and has values."""
    if not node.attributes and not node.own_children:
        return False
    if node.most > 1 or node.nested:
        return True
    parent, name = node.parent, node.name
    plural = (f"{name.lower()}s", f"{name.lower()}list")
    if parent is None or parent.name.lower() in plural:
        return True
    listed = len(parent.children) == 1 and not parent.attributes
    return node.count > 1 and (listed or has_role(name, "link") or has_role(name, "assignment"))


def _says(node: Node, role: str) -> bool:
    """Whether the name of an element, or of the list around it, has a word for a role."""
    if has_role(node.name, role):
        return True
    return node.is_generic and node.parent is not None and has_role(node.parent.name, role)


def _named(node: Node) -> bool:
    return _says(node, "task") or _says(node, "wbs")


def _task_score(node: Node, sources: list[Source]) -> int:
    """Return how much an element looks like a task."""
    score = 4 * _named(node)
    score -= 5 * any(_says(node, role) for role in ("link", "resource", "assignment", "other"))
    score -= 3 * (_says(node, "project") and not _named(node))
    dates = sum(is_moment(source.values) for source in sources)
    identified = find_id(node, sources) is not None
    return score + min(dates, 2) + node.nested + 2 if identified else 0


def _find_project(task: Node, root: Node) -> Node:
    """Return the element around a task that is a project."""
    above = [each for each in task.ancestors if each is root or each.namespace == task.namespace]
    for role in _PROJECTS:
        for node in above:
            plural = node.name.lower().endswith(f"{role}s")
            if has_role(node.name, role) and not (plural and not node.attributes):
                return node
    return next((node for node in above[1:] if node.most > 1), above[-1])


def _nest(records: list[Record], project: Node) -> list[Record]:
    """Set the outer record of each record, and drop those that cannot be inside it."""
    kept: list[Record] = []
    by_depth = sorted(records, key=lambda record: len(list(record.node.ancestors)))
    for record in by_depth:
        outer = record.outer = _outer(record, records, project)
        if outer is None or (outer in kept and _fits_inside(record, outer, kept)):
            kept.append(record)
    return [record for record in records if record in kept]


def _fits_inside(record: Record, outer: Record, kept: list[Record]) -> bool:
    """Whether a format can have a record inside another one, beside those that it has."""
    others = [each.node.name for each in kept if each.outer is outer]
    others += [outer.node.name] if outer.node.nested else []
    holds_outer = outer.node in record.node.children.values()
    fits = record.table in _INSIDE.get(outer.table, ()) and not holds_outer
    return fits and record.node.name not in others and len(others) < _MAX_INSIDE


def _outer(record: Record, records: list[Record], project: Node) -> Record | None:
    for above in record.node.ancestors:
        if above is project:
            return None
        for other in records:
            if other.node is above:
                return other
    return None
