"""Lists of projects in the order of a column, on pages of every size."""

from typing import Any
from urllib.parse import urlencode

import pytest

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
