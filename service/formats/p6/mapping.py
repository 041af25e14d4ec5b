"""The records of a Primavera project: which element goes to which column."""

from service.formats import values
from service.formats.record_maps import PROJECT as PROJECT_COLUMNS
from service.formats.record_maps import Field, RecordMap, columns_of
from service.tables import Table

LINK = values.enumeration(
    "link",
    {
        "Finish to Start": "FS",
        "Start to Start": "SS",
        "Finish to Finish": "FF",
        "Start to Finish": "SF",
    },
)
MILESTONE = values.enumeration(
    "milestone",
    {
        "Start Milestone": "t",
        "Finish Milestone": "t",
        "Task Dependent": "f",
        "Resource Dependent": "f",
        "Level of Effort": "f",
        "WBS Summary": "f",
    },
)

PROJECT = RecordMap(
    columns=PROJECT_COLUMNS,
    fields=(
        Field("Id", "external_id", values.ID),
        Field("Name", "name", values.TEXT),
        Field("Status", "status", values.TEXT),
        Field("Description", "description", values.TEXT),
        Field("StartDate", "start", values.TIMESTAMP),
        Field("PlannedStartDate", "start", values.TIMESTAMP, rank=1),
        Field("FinishDate", "finish", values.TIMESTAMP),
        Field("StrategicPriority", "priority", values.INTEGER),
    ),
    required=("external_id", "name"),
    parts=True,
)
_WBS = (
    Field("ObjectId", "task_id", values.ID),
    Field("Name", "name", values.TEXT),
    Field("Code", "wbs", values.TEXT),
)
_ACTIVITY = (
    Field("ObjectId", "task_id", values.ID),
    Field("Id", "wbs", values.TEXT),
    Field("Name", "name", values.TEXT),
    Field("StartDate", "start", values.TIMESTAMP),
    Field("FinishDate", "finish", values.TIMESTAMP),
    Field("AtCompletionDuration", "duration", values.HOURS),
    Field("PlannedDuration", "duration", values.HOURS, rank=1),
    Field("AtCompletionLaborUnits", "work", values.HOURS),
    Field("PercentComplete", "percent_complete", values.FRACTION),
    Field("Type", "milestone", MILESTONE, keep=True),
)
_ASSIGNMENT = (
    Field("ActivityObjectId", "task_id", values.ID),
    Field("ResourceObjectId", "resource_id", values.ID),
    Field("PlannedUnitsPerTime", "units", values.DECIMAL),
)


def _task(kind: bytes, summary: bytes, parent: str | None, fields: tuple[Field, ...]) -> RecordMap:
    """The map of a task; where it names no parent, the file's own goes to attributes."""
    if parent is not None:
        fields = (*fields, Field(parent, "parent_id", values.ID))
    return RecordMap(
        columns=columns_of(Table.TASKS),
        fields=fields,
        defaults={"kind": kind, "milestone": b"f", "summary": summary},
        required=("task_id",),
    )


WBS = _task(b"wbs", b"t", "ParentObjectId", _WBS)
ORPHANED_WBS = _task(b"wbs", b"t", None, _WBS)
ACTIVITY = _task(b"activity", b"f", "WBSObjectId", _ACTIVITY)
ORPHANED_ACTIVITY = _task(b"activity", b"f", None, _ACTIVITY)
RELATIONSHIP = RecordMap(
    columns=columns_of(Table.DEPENDENCIES),
    fields=(
        Field("PredecessorActivityObjectId", "predecessor_id", values.ID),
        Field("SuccessorActivityObjectId", "successor_id", values.ID),
        Field("Type", "type", LINK),
        Field("Lag", "lag", values.HOURS),
    ),
    defaults={"type": b"FS", "lag": b"PT0S"},
)
ASSIGNMENT = RecordMap(
    columns=columns_of(Table.ASSIGNMENTS),
    fields=(
        *_ASSIGNMENT,
        Field("AtCompletionUnits", "work", values.HOURS),
        Field("ResourceType", "material", values.flag("material", ("Material",)), keep=True),
    ),
)
MATERIAL_ASSIGNMENT = RecordMap(columns=columns_of(Table.ASSIGNMENTS), fields=_ASSIGNMENT)
"""Units of material are no hours of work."""

PARTS = (
    *("ActivityCode", "ActivityCodeType", "ActivityExpense", "ActivityNote"),
    *("ActivityPeriodActual", "ActivityRisk", "ActivityStep", "Calendar", "Document"),
    *("ProjectBudgetChangeLog", "ProjectDocument", "ProjectFunding", "ProjectIssue"),
    *("ProjectNote", "ProjectResource", "ProjectResourceQuantity", "ProjectResourceSpread"),
    *("ProjectRoleSpread", "ProjectSpendingPlan", "ProjectThreshold", "ResourceAssignmentCode"),
    *("ResourceAssignmentCodeType", "ResourceAssignmentPeriodActual", "Risk", "RiskImpact"),
    *("RiskResponseAction", "RiskResponseActionImpact", "RiskResponsePlan", "WBSMilestone"),
)
"""Children of a project that are cleared one by one; of ``Code`` and the like it has few."""
