"""Projects, their work breakdown structure, notes and schedule options."""

from collections.abc import Mapping
from typing import Final

from service.formats.xer.mapping import words as w
from service.formats.xer.mapping.derived import schedule_options
from service.formats.xer.mapping.fields import (
    AUDIT,
    CONSUMED,
    cost,
    date,
    flag,
    guid,
    number,
    percent,
    same,
    text,
    word,
)
from service.formats.xer.tables import Cell, Place, XerTable

PROJECT: Final = XerTable(
    "Project",
    AUDIT
    | {
        "proj_id": same("ObjectId"),
        "proj_short_name": text("Id"),
        "guid": guid("proj_guid"),  # P6 XML has that of the root
        "fy_start_month_num": same("FiscalYearStartMonth"),
        "rsrc_self_add_flag": flag("ResourcesCanAssignThemselvesToActivities"),
        "allow_complete_flag": flag("PrimaryResourcesCanMarkActivitiesAsCompleted"),
        "chng_eff_cmp_pct_flag": flag("ResourcesCanEditAssignmentPercentComplete"),
        "ts_rsrc_vw_inact_actv_flag": flag("ResourcesCanViewInactiveActivities"),
        "ts_rsrc_mark_act_finish_flag": flag("ResourcesCanMarkAssignmentAsCompleted"),
        "control_updates_flag": flag("AllowStatusReview"),
        "rsrc_multi_assign_flag": flag("ResourceCanBeAssignedToSameActivityMoreThanOnce"),
        "checkout_flag": flag("CheckOutStatus"),
        "checkout_date": date("CheckOutDate"),
        "checkout_user_id": same("CheckOutUserObjectId"),
        "step_complete_flag": flag("ActivityPercentCompleteBasedOnActivitySteps"),
        "cost_qty_recalc_flag": flag("CostQuantityRecalculateFlag"),
        "batch_sum_flag": flag("EnableSummarization"),
        "name_sep_char": text("WBSCodeSeparator"),
        "def_complete_pct_type": word("ActivityDefaultPercentCompleteType", w.PERCENT_TYPE),
        "acct_id": same("ActivityDefaultCostAccountObjectId"),
        "orig_proj_id": same("OriginalProjectObjectId"),
        "source_proj_id": same("SourceProjectObjectId"),
        "base_type_id": same("BaselineTypeObjectId"),
        "clndr_id": same("ActivityDefaultCalendarObjectId"),
        "sum_base_proj_id": same("CurrentBaselineProjectObjectId"),
        "task_code_base": same("ActivityIdSuffix"),
        "task_code_step": same("ActivityIdIncrement"),
        "task_code_prefix": text("ActivityIdPrefix"),
        "task_code_prefix_flag": flag("ActivityIdBasedOnSelectedActivity"),
        "priority_num": same("LevelingPriority"),
        "wbs_max_sum_level": same("SummarizeToWBSLevel"),
        "strgy_priority_num": same("StrategicPriority"),
        "critical_drtn_hr_cnt": number("CriticalActivityFloatLimit"),
        "critical_path_type": word("CriticalActivityPathType", w.CRITICAL_PATH),
        "def_cost_per_qty": cost("ActivityDefaultPricePerUnit"),
        "last_recalc_date": date("DataDate"),
        "plan_start_date": date("PlannedStartDate"),
        "plan_end_date": date("MustFinishByDate"),
        "scd_end_date": date("ScheduledFinishDate"),
        "fcst_start_date": date("ProjectForecastStartDate"),
        "add_date": date("DateAdded"),
        "add_by_name": text("AddedBy"),
        "last_tasksum_date": date("LastSummarizedDate"),
        "sum_data_date": date("SummarizedDataDate"),
        "sum_only_flag": flag("ContainsSummaryData"),
        "last_schedule_date": date("LastScheduleDate"),
        "last_level_date": date("LastLevelDate"),
        "last_baseline_update_date": date("LastBaselineUpdateDate"),
        "apply_actuals_date": date("LastApplyActualsDate"),
        "px_last_update_date": date("LastPublishedOn"),
        "px_priority": same("PublicationPriority"),
        "px_enable_publication_flag": flag("EnablePublication"),
        "def_duration_type": word("ActivityDefaultDurationType", w.DURATION_TYPE),
        "def_qty_type": word("DefaultPriceTimeUnits", w.TIME_UNIT),
        "def_rate_type": word("AssignmentDefaultRateType", w.RATE_TYPE),
        "def_task_type": word("ActivityDefaultActivityType", w.ACTIVITY_TYPE),
        "def_rollup_dates_flag": flag("AssignmentDefaultDrivingFlag"),
        "web_local_root_path": text("WebSiteRootDirectory"),
        "proj_url": text("WebSiteURL"),
        "add_act_remain_flag": flag("AddActualToRemaining"),
        "act_this_per_link_flag": flag("LinkActualToActualThisPeriod"),
        "act_pct_link_flag": flag("LinkPercentCompleteWithActual"),
        "use_project_baseline_flag": flag("UseProjectBaselineForEarnedValue"),
        "rem_target_link_flag": flag("LinkPlannedAndAtCompletionFlag"),
        "reset_planned_flag": flag("ResetPlannedToRemainingFlag"),
        "allow_neg_act_flag": flag("AllowNegativeActualUnitsFlag"),
        "sum_assign_level": word("SummaryLevel", w.SUMMARY_LEVEL),
        "last_fin_dates_id": same("LastFinancialPeriodObjectId"),
        "fintmpl_id": same("FinancialPeriodTemplateId"),
        "cr_external_key": text("ExternalCRKey"),
        "location_id": same("LocationObjectId"),
        "matrix_id": same("RiskMatrixObjectId"),
        "rsrc_id": same("OwnerResourceObjectId"),
        "next_data_date": date("next_data_date"),
        "sum_refresh_date": date("sum_refresh_date"),
    },
    key="proj_id",
    place=Place.PROJECT,
)

