"""The mapping of tables and columns to the elements of P6 XML."""

import pytest

from service.formats.p6.format import FORMAT
from service.formats.p6.shared_objects import SHARED
from service.formats.xer.mapping import CONSUMED, ROOT, SKIPPED, TABLES
from service.formats.xer.mapping.derived import activity, assignment, schedule_options
from service.formats.xer.tables import Cells


@pytest.mark.parametrize("name", TABLES)
def test_columns_of_a_table_have_different_destinations(name: str) -> None:
    table = TABLES[name]
    names = [cell.name for cell in table.columns.values() if cell.name]
    assert len(names) == len(set(names))
    assert not [column for column in table.columns if column != column.lower()]


def test_root_and_project_have_different_destinations() -> None:
    project = TABLES["PROJECT"].columns
    audit = {"create_date", "create_user", "update_date", "update_user"}
    root = {
        cell.name for column, cell in ROOT.items() if column not in audit and cell is not CONSUMED
    }
    assert not root & {cell.name for cell in project.values()}


def test_elements_are_those_of_p6_xml() -> None:
    inside = {"Project", "Code", "UDF", "ScheduleOptions", *FORMAT.records}
    assert {table.element for table in TABLES.values()} <= inside | set(SHARED)
    assert not SKIPPED & TABLES.keys()


@pytest.mark.parametrize(
    ("column", "text", "expected"),
    [
        ("status_code", b"TK_Active", b"In Progress"),
        ("task_type", b"TT_FinMile", b"Finish Milestone"),
        ("task_type", b"TT_Other", b"TT_Other"),
        ("cstr_type", b"CS_MEOB", b"Finish On or Before"),
        ("phys_complete_pct", b"12.5", b"0.125"),
        ("act_start_date", b"2019-06-10 08:00", b"2019-06-10T08:00:00"),
        ("driving_path_flag", b"Y", b"1"),
    ],
)
def test_cells_become_the_texts_of_p6_xml(column: str, text: bytes, expected: bytes) -> None:
    convert = TABLES["TASK"].columns[column].convert
    assert convert is not None
    assert convert(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"0.0000", b"0"),
        (b"45.5000", b"45.5"),
        (b"100", b"100"),
        (b"-3.10", b"-3.1"),
        (b"1e3", b"1e3"),
        (b"4.058E-005", b"0.00004058"),
        (b"4E-99", b"4E-99"),
        (b"10.", b"10"),
        (b"x", b"x"),
    ],
)
def test_costs_have_no_zeros_at_the_end(text: bytes, expected: bytes) -> None:
    convert = TABLES["TASKRSRC"].columns["remain_cost"].convert
    assert convert is not None
    assert convert(text) == expected


def _activity(**cells: bytes) -> dict[str, bytes]:
    derived = list(activity(cells))
    assert len(derived) == len(dict(derived))
    return dict(derived)


def test_an_activity_that_has_not_started() -> None:
    derived = _activity(
        status_code=b"TK_NotStart",
        complete_pct_type=b"CP_Drtn",
        target_drtn_hr_cnt=b"16",
        remain_drtn_hr_cnt=b"20",
        act_work_qty=b"0",
        remain_work_qty=b"12.5",
        restart_date=b"2020-01-02 08:00",
        target_start_date=b"2020-01-01 08:00",
        target_end_date=b"2020-01-03 17:00",
    )
    assert derived == {
        "StartDate": b"2020-01-02T08:00:00",
        "FinishDate": b"2020-01-03T17:00:00",
        "ActualDuration": b"0",
        "AtCompletionDuration": b"20",
        "AtCompletionLaborUnits": b"12.5",
        "DurationPercentComplete": b"0",
        "PercentComplete": b"0",
    }


def test_an_activity_in_progress() -> None:
    derived = _activity(
        status_code=b"TK_Active",
        complete_pct_type=b"CP_Units",
        target_drtn_hr_cnt=b"80",
        remain_drtn_hr_cnt=b"60",
        act_work_qty=b"10",
        remain_work_qty=b"20.5",
        act_equip_qty=b"0",
        remain_equip_qty=b"9.5",
        act_start_date=b"2020-01-02 08:00",
    )
    assert derived == {
        "StartDate": b"2020-01-02T08:00:00",
        "AtCompletionLaborUnits": b"30.5",
        "AtCompletionNonLaborUnits": b"9.5",
        "DurationPercentComplete": b"0.25",
        "UnitsPercentComplete": b"0.25",
        "PercentComplete": b"0.25",
    }


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ({"complete_pct_type": b"CP_Phys", "phys_complete_pct": b"30"}, b"0.3"),
        ({"complete_pct_type": b"CP_Drtn", "status_code": b"TK_Complete"}, b"1"),
        ({"complete_pct_type": b"CP_Drtn", "status_code": b"TK_Active"}, None),
        ({"complete_pct_type": b"CP_Scope", "status_code": b"TK_Complete"}, None),
    ],
)
def test_percent_complete_follows_its_type(cells: Cells, expected: bytes | None) -> None:
    assert _activity(**cells).get("PercentComplete") == expected


def test_numbers_with_an_exponent_are_added() -> None:
    rest = b"1.13686837721616E-013"
    derived = _activity(
        status_code=b"TK_Active",
        complete_pct_type=b"CP_Drtn",
        target_drtn_hr_cnt=b"80",
        remain_drtn_hr_cnt=rest,
        act_work_qty=b"16",
        remain_work_qty=rest,
    )
    assert derived["PercentComplete"] == b"1"
    assert derived["AtCompletionLaborUnits"] == b"16.0000000000001137"


def test_milestones_have_no_duration() -> None:
    derived = _activity(task_type=b"TT_FinMile", status_code=b"TK_Complete")
    assert (derived["ActualDuration"], derived["AtCompletionDuration"]) == (b"0", b"0")


def test_an_assignment() -> None:
    derived = dict(
        assignment(
            {
                "act_reg_qty": b"8",
                "act_ot_qty": b"1.5",
                "remain_qty": b"2",
                "act_reg_cost": b"10.5000",
                "remain_cost": b"x",
                "target_start_date": b"2020-01-01 08:00",
            }
        )
    )
    assert derived == {
        "StartDate": b"2020-01-01T08:00:00",
        "ActualUnits": b"9.5",
        "AtCompletionUnits": b"11.5",
        "ActualCost": b"10.5",
    }


def test_two_flags_of_the_schedule_are_one_choice() -> None:
    flags = {"sched_retained_logic": b"N", "sched_progress_override": b"Y"}
    assert dict(schedule_options(flags)) == {"OutOfSequenceScheduleType": b"Progress Override"}
