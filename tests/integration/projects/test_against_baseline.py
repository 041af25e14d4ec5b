"""Comparing a version with its current baseline."""

from typing import Any

from tests.support import p6_files as p6
from tests.support.client import Client
from tests.support.native import native
from tests.support.reading import MSPDI

TASKS = """<tasks>
 <task id="1" code="A1"><name>Dig</name><finish>2026-01-16T17:00:00</finish>
  <duration>PT8H</duration></task>
 <task id="2" code="A2"><name>Fill</name><finish>2026-01-12T17:00:00</finish></task>
 <task id="3" code="A3"><name>Pave</name></task>
 <task id="9" kind="wbs"><name>Site</name></task></tasks>"""
BASELINES = """<baselines><baseline number="0"{}><name>Contract</name></baseline>
 <baseline number="1"><name>Later</name></baseline></baselines>"""
PLANNED = """<baseline-tasks>
 <baseline-task number="0" task="{one}" code="A1">
  <finish>2026-01-09T17:00:00</finish></baseline-task>
 <baseline-task number="0" task="{two}" code="A2">
  <finish>2026-01-12T17:00:00</finish></baseline-task>
 <baseline-task number="0" task="7" code="A7"><name>Clear</name><cost>7</cost></baseline-task>
 <baseline-task number="1" task="{one}" code="A1">
  <finish>2025-01-09T17:00:00</finish></baseline-task>
</baseline-tasks>"""
CURRENT = ' current="true"'


def plan(source: str, one: int, two: int, current: str = CURRENT) -> str:
    rest = BASELINES.format(current) + PLANNED.format(one=one, two=two)
    return native(f'<project id="P" source="{source}"><name>Plant</name>{TASKS}{rest}</project>')


async def compared(client: Client, file: str) -> Any:
    await client.land(file)
    answer = await client.ask("projects/1/versions/1?against=baseline")
    assert answer.status == 200, answer.body
    return answer.details


async def test_tasks_are_compared_with_the_current_baseline(client: Client) -> None:
    details = await compared(client, plan("native", 1, 2))
    assert details["baseline"] == {"number": 0, "name": "Contract"}
    found = {item["name"]: item for item in details["tasks"]}
    assert {name: item["change"] for name, item in found.items()} == {
        "Dig": "changed",
        "Pave": "added",
        "Clear": "removed",
    }
    slip = {"from": "2026-01-09T17:00:00", "to": "2026-01-16T17:00:00"}
    assert found["Dig"]["fields"] == {"finish": slip}
    assert details["summary"]["slipped"]["count"] == 1
    assert details["summary"]["finish"]["days"] == 4
    assert details["summary"]["cost"] == {"from": 7, "to": None}
    assert details["dependencies"] == details["parts"] == []


async def test_activities_of_primavera_match_those_of_a_baseline_by_code(client: Client) -> None:
    details = await compared(client, plan("p6", 2, 1))
    found = {item["name"]: item["change"] for item in details["tasks"]}
    assert found == {"Dig": "changed", "Pave": "added", "Clear": "removed"}
    assert details["summary"]["matched_by"] == "code"


async def test_without_a_current_baseline_there_is_nothing_to_compare(client: Client) -> None:
    await client.land(plan("native", 1, 2, ""))
    answer = await client.ask("projects/1/versions/1?against=baseline")
    assert answer.status == 404
    assert answer.details.endswith("no baseline of this version is current")
    assert (await client.ask("projects/1/versions/1?against=plan")).status == 400
    assert (await client.ask("projects/1/versions/2?against=baseline")).status == 404


async def test_a_version_is_compared_with_its_baseline_project(client: Client) -> None:
    current = "<ObjectId>1</ObjectId><CurrentBaselineProjectObjectId>9"
    project = p6.project(
        f"{current}</CurrentBaselineProjectObjectId>",
        p6.wbs(10, Name="Site", Code="S"),
        p6.activity(20, Id="A1", Name="Dig", FinishDate="2026-01-16T17:00:00", WBSObjectId=10),
        p6.activity(21, Id="A2", Name="Fill", FinishDate="2026-01-12T17:00:00", WBSObjectId=10),
        p6.activity(22, Id="A3", Name="Pave", WBSObjectId=10),
    )
    # A baseline has ObjectIds of its own; one of them is that of another activity of the plan.
    baseline = p6.record(
        "BaselineProject", ObjectId=9, Id="P-1 - B1", Name="Contract", OriginalProjectObjectId=1
    ).replace(
        "</BaselineProject>",
        p6.wbs(40, Name="Site", Code="S")
        + p6.activity(21, Id="A1", Name="Dig", PlannedFinishDate="2026-01-09T17:00:00")
        + p6.activity(31, Id="A2", Name="Fill", PlannedFinishDate="2026-01-12T17:00:00")
        + p6.activity(32, Id="A7", Name="Clear")
        + "</BaselineProject>",
    )
    details = await compared(client, p6.file(project, baseline))
    assert details["baseline"] == {"number": 0, "name": "Contract"}
    found = {item["name"]: item for item in details["tasks"]}
    changes = {name: item["change"] for name, item in found.items()}
    assert changes == {"Dig": "changed", "Pave": "added", "Clear": "removed"}
    slip = {"from": "2026-01-09T17:00:00", "to": "2026-01-16T17:00:00"}
    assert found["Dig"]["fields"] == {"finish": slip}
    [slipped] = details["summary"]["slipped"]["items"]
    assert (slipped["code"], slipped["days"]) == ("A1", 7)
    assert details["summary"]["matched_by"] == "code"


async def test_a_version_is_compared_with_baseline_0_of_microsoft_project(client: Client) -> None:
    planned = "<Baseline><Number>{}</Number><Finish>2026-01-{}T17:00:00</Finish></Baseline>"
    tasks = [
        (1, "Dig", 16, planned.format(0, "09") + planned.format(1, "02")),
        (2, "Fill", 12, planned.format(0, 12)),
        (3, "Pave", 19, planned.format(1, "05")),
    ]
    inside = "".join(
        f"<Task><UID>{uid}</UID><Name>{name}</Name><Finish>2026-01-{day}T17:00:00</Finish>"
        f"{rest}</Task>"
        for uid, name, day, rest in tasks
    )
    details = await compared(
        client, f'<Project xmlns="{MSPDI}"><Name>P</Name><Tasks>{inside}</Tasks></Project>'
    )
    assert details["baseline"] == {"number": 0, "name": "Baseline"}
    found = {item["name"]: (item["change"], item.get("fields")) for item in details["tasks"]}
    slip = {"from": "2026-01-09T17:00:00", "to": "2026-01-16T17:00:00"}
    assert found == {"Dig": ("changed", {"finish": slip}), "Pave": ("added", None)}
    assert details["summary"]["matched_by"] == "id"
    [added] = details["summary"]["added"]["items"]
    assert added["name"] == "Pave"
    assert [item["days"] for item in details["summary"]["slipped"]["items"]] == [7]
