"""Resources, roles, calendars, and the other objects that projects share."""

from typing import Final

from service.formats.xer.mapping import words as w
from service.formats.xer.mapping.derived import resource
from service.formats.xer.mapping.fields import (
    AUDIT,
    CONSUMED,
    cost,
    date,
    flag,
    guid,
    number,
    rate,
    same,
    text,
    word,
)
from service.formats.xer.mapping.nested import CURVE, calendar, curve
from service.formats.xer.tables import Place, XerTable

_RATES: Final = {
    "max_qty_per_hr": rate("MaxUnitsPerTime"),
    "start_date": date("EffectiveDate"),
    "cost_per_qty": cost("PricePerUnit"),
    "cost_per_qty2": cost("PricePerUnit2"),
    "cost_per_qty3": cost("PricePerUnit3"),
    "cost_per_qty4": cost("PricePerUnit4"),
    "cost_per_qty5": cost("PricePerUnit5"),
}

RSRC: Final = XerTable(
    "Resource",
    AUDIT
    | {
        "rsrc_id": same("ObjectId"),
        "parent_rsrc_id": same("ParentObjectId"),
        "clndr_id": same("CalendarObjectId"),
        "role_id": same("PrimaryRoleObjectId"),
        "shift_id": same("ShiftObjectId"),
        "user_id": same("UserObjectId"),
        "curr_id": same("CurrencyObjectId"),
        "unit_id": same("UnitOfMeasureObjectId"),
        "location_id": same("LocationObjectId"),
        "guid": guid(),
        "rsrc_seq_num": same("SequenceNumber"),
        "rsrc_name": text("Name"),
        "rsrc_short_name": text("Id"),
        "rsrc_title_name": text("Title"),
        "rsrc_notes": text("ResourceNotes"),
        "rsrc_type": word("ResourceType", w.RESOURCE_TYPE),
        "email_addr": text("EmailAddress"),
        "employee_code": text("EmployeeId"),
        "office_phone": text("OfficePhone"),
        "other_phone": text("OtherPhone"),
        "def_qty_per_hr": rate("DefaultUnitsPerTime"),
        "ot_factor": number("OvertimeFactor"),
        "active_flag": flag("IsActive"),
        "auto_compute_act_flag": flag("AutoComputeActuals"),
        "def_cost_qty_link_flag": flag("CalculateCostFromUnits"),
        "ot_flag": flag("IsOverTimeAllowed"),
        "timesheet_flag": flag("UseTimesheets"),
        "ts_approve_user_id": same("TimesheetApprovalManagerObjectId"),
    },
    key="rsrc_id",
    derive=resource,
)
RSRCRATE: Final = XerTable(
    "ResourceRate",
    AUDIT
    | _RATES
    | {
        "rsrc_rate_id": same("ObjectId"),
        "rsrc_id": same("ResourceObjectId"),
        "shift_period_id": same("ShiftPeriodObjectId"),
    },
    place=Place.PROJECT,  # before the resources, which take the current ones
)
RSRCROLE: Final = XerTable(
    "ResourceRole",
    AUDIT
    | {
        "rsrc_role_id": same("rsrc_role_id"),
        "rsrc_id": same("ResourceObjectId"),
        "rsrc_short_name": text("ResourceId"),
        "rsrc_name": text("ResourceName"),
        "rsrc_type": word("rsrc_type", w.RESOURCE_TYPE),
        "role_id": same("RoleObjectId"),
        "role_short_name": text("RoleId"),
        "role_name": text("RoleName"),
        "skill_level": word("Proficiency", w.PROFICIENCY),
    },
)
ROLES: Final = XerTable(
    "Role",
    AUDIT
    | {
        "role_id": same("ObjectId"),
        "parent_role_id": same("ParentObjectId"),
        "seq_num": same("SequenceNumber"),
        "role_name": text("Name"),
        "role_short_name": text("Id"),
        "role_descr": text("Responsibilities"),
        "def_cost_qty_link_flag": flag("CalculateCostFromUnits"),
    },
    key="role_id",
)
ROLERATE: Final = XerTable(
    "RoleRate",
    AUDIT | _RATES | {"role_rate_id": same("ObjectId"), "role_id": same("RoleObjectId")},
)
ROLELIMIT: Final = XerTable(
    "RoleLimit",
    AUDIT
    | {
        "rolelimit_id": same("ObjectId"),
        "role_id": same("RoleObjectId"),
        "start_date": date("EffectiveDate"),
        "max_qty_per_hr": rate("MaxUnitsPerTime"),
    },
)
RSRCCURVDATA: Final = XerTable(
    "ResourceCurve",
    AUDIT
    | {
        "curv_id": same("ObjectId"),
        "curv_name": text("Name"),
        "default_flag": flag("IsDefault"),
    }
    | dict.fromkeys(CURVE, number("")),
    derive=curve,
)
RSRCCURV: Final = XerTable(
    "ResourceCurve",
    AUDIT
    | {
        "curv_id": same("ObjectId"),
        "curv_name": text("Name"),
        "default_flag": flag("IsDefault"),
    },
)
"""The curves of older versions, whose values are one text."""
CALENDAR: Final = XerTable(
    "Calendar",
    AUDIT
    | {
        "clndr_id": same("ObjectId"),
        "proj_id": same("ProjectObjectId"),
        "base_clndr_id": same("BaseCalendarObjectId"),
        "clndr_name": text("Name"),
        "clndr_type": word("Type", w.CALENDAR_TYPE),
        "default_flag": flag("IsDefault"),
        "rsrc_private": flag("IsPersonal"),
        "day_hr_cnt": number("HoursPerDay"),
        "week_hr_cnt": number("HoursPerWeek"),
        "month_hr_cnt": number("HoursPerMonth"),
        "year_hr_cnt": number("HoursPerYear"),
        "last_chng_date": date("last_chng_date"),
        "clndr_data": CONSUMED,
    },
    key="clndr_id",
    derive=calendar,
)
SHIFT: Final = XerTable(
    "Shift", AUDIT | {"shift_id": same("ObjectId"), "shift_name": text("Name")}, key="shift_id"
)
SHIFTPER: Final = XerTable(
    "ShiftPeriod",
    AUDIT
    | {
        "shift_period_id": same("ObjectId"),
        "shift_id": same("ShiftObjectId"),
        "shift_start_hr_num": same("StartHour"),
    },
)

TABLES: Final = {
    "RSRC": RSRC,
    "RSRCRATE": RSRCRATE,
    "RSRCROLE": RSRCROLE,
    "ROLES": ROLES,
    "ROLERATE": ROLERATE,
    "ROLELIMIT": ROLELIMIT,
    "RSRCCURV": RSRCCURV,
    "RSRCCURVDATA": RSRCCURVDATA,
    "CALENDAR": CALENDAR,
    "SHIFT": SHIFT,
    "SHIFTPER": SHIFTPER,
}
