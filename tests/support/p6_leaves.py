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
from uuid import UUID

from lxml.etree import QName, _Element

from tests.support.leaves import Leaves, is_malformed, is_structured, json_leaves, xml_leaves

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


def same_guid(raw: str, column: str) -> bool:
    return UUID(raw) == UUID(column) and column == column.lower()


def same_flag(raw: str, column: str) -> bool:
    return (raw in {"1", "true"}) == (column in {"t", "true"})


def same_word(words: dict[str, str]) -> Callable[[str, str], bool]:
    return lambda raw, column: words[raw] == column


CONSTRAINT_WORDS = {
    "As Late As Possible": "as_late_as_possible",
    "Finish On": "finish_on",
    "Finish On or After": "finish_no_earlier_than",
    "Finish On or Before": "finish_no_later_than",
    "Mandatory Finish": "must_finish_on",
    "Mandatory Start": "must_start_on",
    "Start On": "start_on",
    "Start On or After": "start_no_earlier_than",
    "Start On or Before": "start_no_later_than",
}
Same = Callable[[str, str], bool]
Inverse = dict[str, tuple[str, Same]]
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
    "Id": ("code", same_text),
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
KEPT: dict[str, Inverse] = {
    "Project": {
        "DataDate": ("data_date", same_moment),
        "MustFinishByDate": ("must_finish", same_moment),
        "ActivityDefaultCalendarObjectId": ("calendar_id", same_id),
        "OriginalProjectObjectId": ("baseline_of", same_id),
    },
    "WBS": {
        "GUID": ("guid", same_guid),
        "Status": ("status", same_text),
    },
    "Activity": {
        "GUID": ("guid", same_guid),
        "Status": ("status", same_text),
        "ActualStartDate": ("actual_start", same_moment),
        "ActualFinishDate": ("actual_finish", same_moment),
        "RemainingEarlyStartDate": ("early_start", same_moment),
        "RemainingEarlyFinishDate": ("early_finish", same_moment),
        "RemainingLateStartDate": ("late_start", same_moment),
        "RemainingLateFinishDate": ("late_finish", same_moment),
        "ActualDuration": ("actual_duration", same_hours),
        "RemainingDuration": ("remaining_duration", same_hours),
        "ActualLaborUnits": ("actual_work", same_hours),
        "RemainingLaborUnits": ("remaining_work", same_hours),
        "PrimaryConstraintType": ("constraint_type", same_word(CONSTRAINT_WORDS)),
        "PrimaryConstraintDate": ("constraint_date", same_moment),
        "TotalFloat": ("total_float", same_hours),
        "FreeFloat": ("free_float", same_hours),
        "IsCritical": ("critical", same_flag),
        "CalendarObjectId": ("calendar_id", same_id),
        "PhysicalPercentComplete": ("physical_percent_complete", same_fraction),
        "AtCompletionTotalCost": ("cost", same_number),
        "ActualTotalCost": ("actual_cost", same_number),
        "RemainingTotalCost": ("remaining_cost", same_number),
    },
    "ResourceAssignment": {
        "StartDate": ("start", same_moment),
        "FinishDate": ("finish", same_moment),
        "ActualUnits": ("actual_work", same_hours),
        "RemainingUnits": ("remaining_work", same_hours),
        "AtCompletionCost": ("cost", same_number),
        "ActualCost": ("actual_cost", same_number),
        "RoleObjectId": ("role_id", same_id),
    },
}
"""For each element that stays in attributes, the column that has its value too."""
SECOND_CHOICES = {
    "EarlyStartDate": "RemainingEarlyStartDate",
    "EarlyFinishDate": "RemainingEarlyFinishDate",
    "LateStartDate": "RemainingLateStartDate",
    "LateFinishDate": "RemainingLateFinishDate",
}
"""Elements that fill a column if another element is absent, and that element."""
MATERIAL = {"ActualUnits", "RemainingUnits"}
"""Elements that fill no column if the resource is material."""
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
            found = _accounts(own, said, PROJECT) and _fills(own, name, said)
        elif queue and _accounts(queue[0], said, inverse):
            found = _fills(queue.popleft(), name, said)
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


def _fills(row: Row, name: str, said: Leaves) -> bool:
    """Whether the columns have what attributes have too."""
    for element, (column, same) in _kept(name, said):
        raw = said.get((element,), [""])[0]
        if not raw or is_malformed(raw):
            good = row[column] is None
        else:
            good = row[column] is not None and same(raw, row[column])
        if not good:
            return False
    return True


def _kept(name: str, said: Leaves) -> Iterator[tuple[str, tuple[str, Same]]]:
    """Yield the elements that decide a column of the record."""
    is_material = said.get(("ResourceType",)) == ["Material"]
    for element, place in KEPT.get(name, {}).items():
        if is_material and element in MATERIAL:
            continue
        second = next((one for one, first in SECOND_CHOICES.items() if first == element), element)
        yield (element if (element,) in said else second), place
