"""Microsoft Project's XML: identity, outline, links and parts."""

import orjson
import pytest

from service.codes import WarningCode
from service.model import Notice, Project
from service.tables import Table
from tests.support.reading import MSPDI, Row, project_row, read, read_project, rows

pytestmark = pytest.mark.usefixtures("both_engines")

GUID = "3F2504E0-4F89-11D3-9A0C-0305E82C3301"
NIL = "00000000-0000-0000-0000-000000000000"


def plan(inside: str) -> str:
    return f"<Project xmlns='{MSPDI}'>{inside}</Project>"


def tasks(*written: str) -> str:
    return f"<Name>n</Name><Tasks>{''.join(f'<Task>{task}</Task>' for task in written)}</Tasks>"


def attributes(row: Row) -> dict[str, object]:
    attributes = orjson.loads(row["attributes"] or "")
    assert isinstance(attributes, dict)
    return attributes


def warnings_of(project: Project) -> list[tuple[WarningCode, str, str | None]]:
    """Its warnings, but for that of an identity from a name, which every sample here has."""
    notices: list[Notice] = project.warnings.first
    return [
        (notice.code, notice.element, notice.value)
        for notice in notices
        if notice.code is not WarningCode.IDENTITY_FROM_NAME
    ]


@pytest.mark.parametrize(
    ("inside", "external_id", "name", "warned"),
    [
        (f"<GUID>{GUID}</GUID><Name>a.xml</Name><Title>t</Title>", GUID.lower(), "a.xml", False),
        (f"<GUID>{{{GUID}}}</GUID><Title>t</Title>", GUID.lower(), "t", False),
        (f"<GUID>{GUID}</GUID>", GUID.lower(), GUID.lower(), False),
        ("<Name> a.xml </Name><Title>t</Title>", "a.xml", " a.xml ", True),
        (
            f"<GUID>{GUID[:0]}{'0' * 8}-0000-0000-0000-{'0' * 12}</GUID><Name>a</Name>",
            "a",
            "a",
            True,
        ),
    ],
)
def test_a_project_is_identified_by_guid_else_by_name(
    inside: str, external_id: str, name: str, warned: bool
) -> None:
    project = read_project(plan(inside))
    assert (project.external_id, project.name) == (external_id, name)
    codes = [notice.code for notice in project.warnings.first]
    assert codes == [WarningCode.IDENTITY_FROM_NAME] * warned


def test_a_title_does_not_identify_a_project() -> None:
    [refusal] = read(plan("<Title>Project1</Title>")).refusals
    assert refusal.message == "Project has neither an id nor a name"


def test_fields_that_do_not_identify_stay_in_attributes() -> None:
    project = read_project(plan(f"<GUID>{GUID}</GUID><Name>a</Name><Title>t</Title>"))
    assert attributes(project_row(project)) == {"GUID": GUID, "Title": "t"}


def test_the_nil_guid_does_not_identify_and_is_kept() -> None:
    project = read_project(plan(f"<GUID>{NIL}</GUID><Name>a</Name>"))
    assert attributes(project_row(project)) == {"GUID": NIL}


def test_parents_come_from_outline_levels_across_blank_rows() -> None:
    project = read_project(
        plan(
            tasks(
                "<UID>0</UID><OutlineLevel>0</OutlineLevel>",
                "<UID>1</UID><OutlineLevel>1</OutlineLevel>",
                "<UID>2</UID><OutlineLevel>3</OutlineLevel>",
                "<UID>9</UID><IsNull>1</IsNull><OutlineLevel>0</OutlineLevel>",
                "<UID>3</UID><OutlineLevel>2</OutlineLevel>",
                "<UID>4</UID><OutlineLevel>1</OutlineLevel>",
                "<UID>5</UID>",
            )
        )
    )
    found = [(row["task_id"], row["parent_id"]) for row in rows(project, Table.TASKS)]
    assert found == [("0", None), ("1", "0"), ("2", "1"), ("3", "1"), ("4", "0"), ("5", None)]
    [blank] = rows(project, Table.PARTS)
    assert (blank["element"], attributes(blank)["UID"]) == ("Task", "9")
    assert warnings_of(project) == []


