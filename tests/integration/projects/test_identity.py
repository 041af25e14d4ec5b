"""Which records of two versions are the same: Activity IDs, GUIDs, and ids as a last resort."""

import re
from typing import Any

import pytest

from tests.support import p6_files as p6
from tests.support.client import Client
from tests.support.native import native

CALENDARS = (
    p6.CALENDAR
    + "<Calendar><ObjectId>4</ObjectId><Name>Night</Name></Calendar>"
    + "<Role><ObjectId>5</ObjectId><Id>LEAD</Id><Name>Lead</Name></Role>"
)
CREW = p6.record(
    "Resource", ObjectId=7, Id="CREW", Name="Crew", ResourceType="Labor", CalendarObjectId=3
)
PLAN = (
    "<ObjectId>1</ObjectId><ActivityDefaultCalendarObjectId>3</ActivityDefaultCalendarObjectId>",
    p6.wbs(10, Name="Site", Code="S"),
    p6.wbs(11, Name="Earth", Code="1", ParentObjectId=10),
    p6.wbs(12, Name="Walls", Code="2", ParentObjectId=10),
    p6.activity(20, Id="A1", Name="Dig", WBSObjectId=11, CalendarObjectId=3),
    p6.activity(21, Id="A2", Name="Fill", WBSObjectId=11, CalendarObjectId=3),
    p6.activity(22, Id="A3", Name="Lay", WBSObjectId=12, CalendarObjectId=4),
    p6.record(
        "Relationship",
        ObjectId=30,
        PredecessorActivityObjectId=20,
        SuccessorActivityObjectId=21,
        Type="Finish to Start",
    ),
    p6.record(
        "Relationship",
        ObjectId=31,
        PredecessorActivityObjectId=21,
        SuccessorActivityObjectId=22,
        Type="Finish to Start",
    ),
    p6.record(
        "ResourceAssignment",
        ObjectId=40,
        ActivityObjectId=20,
        ResourceObjectId=7,
        RoleObjectId=5,
    ),
    p6.record("ScheduleOptions", ProjectObjectId=1, UseExpectedFinishDates=1),
)
KINDS = ("project", "tasks", "dependencies", "resources", "assignments", "parts", "shared_objects")


def plan(*records: str) -> str:
    return p6.file(CALENDARS, CREW, p6.project(*(records or PLAN)))


def shifted(file: str, by: int = 1000) -> str:
    """The file as another database would export it: every ObjectId is another one."""
    return re.sub(r"(ObjectId>)(\d+)<", lambda found: f"{found[1]}{int(found[2]) + by}<", file)


async def compared(client: Client, query: str = "compare=1") -> Any:
    answer = await client.ask(f"projects/1/versions/2?{query}")
    assert answer.status == 200, answer.body
    return answer.details


async def compare(client: Client, old: str, new: str, match: str = "") -> Any:
    await client.land(old)
    await client.land(new)
    return await compared(client, f"compare=1{match and f'&match={match}'}")


def changes(details: Any, kind: str = "tasks") -> list[tuple[str, str]]:
    return [(item["change"], item["name"]) for item in details[kind]]


@pytest.mark.parametrize("by", [1, 1000])
async def test_a_plan_from_another_database_is_equal(client: Client, by: int) -> None:
    details = await compare(client, plan(), shifted(plan(), by))
    assert {kind: details[kind] for kind in KINDS} == {kind: [] for kind in KINDS}
    assert details["summary"]["matched_by"] == "code"
    assert all(found["count"] == 0 for found in sorts(details))


def sorts(details: Any) -> list[Any]:
    return [found for found in details["summary"].values() if "count" in found]


