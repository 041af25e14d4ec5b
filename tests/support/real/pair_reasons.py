"""Why fields of ``portfolio.xml`` and ``portfolio.xer`` differ.

Both files are the same plans, written by MPXJ. A field that only the XER file has needs no reason:
a record can have any further columns.
"""

from typing import Final

_REASONS: Final = {
    "an XER file has no column for it": """
        Activity.ActualDuration Activity.tasks.actual_duration
        Activity.RemainingLaborCost Activity.RemainingNonLaborCost
        Project.CreateDate Project.DiscountApplicationPeriod Project.EnablePublication
        Project.LastUpdateDate Project.ResourcesCanEditAssignmentPercentComplete
        Project.ResourcesCanMarkAssignmentAsCompleted Project.ResourcesCanViewInactiveActivities
        Project.RiskLevel
        ResourceAssignment.RemainingDuration ResourceAssignment.UnitsPercentComplete
    """,
    "XER has it in another row: SCHEDOPTIONS, PROJECT, TASK": """
        Project.RelationshipLagCalendar
        ScheduleOptions.CriticalActivityFloatThreshold ScheduleOptions.CriticalActivityPathType
        ResourceAssignment.WBSObjectId
    """,
    "it fills the column, because the file lacks the element that comes first": """
        Activity.PlannedDuration Project.PlannedStartDate
    """,
    "a date of XER has no seconds": """
        Activity.PlannedFinishDate Activity.tasks.finish
        ResourceAssignment.FinishDate ResourceAssignment.PlannedFinishDate
        ResourceAssignment.assignments.finish
    """,
    "a cost of XER has four decimals": """
        ResourceAssignment.ActualCost ResourceAssignment.ActualOvertimeCost
        ResourceAssignment.AtCompletionCost ResourceAssignment.RemainingCost
        ResourceAssignment.assignments.actual_cost ResourceAssignment.assignments.cost
    """,
    "MPXJ rounds the percentages of P6 XML to two decimals": """
        Activity.DurationPercentComplete Activity.tasks.percent_complete
        Activity.UnitsPercentComplete
    """,
    "MPXJ writes no WBS row for most projects, which has their name and status": """
        Project.project.name Project.project.status
        Project.EarnedValueComputeType Project.EarnedValueETCComputeType
        Project.EarnedValueETCUserValue Project.EarnedValueUserPercent
    """,
    "MPXJ writes a WBS element of two projects as their root": """
        WBS.(record) WBS.tasks.parent_id Activity.tasks.parent_id Project.GUID
    """,
    "P6 XML names no root as parent, but MPXJ's does": "WBS.ParentObjectId",
    "MPXJ writes one constant into P6 XML and another into XER": """
        Calendar.IsDefault Project.ActivityDefaultDurationType Project.EnableSummarization
        Project.LinkPercentCompleteWithActual Project.SummarizeToWBSLevel Project.project.priority
        ScheduleOptions.PriorityList
    """,
    "MPXJ writes the units of resources without rates into P6 XML alone": """
        Resource.MaxUnitsPerTime Resource.resources.max_units
    """,
    "MPXJ writes dates of the project into P6 XML that are not those of its activities": """
        Project.project.start Project.project.finish
    """,
    "MPXJ counts overtime as regular units in P6 XML": "ResourceAssignment.ActualRegularUnits",
    "MPXJ names curves in P6 XML that the file lacks": "ResourceAssignment.ResourceCurveObjectId",
    "MPXJ numbers the rates of XER again": """
        ResourceRate.(record) uses&ResourceRate.(record)
    """,
}

REASONS: Final = {
    name.replace("&", " "): reason for reason, names in _REASONS.items() for name in names.split()
}
"""By record and field as ``pair`` prints them."""
