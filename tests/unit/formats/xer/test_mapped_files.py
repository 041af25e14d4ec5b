"""What the rows of XER files become in the database."""

import json

import pytest

from service.tables import Table
from tests.support.reading import project_row, read, read_project, rows
from tests.support.xer_files import Rows, xer

pytestmark = pytest.mark.usefixtures("both_engines")

_PROJECT = {"proj_id": 1, "proj_short_name": "P-1"}


def _file(**tables: Rows) -> bytes:
    return xer({"PROJECT": [_PROJECT], **tables})


def test_numbers_with_a_decimal_comma_are_added() -> None:
    currency = {
        "curr_id": 1,
        "curr_short_name": "EUR",
        "decimal_symbol": ",",
        "digit_group_symbol": ".",
    }
    activity = {"task_id": 5, "proj_id": 1, "act_work_qty": "1,5", "remain_work_qty": "2,25"}
    project = read_project(_file(CURRTYPE=[currency], TASK=[activity]))
    [task] = rows(project, Table.TASKS)
    assert (task["actual_work"], task["work"]) == ("PT1H30M", "PT3H45M")
    assert not project.warnings.count


def test_a_project_lasts_from_its_first_to_its_last_activity() -> None:
    plan = _PROJECT | {"plan_start_date": "2026-01-01 00:00"}
    dates = (("2026-03-02 08:00", "2026-03-06 17:00"), ("2026-02-02 08:00", "soon"))
    activities = [
        {"task_id": at, "proj_id": 1, "target_start_date": start, "target_end_date": finish}
        for at, (start, finish) in enumerate(dates)
    ]
    later = {"proj_id": 2, "proj_short_name": "P-2", "plan_start_date": "2026-04-01 00:00"}
    first, second = read(xer({"PROJECT": [plan, later], "TASK": activities})).projects
    row = project_row(first)
    assert (row["start"], row["finish"]) == ("2026-02-02T08:00:00", "2026-03-06T17:00:00")
    row = project_row(second)
    assert (row["start"], row["finish"]) == ("2026-04-01T00:00:00", None)


def test_the_guid_of_a_project_is_that_of_its_root() -> None:
    """P6 20.12 wrote these GUIDs of one project to an XER file and to P6 XML."""
    plan = _PROJECT | {"guid": "K4DbcwgvfkKz8ytf+MZzHA"}
    root = {"wbs_id": 8, "proj_id": 1, "proj_node_flag": "Y", "wbs_name": "Plan"}
    roots: list[Rows] = [[root | {"guid": "L56sQzMw10CHnm54Jbc87A"}], [root | {"guid": ""}], []]
    attributes = [
        json.loads(
            project_row(read_project(_file(PROJECT=[plan], PROJWBS=rows)))["attributes"] or ""
        )
        for rows in roots
    ]
    own = "{73DB802B-2F08-427E-B3F3-2B5FF8C6731C}"
    assert [(each["GUID"], each["proj_guid"]) for each in attributes] == [
        ("{43AC9E2F-3033-40D7-879E-6E7825B73CEC}", own),
        (own, own),
        (own, own),
    ]


def test_a_node_of_the_eps_is_no_project() -> None:
    node = {"proj_id": 2, "proj_short_name": "ALL", "project_flag": "N"}
    baseline = {"proj_id": 3, "proj_short_name": "P-1 - B1", "project_flag": "N", "orig_proj_id": 1}
    projects = read(xer({"PROJECT": [_PROJECT, node, baseline]})).projects
    assert [each.external_id for each in projects] == ["P-1", "P-1 - B1"]


def test_the_root_of_the_wbs_is_the_project() -> None:
    project = read_project(
        _file(
            PROJWBS=[
                {
                    "wbs_id": 8,
                    "proj_id": 1,
                    "proj_node_flag": "Y",
                    "status_code": "WS_Planned",
                    "wbs_short_name": "P-1",
                    "wbs_name": "Harbour",
                    "parent_wbs_id": 7,
                    "dscnt_period_type": "Month",
                },
                {"wbs_id": 9, "proj_id": 1, "proj_node_flag": "N", "parent_wbs_id": 8},
            ]
        )
    )
    row = project_row(project)
    assert (row["name"], row["status"]) == ("Harbour", "Planned")
    assert json.loads(row["attributes"] or "") == {
        "DiscountApplicationPeriod": "Month",
        "ObjectId": "1",
        "ParentEPSObjectId": "7",
        "WBSObjectId": "8",
        "wbs_short_name": "P-1",
    }
    [wbs] = rows(project, Table.TASKS)
    assert (wbs["task_id"], wbs["parent_id"]) == ("9", None)