async def test_changes_are_found_in_a_plan_from_another_database(client: Client) -> None:
    new = list(PLAN)
    new[4] = p6.activity(20, Id="A1", Name="Dig deep", WBSObjectId=12, CalendarObjectId=4)
    new[5] = p6.activity(21, Id="A4", Name="Pave", WBSObjectId=11, CalendarObjectId=3)
    details = await compare(client, plan(), shifted(plan(*new), 1))
    expected = [("added", "Pave"), ("changed", "Dig deep"), ("removed", "Fill")]
    assert sorted(changes(details)) == expected
    [changed] = [item for item in details["tasks"] if item["change"] == "changed"]
    assert changed["fields"]["name"] == {"from": "Dig", "to": "Dig deep"}
    assert changed["fields"]["parent_id"] == {"from": "11", "to": "13"}
    links = [
        (item["change"], item["predecessor_code"], item["successor_code"])
        for item in details["dependencies"]
    ]
    assert sorted(links) == [
        ("added", "A1", "A4"),
        ("added", "A4", "A3"),
        ("removed", "A1", "A2"),
        ("removed", "A2", "A3"),
    ]
    assert details["assignments"] == []
    [moved] = details["summary"]["task_calendars"]["items"]
    assert moved["fields"] == {"calendar_id": {"from": "Day", "to": "Night"}}


async def test_a_code_that_two_tasks_have_is_no_key(client: Client) -> None:
    old = p6.activity(1, Id="A", Name="One"), p6.activity(2, Id="A", Name="Two")
    new = p6.activity(1, Id="A", Name="Eins"), p6.activity(2, Id="B", Name="Two")
    details = await compare(client, plan(*old), plan(*new))
    assert changes(details) == [("changed", "Eins"), ("changed", "Two")]


async def test_a_guid_identifies_a_task_that_was_renumbered(client: Client) -> None:
    guid = "{{9A1B0000-0000-0000-0000-00000000000{}}}"
    old = [p6.activity(n, Id=f"A{n}", Name=f"Task {n}", GUID=guid.format(n)) for n in (1, 2)]
    new = [p6.activity(n + 5, Id=f"B{n}", Name=f"Task {n}", GUID=guid.format(n)) for n in (1, 2)]
    details = await compare(client, plan(*old), plan(*new))
    assert changes(details) == [("changed", "Task 1"), ("changed", "Task 2")]


async def test_a_renumbered_activity_of_one_database_stays_the_same(client: Client) -> None:
    old, new = p6.activity(1, Id="A", Name="Dig"), p6.activity(1, Id="B", Name="Dig")
    details = await compare(
        client, plan("<ObjectId>1</ObjectId>", old), plan("<ObjectId>1</ObjectId>", new)
    )
    [task] = details["tasks"]
    assert task["change"] == "changed"
    details = await compared(client, "compare=1&match=id")
    assert changes(details) == [("changed", "Dig")]


async def test_an_id_that_another_database_reused_is_another_activity(client: Client) -> None:
    old, new = p6.activity(1, Id="A", Name="Dig"), p6.activity(1, Id="B", Name="Pave")
    details = await compare(
        client, plan("<ObjectId>1</ObjectId>", old), plan("<ObjectId>2</ObjectId>", new)
    )
    assert sorted(changes(details)) == [("added", "Pave"), ("removed", "Dig")]
    details = await compared(client, "compare=1&match=id")
    assert changes(details) == [("changed", "Pave")]


async def test_elements_of_a_wbs_match_by_their_path(client: Client) -> None:
    old = (
        p6.wbs(1, Name="North", Code="N"),
        p6.wbs(2, Name="South", Code="S"),
        p6.wbs(3, Name="Earth", Code="1", ParentObjectId=1),
        p6.wbs(4, Name="Earth", Code="1", ParentObjectId=2),
    )
    new = (
        p6.wbs(7, Name="South", Code="S"),
        p6.wbs(8, Name="Earth", Code="1", ParentObjectId=7),
        p6.wbs(9, Name="North", Code="N"),
        p6.wbs(6, Name="Ground", Code="1", ParentObjectId=9),
    )
    details = await compare(client, plan(*old), plan(*new))
    assert changes(details) == [("changed", "Ground")]
    [task] = details["tasks"]
    assert task["fields"] == {"name": {"from": "Earth", "to": "Ground"}}


