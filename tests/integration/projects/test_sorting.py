"""Lists of projects in the order of a column, on pages of every size."""

from typing import Any
from urllib.parse import urlencode

import pytest

from service.http.pagination import FOREIGN_CURSOR, encode_sorted_cursor
from tests.support.client import Client
from tests.support.native import native

DAYS = ["2026-01-05", "2026-03-01", "2026-03-01", None, "2025-12-31", None, "2026-03-02"]


def project(number: int, start: str | None) -> str:
    begin = f"<start>{start}T08:00:00</start>" if start else ""
    return f'<project id="P-{number}"><name>Plan {"bAcAb"[number % 5]}</name>{begin}</project>'


async def listed(client: Client, **query: Any) -> list[dict[str, Any]]:
    """The whole list, page after page."""
    path: str | None = f"projects?{urlencode(query)}"
    items: list[dict[str, Any]] = []
    while path is not None:
        answer = await client.ask(path)
        assert answer.status == 200, answer.body
        items += answer.details["projects"]
        path = answer.details["next"]
    return items


async def ids(client: Client, **query: Any) -> list[str]:
    return [item["external_id"] for item in await listed(client, **query)]


async def test_pages_have_each_project_once_in_the_order_of_the_column(
    client: Client, subtests: pytest.Subtests
) -> None:
    await client.land(native(*(project(number, day) for number, day in enumerate(DAYS))))
    await client.land(native(project(1, "2026-04-01"), project(8, None)))
    everyone = await listed(client)
    for sort in ("title", "start", "finish", "updated_at"):
        keyed = [(str(item[sort]).lower(), item) for item in everyone if item[sort] is not None]
        without = [item for item in everyone if item[sort] is None]
        for sign, descending in (("", False), ("-", True)):
            # Python's sort is stable, so equal keys keep the order of the ids.
            expected = sorted(keyed, key=lambda pair: pair[0], reverse=descending)
            wanted = [item["external_id"] for _, item in expected] + [
                item["external_id"] for item in without
            ]
            for limit in (1, 2, 3, 100):
                with subtests.test(sort=sign + sort, limit=limit):
                    assert await ids(client, sort=sign + sort, limit=limit) == wanted


async def test_a_cursor_with_another_key_than_the_column_has_is_refused(client: Client) -> None:
    for sort, key in (
        ("tasks", "1.5"),
        ("warnings", "-1"),
        ("progress", "1e9"),
        ("start", "2026-W01-1"),
        ("finish", "2026-01-05 08:00:00,5"),
        ("finish", "2026-02-30 08:00:00"),
        ("updated_at", "2026-01-05 08:00:00+23:59:59"),
        ("updated_at", "2026-01-05\u202808:00:00"),
        ("title", "a\0"),
    ):
        query = urlencode({"sort": sort, "cursor": encode_sorted_cursor(key, 1)})
        answer = await client.ask(f"projects?{query}")
        assert answer.status == 400, (sort, key)
        assert FOREIGN_CURSOR in answer.details


async def test_ranges_of_days_include_their_ends(client: Client) -> None:
    await client.land(native(*(project(number, day) for number, day in enumerate(DAYS))))
    for query, wanted in (
        ({"start_from": "2026-03-01"}, ["P-1", "P-2", "P-6"]),
        ({"start_until": "2026-01-05"}, ["P-0", "P-4"]),
        ({"start_from": "2026-01-05", "start_until": "2026-03-01"}, ["P-0", "P-1", "P-2"]),
        ({"finish_from": "0001-01-01"}, []),
        ({"start_until": "9999-12-31", "sort": "-start"}, ["P-6", "P-1", "P-2", "P-0", "P-4"]),
    ):
        assert await ids(client, **query) == wanted


MSPDI = (
    "<Project xmlns='http://schemas.microsoft.com/project'><GUID>{guid}</GUID>"
    "<Name>{name}</Name>{title}</Project>"
)


async def test_a_title_replaces_the_name_of_a_file(client: Client) -> None:
    cases = (
        ("PU-1.mpp", "<Title>Harbour bridge</Title>", "Harbour bridge"),
        ("PU-2.MPP", "<Title> </Title>", "PU-2.MPP"),
        ("PU-3.xml", "", "PU-3.xml"),
        ("Depot", "<Title>Something else</Title>", "Depot"),
    )
    for number, (name, title, _) in enumerate(cases):
        guid = f"00000000-0000-0000-0000-00000000000{number}"
        await client.land(MSPDI.format(guid=guid, name=name, title=title))
    items = await listed(client)
    assert [(item["name"], item["title"]) for item in items] == [
        (name, shown) for name, _, shown in cases
    ]
    ordered = [item["title"] for item in await listed(client, sort="title")]
    assert ordered == ["Depot", "Harbour bridge", "PU-2.MPP", "PU-3.xml"]
    assert [item["name"] for item in await listed(client, text="harbour")] == ["PU-1.mpp"]


def task(done: str = "", hours: int = 0, more: str = "") -> str:
    inside = f"<percent-complete>{done}</percent-complete>" if done else ""
    inside += f"<duration>PT{hours}H</duration>" if hours else ""
    return f'<task id="{{id}}" {more}>{inside}</task>'


PROGRESS: dict[str, tuple[list[str], float | None]] = {
    "weighted by duration": ([task("100", 8), task("0", 24)], 25),
    "without a percentage not begun": ([task("100", 8), task("", 8)], 50),
    "summaries do not count": ([task("10", 99, 'summary="true"'), task("60", 8)], 60),
    "milestones weigh nothing": ([task("100", 0, 'milestone="true"'), task("30", 8)], 30),
    "no durations": ([task("100"), task("50"), task("")], 50),
    "rounded": ([task("100", 8), task("0", 16)], 33.3),
    "not stated": ([task("", 8)], None),
    "no tasks": ([], None),
}


@pytest.mark.parametrize("more", ["", " " * 300_000], ids=["fast path", "long way"])
async def test_the_list_has_figures_of_each_project(client: Client, more: str) -> None:
    plans = []
    for name, (tasks, _) in PROGRESS.items():
        rows = "".join(text.format(id=number) for number, text in enumerate(tasks))
        plans.append(f'<project id="{name}"><name>{name}</name><tasks>{rows}</tasks></project>')
    await client.land(native(*plans) + more)
    items = await listed(client)
    assert {item["external_id"]: (item["tasks"], item["progress"]) for item in items} == {
        name: (len(tasks), progress) for name, (tasks, progress) in PROGRESS.items()
    }
    assert await ids(client, sort="-progress", limit=3) == [
        "summaries do not count",
        "without a percentage not begun",
        "no durations",
        "rounded",
        "milestones weigh nothing",
        "weighted by duration",
        "not stated",
        "no tasks",
    ]
    [first, *_] = items
    archived = await client.ask(f"projects/{first['project_id']}", "DELETE")
    [item] = await listed(client, archived="only")
    assert (item["version"], item["progress"], item["tasks"]) == (2, 25, 2), archived.body


async def test_projects_with_warnings_are_found(client: Client) -> None:
    late = "<start>2026-03-01T08:00:00</start><finish>2026-02-01T08:00:00</finish>"
    await client.land(
        native(
            f'<project id="A"><name>A</name>{late}</project>',
            '<project id="B"><name>B</name></project>',
        )
    )
    assert [(item["external_id"], item["warnings"]) for item in await listed(client)] == [
        ("A", 1),
        ("B", 0),
    ]
    assert await ids(client, warnings="some") == ["A"]
    assert await ids(client, warnings="none") == ["B"]
