"""Where the planning columns of a stored project and the independent reader's finding differ."""

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple

from tests.support.real.stored import Row

Said = dict[str, Any]


class Compared(NamedTuple):
    """One value.

    Attributes:
        column: table and column.
        ours: what is stored, in a form that can be compared; None for null.
        theirs: what the independent reader found or computed.
        raw: the text of the file's element, which is in ``attributes`` too.
    """

    column: str
    ours: Any
    theirs: Any
    raw: str | None

    @property
    def verdict(self) -> str:
        """Return ``equal``, ``none`` in both, ``computed``, ``more`` or ``different``."""
        if self.ours is None and self.theirs is None:
            return "none"
        if self.ours is None and not (self.raw or "").strip():
            return "computed"  # by the independent reader, because the file has no element
        if self.theirs is None:
            return "more"
        return "equal" if _same(self.ours, self.theirs) else "different"


_TASK: Final = {
    "code": ("activity_id", "Id", "Id"),
    "guid": ("guid", "GUID", "GUID"),
    "status": ("activity_status", None, "Status"),
    "actual_start": ("actual_start", "ActualStart", "ActualStartDate"),
    "actual_finish": ("actual_finish", "ActualFinish", "ActualFinishDate"),
    "early_start": ("early_start", "EarlyStart", "RemainingEarlyStartDate"),
    "early_finish": ("early_finish", "EarlyFinish", "RemainingEarlyFinishDate"),
    "late_start": ("late_start", "LateStart", "RemainingLateStartDate"),
    "late_finish": ("late_finish", "LateFinish", "RemainingLateFinishDate"),
    "actual_duration": ("actual_duration", "ActualDuration", "ActualDuration"),
    "remaining_duration": ("remaining_duration", "RemainingDuration", "RemainingDuration"),
    "work": ("work", None, "AtCompletionLaborUnits"),
    "actual_work": ("actual_work", "ActualWork", "ActualLaborUnits"),
    "remaining_work": ("remaining_work", "RemainingWork", "RemainingLaborUnits"),
    "constraint_type": ("constraint_type", "ConstraintType", "PrimaryConstraintType"),
    "constraint_date": ("constraint_date", "ConstraintDate", "PrimaryConstraintDate"),
    "deadline": ("deadline", "Deadline", None),
    "total_float": ("total_slack", "TotalSlack", "TotalFloat"),
    "free_float": ("free_slack", "FreeSlack", "FreeFloat"),
    "critical": ("critical", "Critical", "IsCritical"),
    "calendar_id": ("calendar_uid", "CalendarUID", "CalendarObjectId"),
    "physical_percent_complete": (
        "physical_percent",
        "PhysicalPercentComplete",
        "PhysicalPercentComplete",
    ),
    "cost": ("cost", "Cost", "AtCompletionTotalCost"),
    "actual_cost": ("actual_cost", "ActualCost", "ActualTotalCost"),
    "remaining_cost": ("remaining_cost", "RemainingCost", "RemainingTotalCost"),
}
_PROJECT: Final = {
    "start": ("start", None, "StartDate"),
    "finish": ("finish", None, "FinishDate"),
    "data_date": ("status_date", "StatusDate", "DataDate"),
    "must_finish": ("must_finish_by", None, "MustFinishByDate"),
    "calendar_id": ("default_calendar", "CalendarUID", "ActivityDefaultCalendarObjectId"),
}
_RESOURCE: Final = {
    "code": ("code", "Code", None),
    "max_units": ("max_units", "MaxUnits", None),
    "calendar_id": ("calendar", "CalendarUID", None),
}
_ASSIGNMENT: Final = {
    "start": ("start", "Start", "StartDate"),
    "finish": ("finish", "Finish", "FinishDate"),
    "work": ("work", None, "AtCompletionUnits"),
    "actual_work": ("actual_work", "ActualWork", "ActualUnits"),
    "remaining_work": ("remaining_work", "RemainingWork", "RemainingUnits"),
    "cost": ("cost", "Cost", "AtCompletionCost"),
    "actual_cost": ("actual_cost", "ActualCost", "ActualCost"),
}
"""For each column, the member of the finding, and the elements of Microsoft Project and P6."""

