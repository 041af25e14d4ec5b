"""Comparing a version with its current baseline."""

from typing import Any

from tests.support.client import Client
from tests.support.native import native

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
 <baseline-task number="0" task="7" code="A7"><name>Clear</name></baseline-task>
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
    assert details["dependencies"] == details["parts"] == []


async def test_activities_of_primavera_match_those_of_a_baseline_by_code(client: Client) -> None:
    details = await compared(client, plan("p6", 2, 1))
    found = {item["name"]: item["change"] for item in details["tasks"]}
    assert found == {"Dig": "changed", "Pave": "added", "Clear": "removed"}
    assert details["summary"]["matched_by"] == "code"


async def test_without_a_current_baseline_there_is_nothing_to_compare(client: Client) -> None:
    await client.land(plan("native", 1, 2, ""))
    answer = await client.ask("projects/1/versions/1?against=baseline")
    assert (answer.status, answer.details) == (404, "No baseline of this version is current")
    assert (await client.ask("projects/1/versions/1?against=plan")).status == 400
    assert (await client.ask("projects/1/versions/2?against=baseline")).status == 404