_BREAKDOWN: Final = AUDIT | {
    "obs_id": same("OBSObjectId"),
    "status_code": word("Status", w.WBS_STATUS),
    "status_reviewer": same("StatusReviewerObjectId"),
    "phase_id": same("WBSCategoryObjectId"),
    "ev_user_pct": percent("EarnedValueUserPercent"),
    "ev_etc_user_value": number("EarnedValueETCUserValue"),
    "ev_compute_type": word("EarnedValueComputeType", w.EARNED_VALUE),
    "ev_etc_compute_type": word("EarnedValueETCComputeType", w.ESTIMATE),
    "orig_cost": cost("OriginalBudget"),
    "indep_remain_total_cost": cost("IndependentETCTotalCost"),
    "indep_remain_work_qty": number("IndependentETCLaborUnits"),
    "anticip_start_date": date("AnticipatedStartDate"),
    "anticip_end_date": date("AnticipatedFinishDate"),
}

ROOT: Final[Mapping[str, Cell]] = _BREAKDOWN | {
    "wbs_id": same("WBSObjectId"),
    "proj_id": CONSUMED,
    "proj_node_flag": CONSUMED,
    "sum_data_flag": flag("sum_data_flag"),
    "wbs_name": text("Name"),
    "wbs_short_name": text("wbs_short_name"),
    "parent_wbs_id": same("ParentEPSObjectId"),
    "ann_dscnt_rate_pct": percent("AnnualDiscountRate"),
    "dscnt_period_type": text("DiscountApplicationPeriod"),
    "guid": guid(),
    "tmpl_guid": guid("tmpl_guid"),
    "seq_num": same("wbs_seq_num"),
}
"""The columns of the root of a project's work breakdown structure, which is the ``Project`` itself
in P6 XML. P6 writes the root's GUID as that of the project."""