_CONSTRAINTS: Final = {
    "start_no_earlier_than": "START_NO_EARLIER_THAN",
    "start_no_later_than": "START_NO_LATER_THAN",
    "finish_no_earlier_than": "FINISH_NO_EARLIER_THAN",
    "finish_no_later_than": "FINISH_NO_LATER_THAN",
    "as_soon_as_possible": "AS_SOON_AS_POSSIBLE",
    "as_late_as_possible": "AS_LATE_AS_POSSIBLE",
    "must_start_on": "MUST_START_ON",
    "must_finish_on": "MUST_FINISH_ON",
    "start_on": "START_ON",
    "finish_on": "FINISH_ON",
}
_SPAN: Final = re.compile(r"(-?[\d.E]+-?\d*)(e?)(m|h|d|w|mo|y)")
_INTERVAL: Final = re.compile(r"(-?[\d.]+)([DHMS])")
_SECONDS: Final = {"D": 86400, "H": 3600, "M": 60, "S": 1}


def compare_planning(
    dialect: str, project: Row, children: Mapping[str, list[Row]], there: Said
) -> Iterator[Compared]:
    """Yield every value of the planning columns, beside the independent reader's."""
    units = _Units(project)
    yield from _record("projects", _PROJECT, dialect, project, there["project"], units)
    tasks = {task["uid"]: task for task in there["tasks"]}
    for row in children["tasks"]:
        if row["task_id"] in tasks:
            yield from _record("tasks", _TASK, dialect, row, tasks[row["task_id"]], units)
    resources = {each["uid"]: each for each in there["resources"]}
    for row in children["resources"]:
        yield from _record(
            "resources", _RESOURCE, dialect, row, resources[row["resource_id"]], units
        )
    given = defaultdict(list)
    for each in there["assignments"]:
        given[each["task"], each.get("resource")].append(each)
    for row in children["assignments"]:
        each = given[row["task_id"], row["resource_id"]].pop(0)
        yield from _record("assignments", _ASSIGNMENT, dialect, row, each, units)


def _record(
    table: str,
    columns: Mapping[str, tuple[str, str | None, str | None]],
    dialect: str,
    row: Row,
    there: Said,
    units: "_Units",
) -> Iterator[Compared]:
    attributes = json.loads(row["attributes"])
    for column, (member, mspdi, p6) in columns.items():
        element = mspdi if dialect == "mspdi" else p6
        raw = attributes.get(element) if element else None
        ours, theirs = row[column], there.get(member)
        if ours is not None:
            ours = _ours(column, ours)
        if theirs is not None:
            theirs = _theirs(column, theirs, units)
        yield Compared(f"{dialect} {table}.{column}", ours, theirs, raw)


class _Units:
    """Minutes of a project's working day, week and month."""

    def __init__(self, project: Row) -> None:
        told = json.loads(project["attributes"])
        day = int(told.get("MinutesPerDay", 480))
        week = int(told.get("MinutesPerWeek", 2400))
        month = day * int(told.get("DaysPerMonth", 20))
        self.plain = {"m": 1, "h": 60, "d": day, "w": week, "mo": month}
        self.elapsed = {"m": 1, "h": 60, "d": 1440, "w": 10080, "mo": 43200}


def _ours(column: str, text: str) -> Any:
    if column.endswith(("_start", "_finish", "_date", "deadline")) or column in {"start", "finish"}:
        return datetime.fromisoformat(text)
    if column.endswith(("_duration", "work", "_float")):
        seconds = sum(
            Decimal(number) * _SECONDS[unit]
            for number, unit in _INTERVAL.findall(text.partition("T")[2])
        )
        return seconds / 60
    if column.endswith(("cost", "percent_complete", "max_units")):
        return Decimal(text)
    if column == "critical":
        return text.startswith("t")
    return _CONSTRAINTS[text] if column == "constraint_type" else text


def _theirs(column: str, said: Any, units: _Units) -> Any:
    text = str(said)
    if column.endswith(("_start", "_finish", "_date", "deadline")) or column in {"start", "finish"}:
        return datetime.fromisoformat(text)
    if column.endswith(("_duration", "work", "_float")):
        match = _SPAN.fullmatch(text)
        assert match is not None, text
        return Decimal(match[1]) * (units.elapsed if match[2] else units.plain)[match[3]]
    if column == "max_units":
        return Decimal(text) / 100
    if column.endswith(("cost", "percent_complete")):
        return Decimal(text)
    if column == "critical":
        return text == "True"
    return text.replace("_", " ").title() if column == "status" else text


def _same(ours: Any, theirs: Any) -> bool:
    if isinstance(ours, Decimal):
        return bool(abs(ours - theirs) < Decimal("0.001"))
    return bool(ours == theirs)
