"""Texts, user-defined fields, calendars and curves, as the records of P6 XML have them."""

import json
from typing import Any

import pytest

from service.codes import WarningCode
from service.tables import Table
from tests.support.reading import Reading, read, rows
from tests.support.xer_files import xer

pytestmark = pytest.mark.usefixtures("both_engines")

PROJECT = {"proj_id": 1, "proj_short_name": "P-1"}
TASK = {"task_id": 7, "proj_id": 1, "task_code": "A1", "task_name": "Dig", "clndr_id": 3}
TYPES = {
    10: "FT_TEXT",
    11: "FT_START_DATE",
    12: "FT_END_DATE",
    13: "FT_FLOAT_2_DECIMALS",
    14: "FT_MONEY",
    15: "FT_INT",
    16: "FT_STATICTYPE",
}


def _read(**tables: list[dict[str, Any]]) -> Reading:
    reading = read(xer({"PROJECT": [PROJECT], "TASK": [TASK], **tables}))
    assert reading.fault is None
    return reading


def _udfs(*values: dict[str, Any], **tables: list[dict[str, Any]]) -> list[dict[str, Any]]:
    types = [
        {"udf_type_id": number, "table_name": "TASK", "logical_data_type": kind}
        for number, kind in TYPES.items()
    ]
    owned = [{"fk_id": 7, "proj_id": 1, **value} for value in values]
    [project] = _read(UDFTYPE=types, UDFVALUE=owned, **tables).projects
    [task] = rows(project, Table.TASKS)
    assert task["attributes"] is not None
    udfs: list[dict[str, Any]] = json.loads(task["attributes"])["UDF"]
    return udfs


def test_the_type_of_a_field_names_its_value() -> None:
    assert _udfs(
        {"udf_type_id": 10, "udf_text": 'a ""b""'},
        {"udf_type_id": 11, "udf_date": "2019-06-10 08:00"},
        {"udf_type_id": 12, "udf_date": "2019-06-11"},
        {"udf_type_id": 13, "udf_number": "1.50"},
        {"udf_type_id": 14, "udf_number": "45.0000"},
        {"udf_type_id": 15, "udf_number": "3"},
        {"udf_type_id": 16, "udf_text": "UDF_G3"},
    ) == [
        {"TypeObjectId": "10", "TextValue": 'a "b"'},
        {"TypeObjectId": "11", "StartDateValue": "2019-06-10T08:00:00"},
        {"TypeObjectId": "12", "FinishDateValue": "2019-06-11T00:00:00"},
        {"TypeObjectId": "13", "DoubleValue": "1.5"},
        {"TypeObjectId": "14", "CostValue": "45"},
        {"TypeObjectId": "15", "IntegerValue": "3"},
        {"TypeObjectId": "16", "IndicatorValue": "Green"},
    ]


def test_numbers_of_fields_have_the_marks_of_the_currency() -> None:
    euro = {"curr_short_name": "EUR", "decimal_symbol": ",", "digit_group_symbol": "."}

    assert _udfs({"udf_type_id": 13, "udf_number": "1,50"}, CURRTYPE=[euro]) == [
        {"TypeObjectId": "13", "DoubleValue": "1.5"}
    ]


def _calendar(reading: Reading) -> Any:
    [[calendar]] = [[*batch.objects] for batch in reading.shared]
    assert (calendar.element, calendar.object_id) == ("Calendar", "3")
    return json.loads(calendar.attributes)


def test_a_calendar_has_the_children_of_p6_xml() -> None:
    data = "(0||CalendarData()((0||DaysOfWeek()((0||2()((0||0(s|08:00|f|12:00)())))))))"
    reading = _read(CALENDAR=[{"clndr_id": 3, "clndr_name": "Week", "clndr_data": data}])

    monday = {"DayOfWeek": "Monday", "WorkTime": [{"Start": "08:00:00", "Finish": "11:59:00"}]}
    assert _calendar(reading)["StandardWorkWeek"] == [{"StandardWorkHours": [monday]}]
    assert not reading.warnings


def test_tabs_of_an_html_text_move_no_cell() -> None:
    task = {"notes": "<html>a\tb</html>", **TASK}
    reading = read(xer({"PROJECT": [PROJECT], "TASK": [task]}))

    [row] = rows(reading.projects[0], Table.TASKS)
    assert (row["task_id"], row["code"]) == ("7", "A1")
    assert json.loads(row["attributes"] or "")["notes"] == "<html>a\tb</html>"
    assert not reading.warnings


def test_a_curve_has_its_values_in_steps_of_five_percent() -> None:
    curve = {"curv_id": 5, "curv_name": "Bell", "pct_usage_0": 0, "pct_usage_1": "2.50"}
    work = {"taskrsrc_id": 9, "task_id": 7, "proj_id": 1, "curv_id": 5}
    reading = _read(RSRCCURVDATA=[curve], TASKRSRC=[work])

    [[shared]] = [[*batch.objects] for batch in reading.shared]
    assert shared.element == "ResourceCurve"
    assert json.loads(shared.attributes)["Values"] == [{"Value0": "0", "Value5": "2.5"}]


def test_the_text_of_a_damaged_calendar_is_kept_with_a_warning() -> None:
    reading = _read(CALENDAR=[{"clndr_id": 3, "clndr_data": "(0||CalendarData()("}])

    assert _calendar(reading)["clndr_data"] == "(0||CalendarData()("
    assert [(each.code, each.count) for each in reading.warnings] == [
        (WarningCode.CELLS_UNREADABLE, 1)
    ]