def test_expenses_are_parts_as_in_p6_xml() -> None:
    expense = {
        "cost_item_id": 3,
        "proj_id": 1,
        "task_id": 5,
        "cost_name": "Crane",
        "cost_load_type": "CL_Uniform",
        "act_cost": "100.0000",
        "remain_cost": "50.5000",
    }
    project = read_project(_file(TASK=[{"task_id": 5, "proj_id": 1}], PROJCOST=[expense]))
    [part] = rows(project, Table.PARTS)
    assert part["element"] == "ActivityExpense"
    assert json.loads(part["attributes"] or "") == {
        "AccrualType": "Uniform Over Activity",
        "ActivityObjectId": "5",
        "ActualCost": "100",
        "AtCompletionCost": "150.5",
        "ExpenseItem": "Crane",
        "ObjectId": "3",
        "ProjectObjectId": "1",
        "RemainingCost": "50.5",
    }


def test_unknown_columns_and_tables_keep_their_names() -> None:
    activity = {"task_id": 5, "proj_id": 1, "crt_path_num": 2}
    project = read_project(
        _file(TASK=[activity], APPLYACTOPTIONS=[{"proj_id": 1, "respect_duration_type": "N"}])
    )
    [task] = rows(project, Table.TASKS)
    assert json.loads(task["attributes"] or "")["crt_path_num"] == "2"
    [part] = rows(project, Table.PARTS)
    assert part["element"] == "APPLYACTOPTIONS"


def _code_tables(scope: str) -> dict[str, Rows]:
    code = {
        "actv_code_id": 4,
        "actv_code_type_id": 3,
        "short_name": "N",
        "actv_code_name": "North",
        "color": "00FF00",
    }
    return {
        "ACTVCODE": [code],
        "ACTVTYPE": [
            {
                "actv_code_type_id": 3,
                "actv_code_type": "Area",
                "proj_id": 1,
                "actv_code_type_scope": scope,
            }
        ],
        "TASK": [{"task_id": 5, "proj_id": 1}],
        "TASKACTV": [{"task_id": 5, "actv_code_type_id": 3, "actv_code_id": 4, "proj_id": 1}],
    }


def test_codes_of_a_project_are_its_parts() -> None:
    project = read_project(_file(**_code_tables("AS_Project")))
    code, code_type = rows(project, Table.PARTS)
    assert (code["element"], code_type["element"]) == ("ActivityCode", "ActivityCodeType")
    assert json.loads(code["attributes"] or "")["Color"] == "#00FF00"
    [task] = rows(project, Table.TASKS)
    assert json.loads(task["attributes"] or "")["Code"] == [
        {"TypeObjectId": "3", "ValueObjectId": "4"}
    ]
    assert not project.shared


@pytest.mark.parametrize("scope", ["AS_EPS", "AS_Global"])
def test_codes_of_all_projects_are_shared_objects(scope: str) -> None:
    project = read_project(_file(**_code_tables(scope)))
    assert not rows(project, Table.PARTS)
    assert len(project.shared) == 2


_RATES = (
    {"rsrc_rate_id": 1, "start_date": "2026-01-01 00:00", "max_qty_per_hr": 2, "cost_per_qty": 30},
    {"rsrc_rate_id": 2, "start_date": "2020-01-01 00:00", "max_qty_per_hr": 1, "cost_per_qty": 20},
    {"rsrc_rate_id": 3, "start_date": "2030-01-01 00:00", "max_qty_per_hr": 9, "cost_per_qty": 90},
)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, ("2", "30")),
        ({"start_date": "2031-01-01 00:00"}, (None, None)),
        ({"start_date": "soon"}, (None, None)),
        ({"shift_period_id": 5}, (None, None)),
    ],
)
def test_a_resource_has_the_rate_of_the_day_of_the_export(
    changes: dict[str, object], expected: tuple[str | None, str | None]
) -> None:
    assignment = {"taskrsrc_id": 6, "task_id": 5, "proj_id": 1, "rsrc_id": 7}
    project = read_project(
        _file(
            RSRC=[{"rsrc_id": 7, "rsrc_name": "Crane"}],
            RSRCRATE=[{"rsrc_id": 7, **rate, **changes} for rate in _RATES],
            TASK=[{"task_id": 5, "proj_id": 1}],
            TASKRSRC=[assignment],
        )
    )
    [resource] = rows(project, Table.RESOURCES)
    assert (resource["max_units"], resource["standard_rate"]) == expected
    assert len(project.shared) == 4
