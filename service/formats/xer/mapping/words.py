"""The enumerations of P6: the words of P6 XML by those of XER files.

Source: the data maps of Oracle's XER and XML exports, and the enumerations of its schema
(p6apibo.xsd). A word that is not here is imported as the XER file has it.
"""

from typing import Final

STATUS: Final = {
    "TK_NotStart": "Not Started",
    "TK_Active": "In Progress",
    "TK_Complete": "Completed",
}
ACTIVITY_TYPE: Final = {
    "TT_Task": "Task Dependent",
    "TT_Rsrc": "Resource Dependent",
    "TT_LOE": "Level of Effort",
    "TT_Mile": "Start Milestone",
    "TT_FinMile": "Finish Milestone",
    "TT_WBS": "WBS Summary",
}
DURATION_TYPE: Final = {
    "DT_FixedRate": "Fixed Units/Time",
    "DT_FixedDrtn": "Fixed Duration and Units/Time",
    "DT_FixedQty": "Fixed Units",
    "DT_FixedDUR2": "Fixed Duration and Units",
}
PERCENT_TYPE: Final = {
    "CP_Phys": "Physical",
    "CP_Drtn": "Duration",
    "CP_Units": "Units",
}
CONSTRAINT: Final = {
    "CS_MSO": "Start On",
    "CS_MSOB": "Start On or Before",
    "CS_MSOA": "Start On or After",
    "CS_MEO": "Finish On",
    "CS_MEOB": "Finish On or Before",
    "CS_MEOA": "Finish On or After",
    "CS_ALAP": "As Late As Possible",
    "CS_MANDSTART": "Mandatory Start",
    "CS_MANDFIN": "Mandatory Finish",
}
PRIORITY: Final = {
    "PT_Top": "Top",
    "PT_High": "High",
    "PT_Normal": "Normal",
    "PT_Low": "Low",
    "PT_Lowest": "Lowest",
}
LINK: Final = {
    "PR_FS": "Finish to Start",
    "PR_SS": "Start to Start",
    "PR_FF": "Finish to Finish",
    "PR_SF": "Start to Finish",
}
RESOURCE_TYPE: Final = {
    "RT_Labor": "Labor",
    "RT_Equip": "Nonlabor",
    "RT_Mat": "Material",
}
RATE_TYPE: Final = {
    "COST_PER_QTY": "Price / Unit",
    "COST_PER_QTY2": "Price / Unit 2",
    "COST_PER_QTY3": "Price / Unit 3",
    "COST_PER_QTY4": "Price / Unit 4",
    "COST_PER_QTY5": "Price / Unit 5",
}
RATE_SOURCE: Final = {"ST_Rsrc": "Resource", "ST_Role": "Role", "ST_Custom": "Override"}
PROFICIENCY: Final = {
    "1": "1 - Master",
    "2": "2 - Expert",
    "3": "3 - Skilled",
    "4": "4 - Proficient",
    "5": "5 - Inexperienced",
}
WBS_STATUS: Final = {
    "WS_Open": "Active",
    "WS_Closed": "Inactive",
    "WS_Planned": "Planned",
    "WS_Whatif": "What-If",
    "WS_Requested": "Requested",
    "WS_Template": "Template",
}
REVIEW: Final = {"RV_OK": "OK"}
CRITICAL_PATH: Final = {"CT_TotFloat": "Critical Float", "CT_DrivPath": "Longest Path"}
TIME_UNIT: Final = {
    "QT_Hour": "Hour",
    "QT_Day": "Day",
    "QT_Week": "Week",
    "QT_Month": "Month",
    "QT_Year": "Year",
}
SUMMARY_LEVEL: Final = {"SL_Taskrsrc": "Assignment Level", "SL_WBS": "WBS Level"}
FLOAT_TYPE: Final = {
    "FT_Min": "Smallest of Start Float and Finish Float",
    "FT_SS": "Start Float = Late Start - Early Start",
    "FT_FF": "Finish Float = Late Finish - Early Finish",
}
LAG_CALENDAR: Final = {
    "rcal_Predecessor": "Predecessor Activity Calendar",
    "rcal_Successor": "Successor Activity Calendar",
    "rcal_ProjDefault": "Project Default Calendar",
    "rcal_24Hour": "24 Hour Calendar",
}
IGNORE_OTHERS: Final = {"SD_None": "1", "SD_Both": "0"}
"""Relationships with other projects: P6 XML says whether the schedule ignores them."""
CALENDAR_TYPE: Final = {"CA_Base": "Global", "CA_Project": "Project", "CA_Rsrc": "Resource"}
SCOPE: Final = {"AS_Global": "Global", "AS_EPS": "EPS", "AS_Project": "Project"}
ACCRUAL: Final = {
    "CL_Uniform": "Uniform Over Activity",
    "CL_End": "End of Activity",
    "CL_Start": "Start of Activity",
}
EARNED_VALUE: Final = {"EC_Cmp_pct": "Activity Percent Complete"}
ESTIMATE: Final = {
    "EE_Rem_hr": "ETC = Remaining Cost for Activity",
    "EE_PF_cpi": "PF = 1 / CPI",
}
MARK: Final = {".": "Period", ",": "Comma"}
SUBJECT: Final = {
    "PROJECT": "Project",
    "PROJWBS": "WBS",
    "TASK": "Activity",
    "TASKRSRC": "Resource Assignment",
    "RSRC": "Resource",
    "PROJCOST": "Activity Expense",
    "TASKPROC": "Activity Step",
    "PROJISSU": "Project Issue",
    "PROJRISK": "Project Risk",
    "PRORISK": "Project Risk",
    "DOCUMENT": "Work Products and Documents",
}
INDICATOR: Final = {
    "UDF_G0": "None",
    "UDF_G1": "Red",
    "UDF_G2": "Yellow",
    "UDF_G3": "Green",
    "UDF_G4": "Blue",
}
FIELD_TYPE: Final = {
    "FT_TEXT": "Text",
    "FT_START_DATE": "Start Date",
    "FT_END_DATE": "Finish Date",
    "FT_MONEY": "Cost",
    "FT_FLOAT": "Double",
    "FT_FLOAT_2_DECIMALS": "Double",
    "FT_INT": "Integer",
    "FT_STATICTYPE": "Indicator",
}
