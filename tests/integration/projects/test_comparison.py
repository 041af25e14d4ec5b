"""Comparing two versions of a project."""

import asyncio
from typing import Any

import pytest

from service.storage import Pool, watchdog
from tests.support.client import XML, Client
from tests.support.native import native
from tests.support.paths import CHECKOUT
from tests.support.planted import plant

OLD = native(
    """<project id="P"><name>Plant</name><code>A</code><tasks>
    <task id="T1"><name>Dig</name><duration>PT8H</duration>
      <attributes><attribute name="risk">low</attribute><attribute name="x">1</attribute>
      </attributes></task>
    <task id="T2"><name>Pour</name></task>
    <task id="T2" kind="wbs"/></tasks>
    <dependencies><dependency predecessor="T1" successor="T2"/>
      <dependency predecessor="T1" successor="T2"/></dependencies>
    <resources><resource id="R"><name>Crew</name></resource></resources>
    <assignments><assignment task="T1" resource="R" units="1"/>
      <assignment task="T1"/></assignments>
    <parts><part element="Calendar"><attribute name="UID">1</attribute>
        <attribute name="Name">Day</attribute></part>
      <part element="Calendar"><attribute name="UID">2</attribute></part></parts>
    <shared-objects><object element="Role" id="1"><attribute name="Name">Lead</attribute></object>
    </shared-objects></project>"""
)
NEW = native(
    """<project id="P"><name>Plant</name><code>B</code><tasks>
    <task id="T1"><name>Excavate</name><duration>PT8H</duration>
      <attributes><attribute name="risk">high</attribute><attribute name="y">2</attribute>
      </attributes></task>
    <task id="T2" kind="wbs"/>
    <task id="T3"><name>Cure</name></task></tasks>
    <dependencies><dependency predecessor="T1" successor="T3"/>
      <dependency predecessor="T1" successor="T3" lag="PT1H"/></dependencies>
    <resources><resource id="R"><name>Crew</name></resource></resources>
    <assignments><assignment task="T1" resource="R" units="0.5"/>
      <assignment task="T1"/></assignments>
    <parts><part element="Calendar"><attribute name="UID">2</attribute></part></parts>
    <shared-objects><object element="Role" id="1"><attribute name="Name">Head</attribute></object>
    </shared-objects></project>"""
)


async def compared(client: Client, new: int, old: int) -> Any:
    answer = await client.ask(f"projects/1/versions/{new}?compare={old}")
    assert answer.status == 200, answer.body
    assert answer.headers["content-length"] == str(len(answer.body))
    assert answer.json["complete"] is True
    return answer.details


async def test_a_comparison_lists_added_removed_and_changed_records(client: Client) -> None:
    await client.land(OLD)
    await client.land(NEW)
    details = await compared(client, 2, 1)
    assert (details["from"], details["to"]) == (1, 2)
    assert details["project"] == [
        {"change": "changed", "fields": {"code": {"from": "A", "to": "B"}}, "attributes": {}}
    ]
    assert details["tasks"] == [
        {
            "change": "changed",
            "kind": "activity",
            "task_id": "T1",
            "name": "Excavate",
            "fields": {"name": {"from": "Dig", "to": "Excavate"}},
            "attributes": {
                "risk": {"from": "low", "to": "high"},
                "x": {"from": "1", "to": None},
                "y": {"from": None, "to": "2"},
            },
        },
        {"change": "removed", "kind": "activity", "task_id": "T2", "name": "Pour"},
        {"change": "added", "kind": "activity", "task_id": "T3", "name": "Cure"},
    ]
    links = [(item["change"], item["successor_id"]) for item in details["dependencies"]]
    assert sorted(links) == [("added", "T3")] * 2 + [("removed", "T2")] * 2
    assert details["resources"] == []
    [assignment] = details["assignments"]
    assert assignment["fields"] == {"units": {"from": 1, "to": 0.5}}
    assert details["parts"] == [{"change": "removed", "element": "Calendar"}]
    [role] = details["shared_objects"]
    assert role["attributes"] == {"Name": {"from": "Lead", "to": "Head"}}


async def test_a_reversed_comparison_swaps_added_and_removed(client: Client) -> None:
    await client.land(OLD)
    await client.land(NEW)
    back = await compared(client, 1, 2)
    assert [item["change"] for item in back["tasks"]] == ["changed", "added", "removed"]
    same = await compared(client, 1, 1)
    assert all(same[name] == [] for name in same if name not in ("from", "to", "summary"))


async def test_a_comparison_lists_all_of_many_differences(client: Client, pool: Pool) -> None:
    await plant(pool, 30_000)
    await client.land(native('<project id="large"><name>Large</name></project>'))
    details = await compared(client, 2, 1)
    assert [item["task_id"] for item in details["tasks"]] == [f"T{n}" for n in range(30_000)]
    assert {item["change"] for item in details["tasks"]} == {"removed"}


@pytest.mark.settings(connect_timeout=1)
async def test_a_comparison_past_its_time_is_a_503(
    client: Client, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert watchdog.TRANSACTION_TIMEOUT == 25
    assert "25 seconds" in (CHECKOUT / "docs" / "reference" / "api" / "comparison.md").read_text(
        "utf-8"
    )
    monkeypatch.setattr(watchdog, "TRANSACTION_TIMEOUT", 1.0)
    await client.land(OLD)
    await client.land(NEW)
    async with asyncio.timeout(20), pool.acquire() as conn, conn.transaction():
        await conn.execute("LOCK TABLE tasks IN ACCESS EXCLUSIVE MODE")
        answer = await client.ask("projects/1/versions/2?compare=1")
    assert (answer.status, answer.json["message"]) == (503, "Service unavailable")
    assert int(answer.headers["retry-after"]) >= 5
    assert (await compared(client, 2, 1))["to"] == 2


async def test_an_invalid_comparison_is_refused(client: Client, subtests: pytest.Subtests) -> None:
    await client.land(OLD)
    cases: list[tuple[str, str | None, dict[str, Any], int]] = [
        ("projects/1/versions/1?compare=2", None, {}, 404),
        ("projects/1/versions/2?compare=1", None, {}, 404),
        ("projects/2/versions/1?compare=1", None, {}, 404),
        ("projects/1/versions/1?compare=99999999999", None, {}, 404),
        ("projects/1/versions/1?compare=x", None, {}, 400),
        ("projects/1/versions/1?compare=1&compare=1", None, {}, 400),
        ("projects/1?compare=1", None, {}, 400),
        ("projects/1/versions/1?compare=1", XML, {}, 406),
        ("projects/1/versions/1?compare=1", None, {"scope": "projects:import"}, 403),
    ]
    for path, accept, claims, status in cases:
        with subtests.test(path=path, accept=accept):
            assert (await client.ask(path, accept=accept, **claims)).status == status


async def test_ids_with_a_newline_do_not_match_other_ids(client: Client) -> None:
    tasks = "".join(f'<task id="{name}"/>' for name in ("A", "A&#10;B", "B&#10;C", "C"))
    ends = [("A&#10;B", "C"), ("A", "B&#10;C")]
    for first, second in ends:
        link = (
            f'<dependencies><dependency predecessor="{first}" successor="{second}"/></dependencies>'
        )
        project = f'<project id="P"><name>P</name><tasks>{tasks}</tasks>{link}</project>'
        await client.land(native(project))
    details = await compared(client, 2, 1)
    assert sorted(item["change"] for item in details["dependencies"]) == ["added", "removed"]