def test_planning_values_fill_columns_and_stay_in_attributes() -> None:
    elements = {
        "GUID": GUID,
        "ActualStart": "2026-01-05T08:00:00",
        "RemainingDuration": "PT8H0M0S",
        "ActualWork": "PT4H0M0S",
        "ConstraintType": "4",
        "ConstraintDate": "2026-01-05T08:00:00",
        "Deadline": "2026-02-27T17:00:00",
        "TotalSlack": "-4800",
        "FreeSlack": "0",
        "Critical": "1",
        "CalendarUID": "3",
        "PhysicalPercentComplete": "40",
        "Cost": "505200",
        "ActualCost": "29908.45",
    }
    written = "".join(f"<{name}>{text}</{name}>" for name, text in elements.items())
    status_date = "<StatusDate>2026-01-30T17:00:00</StatusDate>"
    project = read_project(plan(status_date + tasks(f"<UID>1</UID>{written}")))
    assert project_row(project)["data_date"] == "2026-01-30T17:00:00"
    [row] = rows(project, Table.TASKS)
    assert attributes(row) == elements
    assert (row["guid"], row["actual_start"]) == (GUID.lower(), "2026-01-05T08:00:00")
    assert (row["remaining_duration"], row["actual_work"]) == ("PT8H", "PT4H")
    assert (row["constraint_type"], row["constraint_date"], row["deadline"]) == (
        "start_no_earlier_than",
        "2026-01-05T08:00:00",
        "2026-02-27T17:00:00",
    )
    assert (row["total_float"], row["free_float"], row["critical"]) == ("PT-8H", "PT0S", "t")
    assert (row["calendar_id"], row["physical_percent_complete"]) == ("3", "40")
    assert (row["cost"], row["actual_cost"], row["code"]) == ("5052", "299.0845", None)


@pytest.mark.parametrize(("text", "column"), [("-1", None), (" -1 ", None), ("2", "2")])
def test_a_task_without_a_calendar_has_none(text: str, column: str | None) -> None:
    project = read_project(plan(tasks(f"<UID>1</UID><CalendarUID>{text}</CalendarUID>")))
    [row] = rows(project, Table.TASKS)
    assert row["calendar_id"] == column
    assert attributes(row) == {"CalendarUID": text}


def test_links_have_types_and_lags_wherever_their_predecessor_is() -> None:
    project = read_project(
        plan(
            tasks(
                "<UID>1</UID><PredecessorLink><PredecessorUID>2</PredecessorUID><Type>0</Type>"
                "<LinkLag>-4800</LinkLag><LagFormat>7</LagFormat></PredecessorLink>",
                "<UID>2</UID>",
                "<UID>3</UID><PredecessorLink><PredecessorUID>1</PredecessorUID>"
                "<CrossProject>0</CrossProject></PredecessorLink>"
                "<PredecessorLink><PredecessorUID>2</PredecessorUID><Type>2</Type>"
                "<LinkLag>50</LinkLag><LagFormat>19</LagFormat></PredecessorLink>",
            )
        )
    )
    links = {
        (row["predecessor_id"], row["successor_id"]): (row["type"], row["lag"], attributes(row))
        for row in rows(project, Table.DEPENDENCIES)
    }
    assert links == {
        ("2", "1"): ("FF", "PT-8H", {"LagFormat": "7"}),
        ("1", "3"): ("FS", "PT0S", {"CrossProject": "0"}),
        ("2", "3"): ("SF", "PT0S", {"LinkLag": "50", "LagFormat": "19"}),
    }


def test_a_link_to_a_missing_task_becomes_a_part() -> None:
    link = "<PredecessorLink><PredecessorUID>8</PredecessorUID></PredecessorLink>"
    project = read_project(plan(tasks(f"<UID>1</UID>{link}")))
    assert rows(project, Table.DEPENDENCIES) == []
    [part] = rows(project, Table.PARTS)
    assert part["element"] == "PredecessorLink"
    assert attributes(part) == {"PredecessorUID": "8", "TaskUID": "1"}
    assert warnings_of(project) == [(WarningCode.LINK_END_MISSING, "PredecessorUID", "8")]


