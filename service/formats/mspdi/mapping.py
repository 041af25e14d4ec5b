"""The record rules of Microsoft Project's XML."""

from dataclasses import replace
from typing import Final

from service.codes import WarningCode
from service.formats import values
from service.formats.record_rules import (
    KEEP_AS_PART,
    PROJECT_ROW_COLUMNS,
    Field,
    Key,
    NestedRule,
    RecordRule,
    ReferenceRule,
)
from service.tables import Table

RESOURCE_UID: Final = values.id_or_none("-65535")
CALENDAR_UID: Final = values.id_or_none("-1")
PERCENTAGE: Final = values.flag("percentage", ("19", "20", "51", "52"))
"""Lag formats in percent of the predecessor's duration: plain and elapsed, exact and estimated."""
LEVEL: Final = values.pattern("level", "[0-9]{1,5}", "is not an outline level")
LINK_TYPE: Final = values.enumeration("link_type", {"0": "FF", "1": "FS", "2": "SF", "3": "SS"})
RESOURCE_TYPE: Final = values.enumeration(
    "resource_type", {"0": "material", "1": "work", "2": "cost"}
)
CONSTRAINT: Final = values.enumeration(
    "constraint",
    {
        "0": "as_soon_as_possible",
        "1": "as_late_as_possible",
        "2": "must_start_on",
        "3": "must_finish_on",
        "4": "start_no_earlier_than",
        "5": "start_no_later_than",
        "6": "finish_no_earlier_than",
        "7": "finish_no_later_than",
    },
)

EXTERNAL_ID: Final = Field("GUID", "external_id", values.GUID, keep=True)
NAME_AS_ID: Final = Field("Name", "external_id", values.ID, rank=1)
"""The field that identifies a project without a GUID."""

