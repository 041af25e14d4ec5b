"""The record rules of Primavera P6 XML."""

from dataclasses import replace
from typing import Final

from service.codes import WarningCode
from service.formats import values
from service.formats.record_rules import (
    KEEP_AS_PART,
    PROJECT_ROW_COLUMNS,
    Field,
    Key,
    RecordRule,
    ReferenceRule,
    Settle,
)
from service.tables import Table

LINK: Final = values.enumeration(
    "link",
    {
        "Finish to Start": "FS",
        "Start to Start": "SS",
        "Finish to Finish": "FF",
        "Start to Finish": "SF",
    },
)
MILESTONE: Final = values.enumeration(
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

PROJECT: Final = RecordRule(
    "Project",
    columns=PROJECT_ROW_COLUMNS,
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
_SHARED_BY_TASK: Final = "Activity"

_WBS: Final = RecordRule(
    "WBS",
    Table.TASKS,
    fields=(
        Field("ObjectId", "task_id", values.ID),
        Field("Name", "name", values.TEXT),
        Field("Code", "wbs", values.TEXT),
    ),
    defaults={"kind": b"wbs", "summary": b"t"},
    required=("task_id",),
    key=Key("task_id", "wbs"),
    shared=_SHARED_BY_TASK,
)
WBS: Final = replace(
    _WBS,
    fields=(*_WBS.fields, Field("ParentObjectId", "parent_id", values.ID)),
    # The parent may come later. If it is not in the project, the file's id goes to attributes.
    references=(ReferenceRule(("parent_id",), ("wbs",), fallback=_WBS, settle=Settle.IN_ORDER),),
)
_ACTIVITY: Final = RecordRule(
    "Activity",
    Table.TASKS,
    fields=(
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
    ),
    required=("task_id",),
    key=Key("task_id", "activity"),
    shared=_SHARED_BY_TASK,
)
ACTIVITY: Final = replace(
    _ACTIVITY,
    fields=(*_ACTIVITY.fields, Field("WBSObjectId", "parent_id", values.ID)),
    references=(
        ReferenceRule(("parent_id",), ("wbs",), fallback=_ACTIVITY, settle=Settle.AT_ONCE),
    ),
)
RELATIONSHIP: Final = RecordRule(
    "Relationship",
    Table.DEPENDENCIES,
    fields=(
        Field("PredecessorActivityObjectId", "predecessor_id", values.ID),
        Field("SuccessorActivityObjectId", "successor_id", values.ID),
        Field("Type", "type", LINK),
        Field("Lag", "lag", values.HOURS),
    ),
    references=(
        ReferenceRule(
            ("predecessor_id", "successor_id"),
            ("activity", "wbs"),
            required=True,
            problem="has an end that is not in this project",
            warning=WarningCode.LINK_END_MISSING,
            fallback=KEEP_AS_PART,
        ),
    ),
    shared="Relationship",
)
_ASSIGNMENT: Final = RecordRule(
    "ResourceAssignment",
    Table.ASSIGNMENTS,
    fields=(
        Field("ActivityObjectId", "task_id", values.ID),
        Field("ResourceObjectId", "resource_id", values.ID),
        Field("PlannedUnitsPerTime", "units", values.DECIMAL),
        Field("AtCompletionUnits", "work", values.HOURS),
        Field("ResourceType", "material", values.flag("material", ("Material",)), keep=True),
    ),
    references=(
        ReferenceRule(
            ("task_id",),
            ("activity",),
            required=True,
            problem="is not an activity of this project",
            warning=WarningCode.ASSIGNMENT_TASK_MISSING,
            fallback=KEEP_AS_PART,
        ),
    ),
    shared="ResourceAssignment",
)
ASSIGNMENT: Final = replace(
    _ASSIGNMENT,
    # The units of a material are not hours of work.
    variants={"material": replace(_ASSIGNMENT, fields=_ASSIGNMENT.fields[:3])},
)

PARTS: Final = (
    *("ActivityCode", "ActivityCodeType", "ActivityExpense", "ActivityNote"),
    *("ActivityPeriodActual", "ActivityRisk", "ActivityStep", "Calendar", "Document"),
    *("ProjectBudgetChangeLog", "ProjectDocument", "ProjectFunding", "ProjectIssue"),
    *("ProjectNote", "ProjectResource", "ProjectResourceQuantity", "ProjectResourceSpread"),
    *("ProjectRoleSpread", "ProjectSpendingPlan", "ProjectThreshold", "ResourceAssignmentCode"),
    *("ResourceAssignmentCodeType", "ResourceAssignmentPeriodActual", "Risk", "RiskImpact"),
    *("RiskResponseAction", "RiskResponseActionImpact", "RiskResponsePlan", "WBSMilestone"),
)
"""Records of a project that have no table. ``Code`` and others of which a project has few are not
listed: they are read with the project itself."""
