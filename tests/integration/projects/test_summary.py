"""The summary at the begin of a comparison."""

from typing import Any

from tests.support import p6_files as p6
from tests.support.client import Client
from tests.support.native import native

LAG = ' lag="PT8H"'
TASK = '<task id="{}" code="A{}"{}><name>Task {}</name>{}</task>'


def task(number: int, inside: str = "", more: str = "") -> str:
    return TASK.format(number, number, more, number, inside)


def dates(finish: str, start: str = "2026-01-05T08:00:00") -> str:
    return f"<start>{start}</start><finish>{finish}</finish>"


def plan(*tasks: str, rest: str = "", head: str = "") -> str:
    inside = f"<tasks>{''.join(tasks)}</tasks>{rest}"
    return native(f'<project id="P"><name>Plant</name>{head}{inside}</project>')


def link(one: int, two: int, more: str = "") -> str:
    return f'<dependency predecessor="{one}" successor="{two}"{more}/>'


async def summarised(client: Client, old: str, new: str) -> Any:
    await client.land(old)
    await client.land(new)
    answer = await client.ask("projects/1/versions/2?compare=1")
    assert answer.status == 200, answer.body
    assert next(iter(answer.details)) == "summary"
    return answer.details["summary"]


def counts(summary: Any) -> dict[str, int]:
    sorts = (item for item in summary.items() if "items" in item[1])
    return {name: found["count"] for name, found in sorts if found["count"]}


async def test_a_summary_states_what_a_planner_asks(client: Client) -> None:
    started = "<actual-start>2026-01-06T08:00:00</actual-start>"
    done = f"{started}<actual-finish>2026-01-09T17:00:00</actual-finish>"
    early = started.replace("06T", "05T")
    old = plan(
        task(1, dates("2026-01-09T17:00:00")),
        task(2, f"<duration>PT8H</duration>{started}"),
        task(3, "<total-float>PT16H</total-float><critical>false</critical><cost>10</cost>"),
        task(4, "<critical>true</critical>"),
        task(5),
        rest=f"<dependencies>{link(1, 2)}{link(2, 3)}</dependencies>",
        head="<data-date>2026-01-05T00:00:00</data-date>",
    )
    new = plan(
        task(1, f"{dates('2026-01-16T17:00:00')}{started}"),
        task(2, f"<duration>PT24H</duration>{early}"),
        task(
            3,
            "<constraint-type>must_start_on</constraint-type><total-float>PT0S</total-float>"
            "<critical>true</critical><cost>25.5</cost>",
        ),
        task(4, f"{done}<critical>false</critical>"),
        task(6),
        rest=f"<dependencies>{link(1, 2, LAG)}{link(1, 3)}</dependencies>",
        head="<data-date>2026-01-12T00:00:00</data-date>",
    )
    summary = await summarised(client, old, new)
    assert summary["data_date"] == {"from": "2026-01-05T00:00:00", "to": "2026-01-12T00:00:00"}
    assert summary["finish"]["days"] == 7
    assert counts(summary) == dict.fromkeys(
        (
            *("added", "removed", "slipped", "finished", "joined_critical", "left_critical"),
            *("float_lost", "durations", "links_added", "links_removed", "links_changed"),
            *("constraints", "costs", "actuals"),
        ),
        1,
    ) | {"started": 2}
    [slip] = summary["slipped"]["items"]
    assert slip == {
        "change": "changed",
        "kind": "activity",
        "task_id": "1",
        "code": "A1",
        "name": "Task 1",
        "days": 7,
        "fields": {"finish": {"from": "2026-01-09T17:00:00", "to": "2026-01-16T17:00:00"}},
    }
    assert summary["float_lost"]["items"][0]["hours"] == 16
    assert summary["durations"]["items"][0]["hours"] == 16
    assert summary["costs"]["items"][0]["amount"] == 15.5
    [lost] = summary["links_removed"]["items"]
    assert (lost["predecessor_name"], lost["successor_name"]) == ("Task 2", "Task 3")
    [moved] = summary["actuals"]["items"]
    assert moved["fields"]["actual_start"]["from"] == "2026-01-06T08:00:00"


async def test_a_summary_states_what_moved_back_and_the_totals(client: Client) -> None:
    milestone = ' milestone="true"'
    costs = "<cost>{}</cost><work>PT{}H</work>".format
    summary = await summarised(
        client,
        plan(
            task(1, costs(99, 99), ' summary="true"'),
            task(2, dates("2026-01-16T17:00:00") + costs(10, 40)),
            task(3, dates("2026-01-16T17:00:00"), milestone),
            task(4, dates("2026-01-16T17:00:00"), milestone),
            task(5, costs(5, 8)),
        ),
        plan(
            task(1, costs(1, 1), ' summary="true"'),
            task(2, dates("2026-01-14T17:00:00") + costs(12.5, 36)),
            task(3, dates("2026-01-19T17:00:00"), milestone),
            task(4, dates("2026-01-12T17:00:00"), milestone),
        ),
    )
    named = {
        sort: {item["name"]: item["days"] for item in summary[sort]["items"]}
        for sort in ("slipped", "pulled_in", "milestones")
    }
    assert named == {
        "slipped": {"Task 3": 3},
        "pulled_in": {"Task 4": 4, "Task 2": 2},
        "milestones": {"Task 4": 4, "Task 3": 3},
    }
    assert summary["cost"] == {"from": 15, "to": 12.5}
    assert summary["work"] == {"from": "PT48H", "to": "PT36H"}


