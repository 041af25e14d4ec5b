"""Checks that the rows of a Microsoft Project file have all values of the file.

The maps are written a second time here, and values are compared by their meaning, so that the
readers' maps and canonical values are not checked against themselves.
"""

import re
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson
from lxml.etree import QName, _Element

from tests.support.leaves import Leaves, is_malformed, is_structured, json_leaves, xml_leaves

Row = Mapping[str, Any]
Same = Callable[[str, str], bool]

_DURATION = re.compile(
    r"(-?)P(?:(-?\d+)D)?(?:T(?:(-?\d+)H)?(?:(-?\d+)M)?(?:(-?[\d.]+)S)?)?", re.ASCII
)


def _span(text: str) -> Decimal:
    """Seconds of a duration, signs at its front or at each part."""
    match = _DURATION.fullmatch(text.strip())
    assert match is not None, text
    sign, *parts = match.groups()
    factors = (86400, 3600, 60, 1)
    total = sum(
        (Decimal(part or 0) * n for part, n in zip(parts, factors, strict=True)), Decimal(0)
    )
    return -total if sign else total


def text(raw: str, column: str) -> bool:
    return raw == column


def trimmed(raw: str, column: str) -> bool:
    return raw.strip() == column


def moment(raw: str, column: str) -> bool:
    return datetime.fromisoformat(raw.strip()) == datetime.fromisoformat(column)


def span(raw: str, column: str) -> bool:
    return _span(raw) == _span(column)


def number(raw: str, column: str) -> bool:
    return Decimal(raw.strip()) == Decimal(column)


def hundredths(raw: str, column: str) -> bool:
    return Decimal(raw.strip()) == Decimal(column) * 100


def flag(raw: str, column: str) -> bool:
    return (raw.strip() in {"1", "true"}) == (column in {"t", "true"})


def lag(raw: str, column: str) -> bool:
    return timedelta(seconds=int(raw) * 6) == timedelta(seconds=float(_span(column)))


def guid(raw: str, column: str) -> bool:
    return UUID(raw) == UUID(column) and column == column.lower()


def constraint(raw: str, column: str) -> bool:
    return _CONSTRAINTS[int(raw)] == column


_CONSTRAINTS = (
    "as_soon_as_possible",
    "as_late_as_possible",
    "must_start_on",
    "must_finish_on",
    "start_no_earlier_than",
    "start_no_later_than",
    "finish_no_earlier_than",
    "finish_no_later_than",
)


def link_type(raw: str, column: str) -> bool:
    return ("FF", "FS", "SF", "SS")[int(raw)] == column


COLUMNS: dict[str, dict[str, tuple[str, Same]]] = {
    "project": {
        "Name": ("name", text),
        "Manager": ("manager", text),
        "CurrencyCode": ("currency", text),
        "StartDate": ("start", moment),
        "FinishDate": ("finish", moment),
    },
    "tasks": {
        "UID": ("task_id", trimmed),
        "Name": ("name", text),
        "WBS": ("wbs", text),
        "Start": ("start", moment),
        "Finish": ("finish", moment),
        "Duration": ("duration", span),
        "Work": ("work", span),
        "PercentComplete": ("percent_complete", number),
        "Priority": ("priority", number),
        "Milestone": ("milestone", flag),
        "Summary": ("summary", flag),
        "Notes": ("notes", text),
    },
    "dependencies": {
        "PredecessorUID": ("predecessor_id", trimmed),
        "Type": ("type", link_type),
        "LinkLag": ("lag", lag),
    },
    "baseline_tasks": {
        "Number": ("number", number),
        "Start": ("start", moment),
        "Finish": ("finish", moment),
        "Duration": ("duration", span),
        "Work": ("work", span),
        "Cost": ("cost", hundredths),
    },
    "resources": {
        "UID": ("resource_id", trimmed),
        "Name": ("name", text),
        "EmailAddress": ("email", text),
    },
    "assignments": {
        "TaskUID": ("task_id", trimmed),
        "ResourceUID": ("resource_id", trimmed),
        "Units": ("units", number),
        "Work": ("work", span),
    },
}

KEPT: dict[str, dict[str, tuple[str, Same]]] = {
    "project": {"StatusDate": ("data_date", moment), "CalendarUID": ("calendar_id", trimmed)},
    "tasks": {
        "GUID": ("guid", guid),
        "ActualStart": ("actual_start", moment),
        "ActualFinish": ("actual_finish", moment),
        "EarlyStart": ("early_start", moment),
        "EarlyFinish": ("early_finish", moment),
        "LateStart": ("late_start", moment),
        "LateFinish": ("late_finish", moment),
        "ActualDuration": ("actual_duration", span),
        "RemainingDuration": ("remaining_duration", span),
        "ActualWork": ("actual_work", span),
        "RemainingWork": ("remaining_work", span),
        "ConstraintType": ("constraint_type", constraint),
        "ConstraintDate": ("constraint_date", moment),
        "Deadline": ("deadline", moment),
        "TotalSlack": ("total_float", lag),
        "FreeSlack": ("free_float", lag),
        "Critical": ("critical", flag),
        "CalendarUID": ("calendar_id", trimmed),
        "PhysicalPercentComplete": ("physical_percent_complete", number),
        "Cost": ("cost", hundredths),
        "ActualCost": ("actual_cost", hundredths),
        "RemainingCost": ("remaining_cost", hundredths),
    },
    "resources": {
        "Code": ("code", text),
        "MaxUnits": ("max_units", number),
        "CalendarUID": ("calendar_id", trimmed),
        "StandardRate": ("standard_rate", number),
    },
    "assignments": {
        "Start": ("start", moment),
        "Finish": ("finish", moment),
        "ActualWork": ("actual_work", span),
        "RemainingWork": ("remaining_work", span),
        "Cost": ("cost", hundredths),
        "ActualCost": ("actual_cost", hundredths),
    },
}
"""For each element that stays in attributes, the column that has its value too."""
_NONE = {("CalendarUID", "-1"), ("GUID", str(UUID(int=0)))}
"""Values that stand for none."""

