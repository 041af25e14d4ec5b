"""Checks that the rows of a Primavera project have all values of the project, and no others.

The maps are written a second time here, and values are compared by their meaning, so that the
readers' maps and canonical values are not checked against themselves.
"""

import json
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from lxml.etree import QName, _Element

from tests.support.leaves import Leaves, is_structured, json_leaves, xml_leaves

Row = Mapping[str, Any]


def same_text(raw: str, column: str) -> bool:
    return raw == column


def same_id(raw: str, column: str) -> bool:
    return raw.strip() == column


def same_number(raw: str, column: str) -> bool:
    return Decimal(raw) == Decimal(column)


def same_moment(raw: str, column: str) -> bool:
    return datetime.fromisoformat(raw) == datetime.fromisoformat(column)


def same_fraction(raw: str, column: str) -> bool:
    return Decimal(raw) * 100 == Decimal(column)


def same_hours(raw: str, column: str) -> bool:
    hours = Decimal(0)
    number = ""
    for sign in column.removeprefix("PT"):
        if sign in "HMS":
            hours += Decimal(number) / {"H": 1, "M": 60, "S": 3600}[sign]
            number = ""
        else:
            number += sign
    return abs(hours - Decimal(raw)) < Decimal("0.000001")


def same_word(words: dict[str, str]) -> Callable[[str, str], bool]:
    return lambda raw, column: words[raw] == column


Inverse = dict[str, tuple[str, Callable[[str, str], bool]]]
"""For each element, the column of its text, and the comparison of text and column."""

PROJECT: Inverse = {
    "Id": ("external_id", same_id),
    "Name": ("name", same_text),
    "Status": ("status", same_text),
    "Description": ("description", same_text),
    "StartDate": ("start", same_moment),
    "PlannedStartDate": ("start", same_moment),
    "FinishDate": ("finish", same_moment),
    "StrategicPriority": ("priority", same_number),
}
WBS: Inverse = {
    "ObjectId": ("task_id", same_id),
    "Name": ("name", same_text),
    "Code": ("wbs", same_text),
    "ParentObjectId": ("parent_id", same_id),
}
ACTIVITY: Inverse = {
    "ObjectId": ("task_id", same_id),
    "Id": ("wbs", same_text),
    "Name": ("name", same_text),
    "WBSObjectId": ("parent_id", same_id),
    "StartDate": ("start", same_moment),
    "FinishDate": ("finish", same_moment),
    "AtCompletionDuration": ("duration", same_hours),
    "PlannedDuration": ("duration", same_hours),
    "AtCompletionLaborUnits": ("work", same_hours),
    "PercentComplete": ("percent_complete", same_fraction),
}
LINK_WORDS = {
    "Finish to Finish": "FF",
    "Finish to Start": "FS",
    "Start to Finish": "SF",
    "Start to Start": "SS",
}
RELATIONSHIP: Inverse = {
    "PredecessorActivityObjectId": ("predecessor_id", same_id),
    "SuccessorActivityObjectId": ("successor_id", same_id),
    "Type": ("type", same_word(LINK_WORDS)),
    "Lag": ("lag", same_hours),
}
ASSIGNMENT: Inverse = {
    "ActivityObjectId": ("task_id", same_id),
    "ResourceObjectId": ("resource_id", same_id),
    "PlannedUnitsPerTime": ("units", same_number),
    "AtCompletionUnits": ("work", same_hours),
}
TABLES: dict[str, tuple[str, Inverse]] = {
    "WBS": ("tasks", WBS),
    "Activity": ("tasks", ACTIVITY),
    "Relationship": ("dependencies", RELATIONSHIP),
    "ResourceAssignment": ("assignments", ASSIGNMENT),
}


def search(
    project: _Element, own: Row, tables: Mapping[str, Sequence[Row]]
) -> tuple[int, list[str]]:
    """Look for every leaf of a project, record by record in the file's order.

    Args:
        project: its element.
        own: its row in ``project_versions``, and its ``external_id``.
        tables: rows of its children, by table; values are text as PostgreSQL prints it (intervals
            in ``iso_8601`` style), attributes JSON text or objects.

    Returns:
        how many leaves were looked for; records that are not as the file has them, and rows that
        no record of the file accounts for.
    """
    waiting = {table: deque(rows) for table, rows in tables.items()}
    parts: dict[str, deque[Row]] = {}
    for part in waiting.pop("project_parts"):
        parts.setdefault(part["element"], deque()).append(part)
    checked, lost = 0, []
    for name, said in _records(project):
        checked += sum(map(len, said.values()))
        table, inverse = TABLES.get(name, ("", {}))
        queue = waiting.get(table)
        aside = parts.get(name)
        if name == "Project":
            found = _accounts(own, said, PROJECT)
        elif queue and _accounts(queue[0], said, inverse):
            found = bool(queue.popleft())
        else:
            found = aside is not None and len(aside) > 0 and _accounts(aside.popleft(), said, {})
        if not found:
            lost.append(f"{name} {said}")
    rest = [*parts.items(), *((table, waiting[table]) for table, _ in TABLES.values())]
    lost += [f"{name} {row} is not in the file" for name, rows in rest for row in rows]
    return checked, lost


def _records(project: _Element) -> Iterator[tuple[str, Leaves]]:
    yield "Project", xml_leaves(project, scalars=True)
    for child in filter(is_structured, project):
        if said := xml_leaves(child):
            yield QName(child).localname, said


def _accounts(row: Row, said: Leaves, inverse: Inverse) -> bool:
    """Whether attributes have all values of a record that columns do not have, and no others."""
    attributes = row["attributes"]
    kept = json_leaves(json.loads(attributes) if isinstance(attributes, str) else attributes)
    taken: Counter[str] = Counter()
    for path, texts in said.items():
        left = kept.pop(path, [])
        if left == texts:
            continue
        if path[0] not in inverse or texts[1:] != left:
            return False
        column, same = inverse[path[0]]
        if row[column] is None or not same(texts[0], row[column]):
            return False
        taken[column] += 1
    return not kept and set(taken.values()) <= {1}