def test_a_baseline_of_a_task_becomes_a_row() -> None:
    project = read_project(
        plan(
            tasks(
                "<UID>1</UID><Baseline><Number>0</Number><Interim>0</Interim>"
                "<Start>2026-01-05T08:00:00</Start><Finish>2026-01-06T17:00:00</Finish>"
                "<Duration>PT16H0M0S</Duration><DurationFormat>7</DurationFormat>"
                "<Work>PT8H0M0S</Work><Cost>12345</Cost><BCWS>7</BCWS></Baseline>"
                "<PredecessorLink><PredecessorUID>2</PredecessorUID></PredecessorLink>"
                "<Baseline><Number>3</Number></Baseline>",
                "<UID>2</UID><Baseline><TimephasedData><Value>PT8H</Value></TimephasedData>"
                "<Number>0</Number><Cost>x</Cost></Baseline>",
            )
        )
    )
    found = [(row["number"], row["name"], row["current"]) for row in rows(project, Table.BASELINES)]
    assert found == [("0", "Baseline", "t"), ("3", "Baseline 3", "f")]
    first, second, third = rows(project, Table.BASELINE_TASKS)
    assert first == {
        "ordinal": "0",
        "number": "0",
        "kind": "activity",
        "task_id": "1",
        "code": None,
        "name": None,
        "start": "2026-01-05T08:00:00",
        "finish": "2026-01-06T17:00:00",
        "duration": "PT16H",
        "work": "PT8H",
        "cost": "123.45",
        "attributes": '{"BCWS":"7","DurationFormat":"7","Interim":"0"}',
    }
    assert (second["number"], second["task_id"], second["start"]) == ("3", "1", None)
    assert attributes(third) == {"TimephasedData": [{"Value": "PT8H"}], "Cost": "x"}
    assert [attributes(row) for row in rows(project, Table.TASKS)] == [{}, {}]
    assert len(rows(project, Table.DEPENDENCIES)) == 1
    assert warnings_of(project) == [(WarningCode.BAD_VALUE, "Cost", "x")]


def test_a_baseline_without_a_number_becomes_a_part() -> None:
    project = read_project(
        plan(
            tasks(
                "<UID>1</UID><Baseline><Cost>5</Cost></Baseline>"
                "<Baseline><Number>x</Number></Baseline>"
            )
        )
    )
    assert rows(project, Table.BASELINES) == rows(project, Table.BASELINE_TASKS) == []
    parts = [(row["element"], attributes(row)) for row in rows(project, Table.PARTS)]
    assert parts == [
        ("Baseline", {"TaskUID": "1", "Cost": "5"}),
        ("Baseline", {"TaskUID": "1", "Number": "x"}),
    ]
    assert warnings_of(project) == [(WarningCode.BAD_VALUE, "Number", "x")]


def test_resources_have_types() -> None:
    project = read_project(
        plan(
            """<Name>n</Name><Resources>
            <Resource><UID>1</UID><Type>1</Type></Resource>
            <Resource><UID>2</UID><Type>0</Type></Resource>
            <Resource><UID>3</UID><Type>0</Type><IsCostResource>1</IsCostResource></Resource>
            <Resource><UID>4</UID></Resource>
            <Resource><UID>5</UID><IsNull>1</IsNull></Resource></Resources>"""
        )
    )
    found = [(row["resource_id"], row["type"]) for row in rows(project, Table.RESOURCES)]
    assert found == [("1", "work"), ("2", "material"), ("3", "cost"), ("4", None)]
    assert [row["element"] for row in rows(project, Table.PARTS)] == ["Resource"]


def test_assignments_keep_their_ids_and_missing_tasks_make_parts() -> None:
    project = read_project(
        plan(
            tasks("<UID>1</UID>")
            + """<Assignments>
            <Assignment><TaskUID>1</TaskUID><ResourceUID>-65535</ResourceUID></Assignment>
            <Assignment><TaskUID>1</TaskUID><ResourceUID>7</ResourceUID></Assignment>
            <Assignment><TaskUID>2</TaskUID><ResourceUID>7</ResourceUID></Assignment>
            </Assignments>"""
        )
    )
    found = [(row["task_id"], row["resource_id"]) for row in rows(project, Table.ASSIGNMENTS)]
    assert found == [("1", None), ("1", "7")]
    [part] = rows(project, Table.PARTS)
    assert (part["element"], attributes(part)) == (
        "Assignment",
        {"TaskUID": "2", "ResourceUID": "7"},
    )
    assert sorted(warnings_of(project)) == [
        (WarningCode.ASSIGNMENT_TASK_MISSING, "TaskUID", "2"),
        (WarningCode.RESOURCE_MISSING, "ResourceUID", "7"),
        (WarningCode.RESOURCE_MISSING, "ResourceUID", "7"),
    ]


