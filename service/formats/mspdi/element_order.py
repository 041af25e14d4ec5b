"""The order of elements in Microsoft Project's XML.

The vendor's schema (mspdi_pj12.xsd) fixes the order of the children of an element, and attributes
do not keep it. Elements of later versions stand where Microsoft Project writes them.
"""

from typing import Final

_NAMES: Final = {
    "Assignment": """
        UID GUID TaskUID ResourceUID PercentWorkComplete ActualCost ActualFinish
        ActualOvertimeCost ActualOvertimeWork ActualStart ActualWork ACWP Confirmed Cost
        CostRateTable CostVariance CV Delay Finish FinishVariance Hyperlink
        HyperlinkAddress HyperlinkSubAddress WorkVariance HasFixedRateUnits
        FixedMaterial LevelingDelay LevelingDelayFormat LinkedFields Milestone Notes
        Overallocated OvertimeCost OvertimeWork PeakUnits RateScale RegularWork
        RemainingCost RemainingOvertimeCost RemainingOvertimeWork RemainingWork
        ResponsePending Start Stop Resume StartVariance Summary SV Units UpdateNeeded
        VAC Work WorkContour BCWS BCWP BookingType ActualWorkProtected
        ActualOvertimeWorkProtected CreationDate AssnOwner AssnOwnerGuid BudgetCost
        BudgetWork ExtendedAttribute Baseline TimephasedData
    """,
    "AvailabilityPeriod": "AvailableFrom AvailableTo AvailableUnits",
    "Baseline": """
        TimephasedData Number Interim Start Finish Duration DurationFormat
        EstimatedDuration Work Cost BCWS BCWP FixedCost
    """,
    "Calendar": """
        UID GUID Name IsBaseCalendar IsBaselineCalendar BaseCalendarUID WeekDays
        Exceptions WorkWeeks
    """,
    "Exception": """
        EnteredByOccurrences TimePeriod Occurrences Name Type Period DaysOfWeek
        MonthItem MonthPosition Month MonthDay DayWorking WorkingTimes
    """,
    "ExtendedAttribute": """
        UID FieldID Value ValueGUID DurationFormat FieldName CFType Guid ElemType
        MaxMultiValues UserDef Alias SecondaryPID AutoRollDown DefaultGuid Ltuid
        SecondaryGuid PhoneticAlias RollupType CalculationType Formula RestrictValues
        ValuelistSortOrder AppendNewValues Default ValueList
    """,
    "Mask": "Level Type Length Separator",
    "OutlineCode": """
        UID Guid FieldID ValueID ValueGUID FieldName Alias PhoneticAlias Values
        Enterprise EnterpriseOutlineCodeAlias ResourceSubstitutionEnabled LeafOnly
        AllLevelsRequired OnlyTableValuesAllowed ShowIndent Masks
    """,
    "PredecessorLink": "PredecessorUID Type CrossProject CrossProjectName LinkLag LagFormat",
    "Project": """
        SaveVersion BuildNumber UID Name GUID Title Subject Category Company Manager
        Author CreationDate Revision LastSaved ScheduleFromStart StartDate FinishDate
        FYStartDate CriticalSlackLimit CurrencyDigits CurrencySymbol CurrencyCode
        CurrencySymbolPosition CalendarUID DefaultStartTime DefaultFinishTime
        MinutesPerDay MinutesPerWeek DaysPerMonth DefaultTaskType
        DefaultFixedCostAccrual DefaultStandardRate DefaultOvertimeRate DurationFormat
        WorkFormat EditableActualCosts HonorConstraints EarnedValueMethod
        InsertedProjectsLikeSummary MultipleCriticalPaths NewTasksEffortDriven
        NewTasksEstimated SplitsInProgressTasks SpreadActualCost SpreadPercentComplete
        TaskUpdatesResource FiscalYearStart WeekStartDay MoveCompletedEndsBack
        MoveRemainingStartsBack MoveRemainingStartsForward MoveCompletedEndsForward
        BaselineForEarnedValue AutoAddNewResourcesAndTasks StatusDate CurrentDate
        MicrosoftProjectServerURL Autolink NewTaskStartDate NewTasksAreManual
        DefaultTaskEVMethod ProjectExternallyEdited ExtendedCreationDate ActualsInSync
        RemoveFileProperties AdminProject BaselineCalendar
        UpdateManuallyScheduledTasksWhenEditingLinks
        KeepTaskOnNearestWorkingTimeWhenMadeAutoScheduled Views Filters Groups Tables
        Maps Reports Drawings DataLinks VBAProjects OutlineCodes WBSMasks
        ExtendedAttributes Calendars Tasks Resources Assignments
    """,
    "Rate": """
        RatesFrom RatesTo RateTable StandardRate StandardRateFormat OvertimeRate
        OvertimeRateFormat CostPerUse
    """,
    "Resource": """
        UID GUID ID Name Type IsNull Initials Phonetics NTAccount MaterialLabel Code
        Group WorkGroup EmailAddress Hyperlink HyperlinkAddress HyperlinkSubAddress
        MaxUnits PeakUnits OverAllocated AvailableFrom AvailableTo Start Finish CanLevel
        AccrueAt Work RegularWork OvertimeWork ActualWork RemainingWork
        ActualOvertimeWork RemainingOvertimeWork PercentWorkComplete StandardRate
        StandardRateFormat Cost OvertimeRate OvertimeRateFormat OvertimeCost CostPerUse
        ActualCost ActualOvertimeCost RemainingCost RemainingOvertimeCost WorkVariance
        CostVariance SV CV ACWP CalendarUID Notes BCWS BCWP IsGeneric IsInactive
        IsEnterprise BookingType ActualWorkProtected ActualOvertimeWorkProtected
        ActiveDirectoryGUID CreationDate ExtendedAttribute Baseline OutlineCode
        CostCenter IsCostResource AssnOwner AssnOwnerGuid IsBudget AvailabilityPeriods
        Rates TimephasedData
    """,
    "Table": "Name IsCustomized",
    "Task": """
        UID GUID ID Name Active Manual Type IsNull CreateDate Contact WBS WBSLevel
        OutlineNumber OutlineLevel Priority Start Finish Duration DurationFormat
        FreeformDurationFormat Work Stop Resume ResumeValid EffortDriven Recurring
        OverAllocated Estimated Milestone Summary DisplayAsSummary Critical IsSubproject
        IsSubprojectReadOnly SubprojectName ExternalTask ExternalTaskProject EarlyStart
        EarlyFinish LateStart LateFinish StartVariance FinishVariance WorkVariance
        FreeSlack TotalSlack StartSlack FinishSlack FixedCost FixedCostAccrual
        PercentComplete PercentWorkComplete Cost OvertimeCost OvertimeWork ActualStart
        ActualFinish ActualDuration ActualCost ActualOvertimeCost ActualWork
        ActualOvertimeWork RegularWork RemainingDuration RemainingCost RemainingWork
        RemainingOvertimeCost RemainingOvertimeWork ACWP CV ConstraintType CalendarUID
        ConstraintDate Deadline LevelAssignments LevelingCanSplit LevelingDelay
        LevelingDelayFormat PreLeveledStart PreLeveledFinish Hyperlink HyperlinkAddress
        HyperlinkSubAddress IgnoreResourceCalendar Notes HideBar Rollup BCWS BCWP
        PhysicalPercentComplete EarnedValueMethod PredecessorLink ActualWorkProtected
        ActualOvertimeWorkProtected ExtendedAttribute Baseline OutlineCode IsPublished
        StatusManager CommitmentStart CommitmentFinish CommitmentType
        BoardStatusColumnOrderingID SprintColumnOrderingID
        NextAvailableBoardStatusColumnOrderingID NextAvailableSprintOrderingID StartText
        FinishText DurationText ManualStart ManualFinish ManualDuration TimephasedData
        Project
    """,
    "TimePeriod": "FromDate ToDate",
    "TimephasedData": "Type UID Start Finish Unit Value",
    "VBAProject": "Name IsCustomized",
    "Value": "ValueID ParentValueID Value",
    "View": "Name IsCustomized",
    "WBSMask": "Level Type Length Separator",
    "WBSMasks": "VerifyUniqueCodes GenerateCodes Prefix WBSMask",
    "WeekDay": "DayType DayWorking TimePeriod WorkingTimes",
    "WorkWeek": "TimePeriod Name WeekDays",
    "WorkingTime": "FromTime ToTime",
}
_PLACES: Final = {
    parent: {name: place for place, name in enumerate(names.split())}
    for parent, names in _NAMES.items()
}
_NONE: Final[dict[str, int]] = {}


def place_of(parent: str, name: str) -> int:
    """Return the place of a child among those of its parent; unknown ones are last.

    Args:
        parent: local name of the parent.
        name: local name of the child.
    """
    places = _PLACES.get(parent, _NONE)
    return places.get(name, len(places))