PROJECT: Final = RecordRule(
    "Project",
    columns=PROJECT_ROW_COLUMNS,
    fields=(
        EXTERNAL_ID,
        Field("Name", "name", values.TEXT),
        Field("Title", "title", values.TEXT, keep=True),
        Field("Manager", "manager", values.TEXT),
        Field("CurrencyCode", "currency", values.TEXT),
        Field("StartDate", "start", values.TIMESTAMP),
        Field("FinishDate", "finish", values.TIMESTAMP),
        Field("StatusDate", "data_date", values.TIMESTAMP, keep=True),
        Field("CalendarUID", "calendar_id", CALENDAR_UID, keep=True),
    ),
    parts=True,
)
_LINK: Final = RecordRule(
    "PredecessorLink",
    Table.DEPENDENCIES,
    fields=(
        Field("PredecessorUID", "predecessor_id", values.ID),
        Field("Type", "type", LINK_TYPE),
        Field("LinkLag", "lag", values.TENTHS),
        Field("LagFormat", "percentage", PERCENTAGE, keep=True),
    ),
    references=(
        ReferenceRule(
            ("predecessor_id",),
            ("task",),
            required=True,
            problem="is not a task of this project",
            warning=WarningCode.LINK_END_MISSING,
            fallback=KEEP_AS_PART,
        ),
    ),
)
LINK: Final = replace(
    _LINK,
    # No column holds a lag in percent.
    variants={"percentage": replace(_LINK, fields=_LINK.fields[:2])},
)
BASELINE: Final = RecordRule(
    "Baseline",
    Table.BASELINE_TASKS,
    fields=(
        Field("Number", "number", values.INTEGER),
        Field("Start", "start", values.TIMESTAMP),
        Field("Finish", "finish", values.TIMESTAMP),
        Field("Duration", "duration", values.DURATION),
        Field("Work", "work", values.DURATION),
        Field("Cost", "cost", values.HUNDREDTHS),
    ),
)
"""A state of a task that Microsoft Project keeps. ``format`` adds it to the rule of a task."""
TASK: Final = RecordRule(
    "Task",
    Table.TASKS,
    fields=(
        Field("UID", "task_id", values.ID),
        Field("Name", "name", values.TEXT),
        Field("WBS", "wbs", values.TEXT),
        Field("Start", "start", values.TIMESTAMP),
        Field("Finish", "finish", values.TIMESTAMP),
        Field("Duration", "duration", values.DURATION),
        Field("Work", "work", values.DURATION),
        Field("PercentComplete", "percent_complete", values.PERCENT),
        Field("Priority", "priority", values.INTEGER),
        Field("Milestone", "milestone", values.BOOLEAN),
        Field("Summary", "summary", values.BOOLEAN),
        Field("Notes", "notes", values.TEXT),
        Field("GUID", "guid", values.GUID, keep=True),
        Field("ActualStart", "actual_start", values.TIMESTAMP, keep=True),
        Field("ActualFinish", "actual_finish", values.TIMESTAMP, keep=True),
        Field("EarlyStart", "early_start", values.TIMESTAMP, keep=True),
        Field("EarlyFinish", "early_finish", values.TIMESTAMP, keep=True),
        Field("LateStart", "late_start", values.TIMESTAMP, keep=True),
        Field("LateFinish", "late_finish", values.TIMESTAMP, keep=True),
        Field("ActualDuration", "actual_duration", values.DURATION, keep=True),
        Field("RemainingDuration", "remaining_duration", values.DURATION, keep=True),
        Field("ActualWork", "actual_work", values.DURATION, keep=True),
        Field("RemainingWork", "remaining_work", values.DURATION, keep=True),
        Field("ConstraintType", "constraint_type", CONSTRAINT, keep=True),
        Field("ConstraintDate", "constraint_date", values.TIMESTAMP, keep=True),
        Field("Deadline", "deadline", values.TIMESTAMP, keep=True),
        Field("TotalSlack", "total_float", values.TENTHS, keep=True),
        Field("FreeSlack", "free_float", values.TENTHS, keep=True),
        Field("Critical", "critical", values.BOOLEAN, keep=True),
        Field("CalendarUID", "calendar_id", CALENDAR_UID, keep=True),
        Field("PhysicalPercentComplete", "physical_percent_complete", values.PERCENT, keep=True),
        Field("Cost", "cost", values.HUNDREDTHS, keep=True),
        Field("ActualCost", "actual_cost", values.HUNDREDTHS, keep=True),
        Field("RemainingCost", "remaining_cost", values.HUNDREDTHS, keep=True),
        Field("OutlineLevel", "level", LEVEL, keep=True),
        Field("IsNull", "is_null", values.BOOLEAN, keep=True),
    ),
    required=("task_id",),
    apart=("PredecessorLink",),
    key=Key("task_id", "task"),
    variants={"is_null": KEEP_AS_PART},
    level="level",
    nested=(NestedRule(LINK, owner="successor_id", owner_member="TaskUID"),),
)
_RESOURCE: Final = RecordRule(
    "Resource",
    Table.RESOURCES,
    fields=(
        Field("UID", "resource_id", values.ID),
        Field("Name", "name", values.TEXT),
        Field("Type", "type", RESOURCE_TYPE, keep=True),
        Field("EmailAddress", "email", values.TEXT),
        Field("Code", "code", values.TEXT, keep=True),
        Field("MaxUnits", "max_units", values.DECIMAL, keep=True),
        Field("CalendarUID", "calendar_id", CALENDAR_UID, keep=True),
        Field("StandardRate", "standard_rate", values.DECIMAL, keep=True),
        Field("IsCostResource", "is_cost", values.BOOLEAN, keep=True),
        Field("IsNull", "is_null", values.BOOLEAN, keep=True),
    ),
    required=("resource_id",),
    key=Key("resource_id", "resource"),
)
RESOURCE: Final = replace(
    _RESOURCE,
    variants={
        "is_null": KEEP_AS_PART,
        "is_cost": replace(
            _RESOURCE,
            fields=tuple(entry for entry in _RESOURCE.fields if entry.column != "type"),
            defaults={"type": b"cost"},
        ),
    },
)
ASSIGNMENT: Final = RecordRule(
    "Assignment",
    Table.ASSIGNMENTS,
    fields=(
        Field("TaskUID", "task_id", values.ID),
        Field("ResourceUID", "resource_id", RESOURCE_UID),
        Field("Units", "units", values.DECIMAL),
        Field("Work", "work", values.DURATION),
        Field("Start", "start", values.TIMESTAMP, keep=True),
        Field("Finish", "finish", values.TIMESTAMP, keep=True),
        Field("ActualWork", "actual_work", values.DURATION, keep=True),
        Field("RemainingWork", "remaining_work", values.DURATION, keep=True),
        Field("Cost", "cost", values.HUNDREDTHS, keep=True),
        Field("ActualCost", "actual_cost", values.HUNDREDTHS, keep=True),
    ),
    references=(
        ReferenceRule(
            ("task_id",),
            ("task",),
            required=True,
            problem="is not a task of this project",
            warning=WarningCode.ASSIGNMENT_TASK_MISSING,
            fallback=KEEP_AS_PART,
        ),
        ReferenceRule(
            ("resource_id",),
            ("resource",),
            problem="is not a resource of this project",
            warning=WarningCode.RESOURCE_MISSING,
        ),
    ),
)
PARTS: Final = (
    "Calendars/Calendar",
    "ExtendedAttributes/ExtendedAttribute",
    "OutlineCodes/OutlineCode",
    "WBSMasks/WBSMask",
    "Views/View",
    "Filters/Filter",
    "Groups/Group",
    "Tables/Table",
    "Maps/Map",
    "Reports/Report",
    "Drawings/Drawing",
    "DataLinks/DataLink",
    "VBAProjects/VBAProject",
)
"""Records that have no table."""