def test_a_bad_value_goes_to_attributes_and_its_column_is_null() -> None:
    project = read_project(plan(tasks("<UID>1</UID><Start>2008-12-04T17:-0:00</Start>")))
    [task] = rows(project, Table.TASKS)
    assert task["start"] is None
    assert attributes(task) == {"Start": "2008-12-04T17:-0:00"}
    assert warnings_of(project) == [(WarningCode.BAD_VALUE, "Start", "2008-12-04T17:-0:00")]


def test_the_first_of_a_repeated_scalar_fills_the_column() -> None:
    project = read_project(
        plan(tasks("<UID>1</UID><Name>a</Name><Name>b</Name><Name>c</Name><WBS x='1'>2</WBS>"))
    )
    [task] = rows(project, Table.TASKS)
    assert (task["name"], task["wbs"]) == ("a", None)
    assert attributes(task) == {"Name": ["b", "c"], "WBS": [{"@x": "1", "#text": "2"}]}


def test_tasks_without_uid_or_with_a_repeated_uid_refuse_the_project() -> None:
    [refusal] = read(plan(tasks("<Name>x</Name>", "<UID>1</UID>", "<UID>1</UID>"))).refusals
    messages = [violation["message"] for violation in refusal.extra["violations"]]
    assert messages == ["UID is missing", 'Task "1" has the id of an earlier record']


def test_a_bad_uid_refuses_the_project_unless_a_good_one_follows() -> None:
    long = "1" * 300
    reading = read(plan(tasks(f"<UID>{long}</UID>", f"<UID>{long}</UID><UID>2</UID>")))
    [refusal] = reading.refusals
    assert [violation["message"] for violation in refusal.extra["violations"]] == [
        f'UID "{long[:79]}…" is longer than 255 characters'
    ]


def test_every_structured_child_becomes_a_part() -> None:
    project = read_project(
        plan(
            """<Name>n</Name><Calendars>stray<Calendar><UID>1</UID></Calendar>
            <Calendar><UID>2</UID></Calendar></Calendars>
            <Tasks><Task><UID>1</UID></Task>between<Task><UID>2</UID></Task></Tasks>
            <New><Thing>1</Thing></New>"""
        )
    )
    found = [(row["element"], attributes(row)) for row in rows(project, Table.PARTS)]
    assert found == [
        ("Calendar", {"UID": "1"}),
        ("Calendar", {"UID": "2"}),
        ("Tasks", {"#text": "between"}),
        ("New", {"Thing": "1"}),
    ]
    assert attributes(project_row(project))["Calendars"] == "stray"


def test_saving_a_file_again_does_not_change_its_hash() -> None:
    def saved(at: str, more: str = "") -> bytes:
        return read_project(
            plan(
                f"<SaveVersion>{at}</SaveVersion><Name>n</Name><LastSaved>{at}</LastSaved>"
                f"<CurrentDate>{at}</CurrentDate>{more}"
            )
        ).content_hash

    assert saved("1") == saved("2")
    assert saved("1") != saved("1", "<Author>x</Author>")


def test_projects_are_found_in_any_root_and_inner_ones_belong_to_the_outer() -> None:
    inner = plan("<Name>inner</Name><Tasks><Task><UID>5</UID></Task></Tasks>")
    reading = read(
        f"<plans><set>{plan('<Name>a</Name>')}</set><junk>x</junk>"
        f"{plan(tasks(f'<UID>1</UID>{inner}'))}</plans>"
    )
    assert [project.name for project in reading.projects] == ["a", "n"]
    [task] = rows(reading.projects[1], Table.TASKS)
    assert attributes(task) == {"Project": [{"Name": "inner", "Tasks": [{"Task": [{"UID": "5"}]}]}]}
    assert [(warning.code, warning.count) for warning in reading.warnings] == [
        (WarningCode.LOOSE_RECORDS_SKIPPED, 1)
    ]
