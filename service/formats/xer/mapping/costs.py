"""Expenses, funds, budgets, and the values of past financial periods."""

from typing import Final

from service.formats.xer.mapping import words as w
from service.formats.xer.mapping.derived import expense
from service.formats.xer.mapping.fields import AUDIT, cost, date, flag, number, same, text, word
from service.formats.xer.tables import XerTable

PROJCOST: Final = XerTable(
    "ActivityExpense",
    AUDIT
    | {
        "cost_item_id": same("ObjectId"),
        "proj_id": same("ProjectObjectId"),
        "task_id": same("ActivityObjectId"),
        "acct_id": same("CostAccountObjectId"),
        "cost_type_id": same("ExpenseCategoryObjectId"),
        "cost_name": text("ExpenseItem"),
        "cost_descr": text("ExpenseDescription"),
        "po_number": text("DocumentNumber"),
        "vendor_name": text("Vendor"),
        "qty_name": text("UnitOfMeasure"),
        "cost_load_type": word("AccrualType", w.ACCRUAL),
        "auto_compute_act_flag": flag("AutoComputeActuals"),
        "target_qty": number("PlannedUnits"),
        "cost_per_qty": cost("PricePerUnit"),
        "target_cost": cost("PlannedCost"),
        "act_cost": cost("ActualCost"),
        "remain_cost": cost("RemainingCost"),
    },
    key="cost_item_id",
    derive=expense,
)

TABLES: Final = {
    "ACCOUNT": XerTable(
        "CostAccount",
        AUDIT
        | {
            "acct_id": same("ObjectId"),
            "parent_acct_id": same("ParentObjectId"),
            "acct_seq_num": same("SequenceNumber"),
            "acct_name": text("Name"),
            "acct_short_name": text("Id"),
            "acct_descr": text("Description"),
        },
    ),
    "COSTTYPE": XerTable(
        "ExpenseCategory",
        AUDIT
        | {
            "cost_type_id": same("ObjectId"),
            "cost_type": text("Name"),
            "seq_num": same("SequenceNumber"),
        },
    ),
    "PROJCOST": PROJCOST,
    "FUNDSRC": XerTable(
        "FundingSource",
        AUDIT
        | {
            "fund_id": same("ObjectId"),
            "parent_fund_id": same("ParentObjectId"),
            "fund_name": text("Name"),
            "fund_descr": text("Description"),
            "seq_num": same("SequenceNumber"),
        },
    ),
    "PROJFUND": XerTable(
        "ProjectFunding",
        AUDIT
        | {
            "proj_fund_id": same("ObjectId"),
            "proj_id": same("ProjectObjectId"),
            "fund_id": same("FundingSourceObjectId"),
            "fund_cost": cost("Amount"),
            "fund_wt": number("FundShare"),
        },
    ),
    "FINTMPL": XerTable(
        "FinancialPeriodTemplate",
        AUDIT
        | {
            "fintmpl_id": same("ObjectId"),
            "fintmpl_name": text("FinancialPeriodTemplateName"),
            "default_flag": flag("DefaultFlag"),
        },
    ),
    "FINDATES": XerTable(
        "FinancialPeriod",
        AUDIT
        | {
            "fin_dates_id": same("ObjectId"),
            "fin_dates_name": text("Name"),
            "fintmpl_id": same("FinancialPeriodTemplateId"),
            "start_date": date("StartDate"),
            "end_date": date("EndDate"),
        },
    ),
    "TASKFIN": XerTable(
        "ActivityPeriodActual",
        AUDIT
        | {
            "task_id": same("ActivityObjectId"),
            "proj_id": same("ProjectObjectId"),
            "fin_dates_id": same("FinancialPeriodObjectId"),
            "act_work_qty": number("ActualLaborUnits"),
            "act_work_cost": cost("ActualLaborCost"),
            "act_equip_qty": number("ActualNonLaborUnits"),
            "act_equip_cost": cost("ActualNonLaborCost"),
            "act_mat_cost": cost("ActualMaterialCost"),
            "act_expense_cost": cost("ActualExpenseCost"),
            "bcwp": cost("EarnedValueCost"),
            "bcws": cost("PlannedValueCost"),
            "perfm_work_qty": number("EarnedValueLaborUnits"),
            "sched_work_qty": number("PlannedValueLaborUnits"),
        },
    ),
    "TRSRCFIN": XerTable(
        "ResourceAssignmentPeriodActual",
        AUDIT
        | {
            "taskrsrc_id": same("ResourceAssignmentObjectId"),
            "task_id": same("ActivityObjectId"),
            "proj_id": same("ProjectObjectId"),
            "fin_dates_id": same("FinancialPeriodObjectId"),
            "act_qty": number("ActualUnits"),
            "act_cost": cost("ActualCost"),
        },
    ),
    "BUDGCHNG": XerTable(
        "ProjectBudgetChangeLog",
        AUDIT
        | {
            "budg_chng_id": same("ObjectId"),
            "proj_id": same("ProjectObjectId"),
            "wbs_id": same("WBSObjectId"),
            "chng_short_name": text("ChangeNumber"),
            "chng_by_name": text("Responsible"),
            "chng_descr": text("Reason"),
            "chng_cost": cost("Amount"),
            "chng_date": date("Date"),
            "status_code": text("Status"),
        },
    ),
    "WBSBUDG": XerTable(
        "ProjectSpendingPlan",
        AUDIT
        | {
            "wbs_budg_id": same("ObjectId"),
            "proj_id": same("ProjectObjectId"),
            "wbs_id": same("WBSObjectId"),
            "start_date": date("Date"),
            "spend_cost": cost("SpendingPlan"),
            "benefit_cost": cost("BenefitPlan"),
        },
    ),
}