_NESTED = {"PredecessorLink": "dependencies", "Baseline": "baseline_tasks"}
_RECORDS = {"Task": "tasks", "Resource": "resources", "Assignment": "assignments"}
_HELD_BY = {"Tasks": "Task", "Resources": "Resource", "Assignments": "Assignment"}
_ITEMS = {
    **_HELD_BY,
    "Calendars": "Calendar",
    "OutlineCodes": "OutlineCode",
    "WBSMasks": "WBSMask",
    "ExtendedAttributes": "ExtendedAttribute",
    "Views": "View",
    "Filters": "Filter",
    "Groups": "Group",
    "Tables": "Table",
    "Maps": "Map",
    "Reports": "Report",
    "Drawings": "Drawing",
    "DataLinks": "DataLink",
    "VBAProjects": "VBAProject",
}


def search(
    project: _Element, own: Row, tables: Mapping[str, Sequence[Row]]
) -> tuple[int, list[str]]:
    """Look for every leaf of a project.

    Args:
        project: its element.
        own: its row in ``project_versions``.
        tables: rows of its children, by table; values are text as PostgreSQL prints it (intervals
            in ``iso_8601`` style), attributes JSON text or objects.

    Returns:
        how many leaves were looked for, and those that are nowhere.
    """
    rows = {table: deque(found) for table, found in tables.items()}
    checked, lost = 0, []
    for table, label, leaves in _pieces(project):
        checked += sum(map(len, leaves.values()))
        if not leaves:
            continue
        if table == "project":
            missing = _missing(leaves, own, "project")
        else:
            missing = _take(table, label, leaves, rows)
        lost += [f"{label}: {'/'.join(path)} = {leaves[path]}" for path in missing]
    return checked, lost


def _pieces(project: _Element) -> Iterator[tuple[str, str, Leaves]]:
    """Every record of a project: the table it should be in, its element, its leaves."""
    yield "project", "Project", xml_leaves(project, scalars=True)
    for child in project:
        name = QName(child).localname
        if not is_structured(child):
            continue
        if name not in _ITEMS:
            yield "project_parts", name, xml_leaves(child)
            continue
        for item in child:
            label = QName(item).localname
            leaves = xml_leaves(item)
            if label == "Task" and _HELD_BY.get(name) == label:
                leaves = {path: said for path, said in leaves.items() if path[0] not in _NESTED}
                for inner in item:
                    if (element := QName(inner).localname) in _NESTED:
                        yield _NESTED[element], element, xml_leaves(inner)
            table = _RECORDS.get(label, "project_parts") if name in _HELD_BY else "project_parts"
            yield table, label, leaves


def _take(
    table: str, label: str, leaves: Leaves, rows: Mapping[str, deque[Row]]
) -> list[tuple[str, ...]]:
    """Remove the row that has all of these leaves from the table or from the parts."""
    best: list[tuple[str, ...]] = list(leaves)
    for place in dict.fromkeys((table, "project_parts")):
        for at, row in enumerate(rows[place]):
            if place == "project_parts" and row["element"] != label:
                continue
            missing = _missing(leaves, row, place)
            if not missing:
                del rows[place][at]
                return []
            best = min(best, missing, key=len)
    return best


def _missing(leaves: Leaves, row: Row, table: str) -> list[tuple[str, ...]]:
    """Return the leaves that the row lacks, in attributes or in a column."""
    columns = COLUMNS.get(table, {})
    attributes = row["attributes"]
    kept = json_leaves(orjson.loads(attributes) if isinstance(attributes, str) else attributes)
    return [
        path
        for path, texts in leaves.items()
        if texts != kept.get(path, []) and not _in_column(path, texts, kept, row, columns)
    ] + [
        (element,)
        for element, (column, same) in KEPT.get(table, {}).items()
        if not _fills(element, leaves.get((element,), []), row[column], same)
    ]


def _fills(element: str, texts: list[str], column: str | None, same: Same) -> bool:
    """Whether a column has the value of an element that stays in attributes."""
    if not texts or (element, texts[0].strip()) in _NONE or is_malformed(texts[0]):
        return column is None
    return column is not None and same(texts[0], column)


def _in_column(
    path: tuple[str, ...],
    texts: list[str],
    kept: Leaves,
    row: Row,
    columns: Mapping[str, tuple[str, Same]],
) -> bool:
    if len(path) != 1 or path[0] not in columns or texts[1:] != kept.get(path, []):
        return False
    column, same = columns[path[0]]
    if path[0] == "ResourceUID" and texts[0] == "-65535":
        return row[column] is None
    return row[column] is not None and same(texts[0], row[column])