PROJWBS: Final = XerTable(
    "WBS",
    _BREAKDOWN
    | {
        "wbs_id": same("ObjectId"),
        "proj_id": same("ProjectObjectId"),
        "proj_node_flag": CONSUMED,
        "sum_data_flag": flag("ContainsSummaryData"),
        "parent_wbs_id": same("ParentObjectId"),
        "wbs_short_name": text("Code"),
        "wbs_name": text("Name"),
        "seq_num": same("SequenceNumber"),
        "est_wt": number("EstimatedWeight"),
        "ann_dscnt_rate_pct": percent("ann_dscnt_rate_pct"),
        "guid": guid(),
        "tmpl_guid": guid("tmpl_guid"),
    },
    key="wbs_id",
    place=Place.WBS,
)

SCHEDOPTIONS: Final = XerTable(
    "ScheduleOptions",
    AUDIT
    | {
        "proj_id": same("ProjectObjectId"),
        "sched_outer_depend_type": word("IgnoreOtherProjectRelationships", w.IGNORE_OTHERS),
        "sched_open_critical_flag": flag("MakeOpenEndedActivitiesCritical"),
        "sched_lag_early_start_flag": flag("StartToStartLagCalculationType"),
        "sched_retained_logic": flag("sched_retained_logic"),
        "sched_progress_override": flag("sched_progress_override"),
        "sched_setplantoforecast": flag("sched_setplantoforecast"),
        "sched_float_type": word("ComputeTotalFloatType", w.FLOAT_TYPE),
        "sched_calendar_on_relationship_lag": word("RelationshipLagCalendar", w.LAG_CALENDAR),
        "sched_use_expect_end_flag": flag("UseExpectedFinishDates"),
        "sched_use_project_end_date_for_float": flag("CalculateFloatBasedOnFinishDate"),
        "level_float_thrs_cnt": number("MinFloatToPreserve"),
        "level_outer_assign_flag": flag("IncludeExternalResAss"),
        "level_outer_assign_priority": same("ExternalProjectPriorityLimit"),
        "level_over_alloc_pct": number("OverAllocationPercentage"),
        "level_within_float_flag": flag("LevelWithinFloat"),
        "level_keep_sched_date_flag": flag("PreserveScheduledEarlyAndLateDates"),
        "level_all_rsrc_flag": flag("LevelAllResources"),
        "levelprioritylist": text("PriorityList"),
        "enable_multiple_longest_path_calc": flag("MultipleFloatPathsEnabled"),
        "limit_multiple_longest_path_calc": flag("limit_multiple_longest_path_calc"),
        "max_multiple_longest_path": same("MaximumMultipleFloatPaths"),
        "use_total_float_multiple_longest_paths": flag("MultipleFloatPathsUseTotalFloat"),
        "key_activity_for_multiple_longest_paths": same("MultipleFloatPathsEndingActivityObjectId"),
    },
    place=Place.PROJECT,
    derive=schedule_options,
)

WBSMEMO: Final = XerTable(
    "ProjectNote",
    AUDIT
    | {
        "wbs_memo_id": same("ObjectId"),
        "proj_id": same("ProjectObjectId"),
        "memo_type_id": same("NotebookTopicObjectId"),
        "wbs_id": same("WBSObjectId"),
        "wbs_memo": text("Note"),
    },
)
WBSSTEP: Final = XerTable(
    "WBSMilestone",
    AUDIT
    | {
        "wbs_step_id": same("ObjectId"),
        "proj_id": same("ProjectObjectId"),
        "wbs_id": same("WBSObjectId"),
        "seq_num": same("SequenceNumber"),
        "complete_flag": flag("IsCompleted"),
        "step_name": text("Name"),
        "step_wt": number("Weight"),
    },
)

TABLES: Final = {
    "PROJECT": PROJECT,
    "PROJWBS": PROJWBS,
    "SCHEDOPTIONS": SCHEDOPTIONS,
    "WBSMEMO": WBSMEMO,
    "WBSSTEP": WBSSTEP,
}