def mspdi(*tasks: tuple[int, str, str]) -> str:
    guid = "<GUID>00000000-0000-0000-0000-00000000000{}</GUID>"
    inside = "".join(
        f"<Task><UID>{uid}</UID>{key and guid.format(key)}<Name>{name}</Name></Task>"
        for uid, key, name in tasks
    )
    return (
        '<Project xmlns="http://schemas.microsoft.com/project"><Name>P</Name>'
        f"<Tasks>{inside}</Tasks></Project>"
    )


async def test_tasks_of_microsoft_project_match_by_guid(client: Client) -> None:
    old = mspdi((1, "1", "Dig"), (2, "2", "Fill"), (3, "", "Lay"))
    new = mspdi((1, "2", "Fill"), (2, "3", "Pave"), (3, "", "Lay stones"), (4, "1", "Dig"))
    details = await compare(client, old, new)
    assert sorted(changes(details)) == [("added", "Pave"), ("changed", "Lay stones")]
    assert details["summary"]["matched_by"] == "guid"
    details = await compared(client, "compare=1&match=id")
    assert sorted(changes(details)) == [
        ("added", "Dig"),
        ("changed", "Fill"),
        ("changed", "Lay stones"),
        ("changed", "Pave"),
    ]


async def test_native_tasks_match_by_id_unless_asked_otherwise(client: Client) -> None:
    old = '<task id="1" code="A"><name>Dig</name></task><task id="2"><name>Fill</name></task>'
    new = '<task id="9" code="A"><name>Dig</name></task><task id="2"><name>Fill</name></task>'
    project = '<project id="P"><name>P</name><tasks>{}</tasks></project>'
    details = await compare(client, native(project.format(old)), native(project.format(new)))
    assert sorted(changes(details)) == [("added", "Dig"), ("removed", "Dig")]
    assert changes(await compared(client, "compare=1&match=code")) == []


async def test_an_unknown_match_is_refused(client: Client) -> None:
    await client.land(plan())
    for query in ("compare=1&match=name", "match=name", "compare=1&match=id&match=id"):
        assert (await client.ask(f"projects/1/versions/1?{query}")).status == 400


async def test_activities_without_a_key_match_by_order_in_another_database(client: Client) -> None:
    file = plan(
        "<ObjectId>1</ObjectId>",
        p6.activity(20, Id="A", Name="Dig"),
        p6.activity(21, Id="A", Name="Fill"),
        p6.activity(22, Name="Lay"),
        p6.record(
            "Relationship",
            ObjectId=30,
            PredecessorActivityObjectId=20,
            SuccessorActivityObjectId=21,
            Type="Finish to Start",
        ),
    )
    details = await compare(client, file, shifted(file))
    assert {kind: details[kind] for kind in KINDS} == {kind: [] for kind in KINDS}


def baseline(object_id: int, name: str, finish: str) -> str:
    activity = p6.activity(object_id + 1, Id="A", Name="Dig", PlannedFinishDate=finish)
    return (
        f"<BaselineProject><ObjectId>{object_id}</ObjectId><Name>{name}</Name>"
        f"<OriginalProjectObjectId>1</OriginalProjectObjectId>{activity}</BaselineProject>"
    )


async def test_tasks_of_a_baseline_match_wherever_it_is_in_the_file(client: Client) -> None:
    project = p6.project("<ObjectId>1</ObjectId>", p6.activity(20, Id="A", Name="Dig"))
    first = baseline(50, "Contract", "2026-01-05T08:00:00")
    second = baseline(60, "Revised", "2026-02-05T08:00:00")
    details = await compare(client, p6.file(project, first), p6.file(project, second, first))
    found = [(item["change"], item["name"]) for item in details["baselines"]]
    assert found == [("added", "Revised")]
    [task] = details["baseline_tasks"]
    assert (task["change"], task["number"]) == ("added", 0)
