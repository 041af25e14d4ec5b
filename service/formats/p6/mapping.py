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
CONSTRAINT: Final = values.enumeration(
    "constraint",
    {
        "As Late As Possible": "as_late_as_possible",
        "Mandatory Start": "must_start_on",
        "Mandatory Finish": "must_finish_on",
        "Start On": "start_on",
        "Finish On": "finish_on",
        "Start On or After": "start_no_earlier_than",
        "Start On or Before": "start_no_later_than",
        "Finish On or After": "finish_no_earlier_than",
        "Finish On or Before": "finish_no_later_than",
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
        Field("DataDate", "data_date", values.TIMESTAMP, keep=True),
        Field("MustFinishByDate", "must_finish", values.TIMESTAMP, keep=True),
        Field("ActivityDefaultCalendarObjectId", "calendar_id", values.ID, keep=True),
        Field("OriginalProjectObjectId", "baseline_of", values.ID, keep=True),
        Field("ObjectId", "object_id", values.ID, keep=True),
        Field("CurrentBaselineProjectObjectId", "current_baseline", values.ID, keep=True),
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
        Field("GUID", "guid", values.GUID, keep=True),
        Field("Status", "status", values.TEXT, keep=True),
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
        Field("Id", "code", values.TEXT),
        Field("Name", "name", values.TEXT),
        Field("StartDate", "start", values.TIMESTAMP),
        Field("FinishDate", "finish", values.TIMESTAMP),
        Field("AtCompletionDuration", "duration", values.HOURS),
        Field("PlannedDuration", "duration", values.HOURS, rank=1),
        Field("AtCompletionLaborUnits", "work", values.HOURS),
        Field("PercentComplete", "percent_complete", values.FRACTION),
        Field("Type", "milestone", MILESTONE, keep=True),
        Field("GUID", "guid", values.GUID, keep=True),
        Field("Status", "status", values.TEXT, keep=True),
        Field("ActualStartDate", "actual_start", values.TIMESTAMP, keep=True),
        Field("ActualFinishDate", "actual_finish", values.TIMESTAMP, keep=True),
        # The dates of the remaining work include leveling, and completed activities lack them.
        Field("RemainingEarlyStartDate", "early_start", values.TIMESTAMP, keep=True),
        Field("EarlyStartDate", "early_start", values.TIMESTAMP, keep=True, rank=1),
        Field("RemainingEarlyFinishDate", "early_finish", values.TIMESTAMP, keep=True),
        Field("EarlyFinishDate", "early_finish", values.TIMESTAMP, keep=True, rank=1),
        Field("RemainingLateStartDate", "late_start", values.TIMESTAMP, keep=True),
        Field("LateStartDate", "late_start", values.TIMESTAMP, keep=True, rank=1),
        Field("RemainingLateFinishDate", "late_finish", values.TIMESTAMP, keep=True),
        Field("LateFinishDate", "late_finish", values.TIMESTAMP, keep=True, rank=1),
        Field("ActualDuration", "actual_duration", values.HOURS, keep=True),
        Field("RemainingDuration", "remaining_duration", values.HOURS, keep=True),
        Field("ActualLaborUnits", "actual_work", values.HOURS, keep=True),
        Field("RemainingLaborUnits", "remaining_work", values.HOURS, keep=True),
        Field("PrimaryConstraintType", "constraint_type", CONSTRAINT, keep=True),
        Field("PrimaryConstraintDate", "constraint_date", values.TIMESTAMP, keep=True),
        Field("TotalFloat", "total_float", values.HOURS, keep=True),
        Field("FreeFloat", "free_float", values.HOURS, keep=True),
        Field("IsCritical", "critical", values.BOOLEAN, keep=True),
        Field("CalendarObjectId", "calendar_id", values.ID, keep=True),
        Field("PhysicalPercentComplete", "physical_percent_complete", values.FRACTION, keep=True),
        Field("AtCompletionTotalCost", "cost", values.DECIMAL, keep=True),
        Field("ActualTotalCost", "actual_cost", values.DECIMAL, keep=True),
        Field("RemainingTotalCost", "remaining_cost", values.DECIMAL, keep=True),
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
        Field("StartDate", "start", values.TIMESTAMP, keep=True),
        Field("FinishDate", "finish", values.TIMESTAMP, keep=True),
        Field("ActualUnits", "actual_work", values.HOURS, keep=True),
        Field("RemainingUnits", "remaining_work", values.HOURS, keep=True),
        Field("AtCompletionCost", "cost", values.DECIMAL, keep=True),
        Field("ActualCost", "actual_cost", values.DECIMAL, keep=True),
        Field("RoleObjectId", "role_id", values.ID, keep=True),
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
    variants={
        "material": replace(
            _ASSIGNMENT,
            fields=tuple(
                entry
                for entry in _ASSIGNMENT.fields
                if entry.kind is not values.HOURS and entry.column != "material"
            ),
        )
    },
)

BASELINE: Final = RecordRule(
    "BaselineProject",
    Table.BASELINES,
    fields=(
        Field("Name", "name", values.TEXT),
        Field("BaselineTypeName", "type", values.TEXT),
        Field("ObjectId", "object_id", values.ID, keep=True),
        Field("OriginalProjectObjectId", "project_id", values.ID, keep=True),
    ),
    parts=True,
)
BASELINE_WBS: Final = RecordRule(
    "WBS",
    Table.BASELINE_TASKS,
    fields=(Field("ObjectId", "task_id", values.ID), Field("Name", "name", values.TEXT)),
    defaults={"kind": b"wbs"},
    required=("task_id",),
    shared=_SHARED_BY_TASK,
)
BASELINE_ACTIVITY: Final = RecordRule(
    "Activity",
    Table.BASELINE_TASKS,
    fields=(
        Field("ObjectId", "task_id", values.ID),
        Field("Id", "code", values.TEXT),
        Field("Name", "name", values.TEXT),
        # P6 compares with the planned values of the baseline. Completed activities lack some.
        Field("PlannedStartDate", "start", values.TIMESTAMP, keep=True),
        Field("StartDate", "start", values.TIMESTAMP, keep=True, rank=1),
        Field("PlannedFinishDate", "finish", values.TIMESTAMP, keep=True),
        Field("FinishDate", "finish", values.TIMESTAMP, keep=True, rank=1),
        Field("PlannedDuration", "duration", values.HOURS, keep=True),
        Field("AtCompletionDuration", "duration", values.HOURS, keep=True, rank=1),
        Field("PlannedLaborUnits", "work", values.HOURS, keep=True),
        Field("AtCompletionLaborUnits", "work", values.HOURS, keep=True, rank=1),
        Field("PlannedTotalCost", "cost", values.DECIMAL, keep=True),
        Field("AtCompletionTotalCost", "cost", values.DECIMAL, keep=True, rank=1),
    ),
    required=("task_id",),
    shared=_SHARED_BY_TASK,
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