async def test_the_worst_ten_slips_come_first(client: Client) -> None:
    old = [task(n, dates("2026-01-05T17:00:00")) for n in range(30)]
    new = [task(n, dates(f"2026-01-{5 + n % 26:02}T17:00:00")) for n in range(30)]
    found = (await summarised(client, plan(*old), plan(*new)))["slipped"]
    assert found["count"] == 28  # tasks 0 and 26 did not move
    assert [item["days"] for item in found["items"]] == [*range(25, 15, -1)]


async def test_summary_tasks_do_not_slip(client: Client) -> None:
    above = ' summary="true"'
    summary = await summarised(
        client,
        plan(task(1, dates("2026-01-05T17:00:00"), above), task(2, dates("2026-01-05T17:00:00"))),
        plan(task(1, dates("2026-01-06T17:00:00"), above), task(2, dates("2026-01-06T17:00:00"))),
    )
    assert [item["name"] for item in summary["slipped"]["items"]] == ["Task 2"]


async def test_long_names_are_shortened(client: Client) -> None:
    name = "x" * 5000
    new = plan(f'<task id="1"><name>{name}</name></task>')
    summary = await summarised(client, plan(task(2)), new)
    assert summary["added"]["items"][0]["name"] == name[:500]


async def test_a_plan_stored_before_the_columns_existed_has_not_started_since(
    client: Client, pool: Any
) -> None:
    file = (
        '<Project xmlns="http://schemas.microsoft.com/project"><Name>{}</Name><GUID>'
        "11111111-1111-1111-1111-111111111111</GUID><Tasks><Task><UID>1</UID><Name>Dig</Name>"
        "<ActualStart>2026-01-05T08:00:00</ActualStart><Critical>1</Critical></Task></Tasks></Project>"
    )
    await client.land(file.format("Old"))
    await pool.execute("UPDATE tasks SET actual_start = NULL, critical = NULL")
    await client.land(file.format("New"))
    answer = await client.ask("projects/1/versions/2?compare=1")
    assert answer.details["tasks"] == []
    assert counts(answer.details["summary"]) == {}
    await pool.execute("UPDATE tasks SET actual_start = NULL WHERE version = 2")
    await client.land(file.format("Newer").replace("05T", "06T"))
    answer = await client.ask("projects/1/versions/3?compare=2")
    assert len(answer.details["tasks"]) == 1
    assert counts(answer.details["summary"]) == {}


async def test_an_element_beside_its_column_is_reported_once(client: Client) -> None:
    file = (
        '<Project xmlns="http://schemas.microsoft.com/project"><Name>P</Name><Tasks><Task>'
        "<UID>1</UID><Name>Dig</Name><ActualStart>2026-01-0{}T08:00:00</ActualStart><Active>{}"
        "</Active></Task></Tasks></Project>"
    )
    await client.land(file.format(5, 1))
    await client.land(file.format(6, 0))
    [item] = (await client.ask("projects/1/versions/2?compare=1")).details["tasks"]
    assert item["fields"].keys() == {"actual_start"}
    assert item["attributes"].keys() == {"Active"}


async def test_a_date_that_a_version_lacks_is_no_slip(client: Client) -> None:
    start = "<start>2026-01-05T08:00:00</start>"
    summary = await summarised(
        client,
        plan(task(1, start), task(2, dates("2026-01-09T17:00:00"))),
        plan(task(1, dates("2026-01-30T17:00:00")), task(2, start.replace("05", "07"))),
    )
    assert [(item["name"], item["days"]) for item in summary["slipped"]["items"]] == [("Task 2", 2)]


async def test_an_element_that_fills_no_column_is_reported(client: Client) -> None:
    date = "2026-01-{:02}T08:00:00".format
    for remaining, early in ((5, 5), (6, 7), (None, 9), (None, 10)):
        elements = {"EarlyStartDate": date(early)}
        if remaining:
            elements["RemainingEarlyStartDate"] = date(remaining)
        await client.land(p6.file(p6.project(p6.activity(1, Id="A", Name="Dig", **elements))))
    found = []
    for version in (2, 4):
        path = f"projects/1/versions/{version}?compare={version - 1}"
        [item] = (await client.ask(path)).details["tasks"]
        found.append(([*item["fields"]], [*item["attributes"]]))
    assert found == [(["early_start"], ["EarlyStartDate"]), (["early_start"], [])]
