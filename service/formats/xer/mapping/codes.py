"""Codes and user-defined fields: their types, values, and what they are assigned to."""

from typing import Final

from service.formats.xer.mapping import words as w
from service.formats.xer.mapping.fields import (
    AUDIT,
    CONSUMED,
    color,
    cost,
    date,
    flag,
    number,
    same,
    text,
    word,
)
from service.formats.xer.tables import TYPED, XerTable


def _type(element: str, prefix: str) -> XerTable:
    """Return the table of the types of codes whose columns begin with a prefix."""
    return XerTable(
        element,
        AUDIT
        | {
            f"{prefix}_type_id": same("ObjectId"),
            f"{prefix}_type": text("Name"),
            f"{prefix}_short_len": same("Length"),
            f"{prefix}_type_wt": number("Weight"),
            f"max_{prefix}_wt": number("MaxCodeValueWeight"),
            "seq_num": same("SequenceNumber"),
            "super_flag": flag("IsSecureCode"),
        },
    )


def _value(element: str, prefix: str) -> XerTable:
    return XerTable(
        element,
        AUDIT
        | {
            f"{prefix}_id": same("ObjectId"),
            f"{prefix}_type_id": same("CodeTypeObjectId"),
            f"parent_{prefix}_id": same("ParentObjectId"),
            f"{prefix}_short_name": text("CodeValue"),
            f"{prefix}_name": text("Description"),
            f"{prefix}_wt": number("Weight"),
            "seq_num": same("SequenceNumber"),
        },
    )


def _assigned(table: str, column: str, prefix: str) -> XerTable:
    """Return the table of the codes that the rows of another table have."""
    return XerTable(
        "Code",
        {
            f"{prefix}_type_id": same("TypeObjectId"),
            f"{prefix}_id": same("ValueObjectId"),
            column: CONSUMED,
            "proj_id": CONSUMED,
        },
        owner=(table, column),
    )


ACTVTYPE: Final = XerTable(
    "ActivityCodeType",
    AUDIT
    | {
        "actv_code_type_id": same("ObjectId"),
        "actv_code_type": text("Name"),
        "actv_short_len": same("Length"),
        "seq_num": same("SequenceNumber"),
        "proj_id": same("ProjectObjectId"),
        "wbs_id": same("EPSObjectId"),
        "actv_code_type_scope": word("Scope", w.SCOPE),
        "super_flag": flag("IsSecureCode"),
    },
    shared=("actv_code_type_scope", frozenset({b"AS_Global", b"AS_EPS"})),
    key="actv_code_type_id",
)
ACTVCODE: Final = XerTable(
    "ActivityCode",
    AUDIT
    | {
        "actv_code_id": same("ObjectId"),
        "actv_code_type_id": same("CodeTypeObjectId"),
        "parent_actv_code_id": same("ParentObjectId"),
        "short_name": text("CodeValue"),
        "actv_code_name": text("Description"),
        "seq_num": same("SequenceNumber"),
        "color": color("Color"),
    },
    follows=("ACTVTYPE", "actv_code_type_id"),
)
TASKACTV: Final = XerTable(
    "Code",
    {
        "actv_code_type_id": same("TypeObjectId"),
        "actv_code_id": same("ValueObjectId"),
        "task_id": CONSUMED,
        "proj_id": CONSUMED,
    },
    owner=("TASK", "task_id"),
)
UDFTYPE: Final = XerTable(
    "UDFType",
    AUDIT
    | {
        "udf_type_id": same("ObjectId"),
        "table_name": word("SubjectArea", w.SUBJECT),
        "udf_type_label": text("Title"),
        "logical_data_type": word("DataType", w.FIELD_TYPE),
        "super_flag": flag("IsSecureCode"),
    },
    key="udf_type_id",
)
UDFVALUE: Final = XerTable(
    "UDF",
    {
        "udf_type_id": same("TypeObjectId"),
        "fk_id": CONSUMED,
        "proj_id": CONSUMED,
        "udf_date": date("StartDateValue"),
        "udf_number": cost("DoubleValue"),
        "udf_text": text("TextValue"),
        "udf_code_id": same("CodeObjectId"),
    },
    owner=(TYPED, "fk_id"),
    by_type={
        b"FT_END_DATE": {"udf_date": date("FinishDateValue")},
        b"FT_INT": {"udf_number": cost("IntegerValue")},
        b"FT_MONEY": {"udf_number": cost("CostValue")},
        b"FT_STATICTYPE": {"udf_text": word("IndicatorValue", w.INDICATOR)},
    },
)
UDFCODE: Final = XerTable(
    "UDFCode",
    AUDIT
    | {
        "udf_code_id": same("ObjectId"),
        "udf_type_id": same("CodeTypeObjectId"),
        "short_name": text("CodeValue"),
        "udf_code_name": text("Description"),
        "seq_num": same("SequenceNumber"),
    },
)

TABLES: Final = {
    "ACTVTYPE": ACTVTYPE,
    "ACTVCODE": ACTVCODE,
    "TASKACTV": TASKACTV,
    "PCATTYPE": _type("ProjectCodeType", "proj_catg"),
    "PCATVAL": _value("ProjectCode", "proj_catg"),
    "PROJPCAT": _assigned("PROJECT", "proj_id", "proj_catg"),
    "RCATTYPE": _type("ResourceCodeType", "rsrc_catg"),
    "RCATVAL": _value("ResourceCode", "rsrc_catg"),
    "RSRCRCAT": _assigned("RSRC", "rsrc_id", "rsrc_catg"),
    "ROLECATTYPE": _type("RoleCodeType", "role_catg"),
    "ROLECATVAL": _value("RoleCode", "role_catg"),
    "ROLERCAT": _assigned("ROLES", "role_id", "role_catg"),
    "ASGNMNTCATTYPE": _type("ResourceAssignmentCodeType", "asgnmnt_catg"),
    "ASGNMNTCATVAL": _value("ResourceAssignmentCode", "asgnmnt_catg"),
    "ASGNMNTACAT": _assigned("TASKRSRC", "taskrsrc_id", "asgnmnt_catg"),
    "UDFTYPE": UDFTYPE,
    "UDFVALUE": UDFVALUE,
    "UDFCODE": UDFCODE,
}
