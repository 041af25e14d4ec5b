"""Reading a project: its content, its media types, and who may read it."""

import tracemalloc
from functools import partial
from typing import Any

import aiohttp
import pytest
from lxml import etree

from service.projects import export, mspdi_export
from service.projects.records import Page, Query, RunQuery, VersionKey
from service.storage import Pool
from tests.support.client import XML, Client
from tests.support.native import RICH_FILE, native
from tests.support.planted import plant

MIB = 1024 * 1024


async def test_json_has_all_content_of_the_project(client: Client) -> None:
    [landed] = await client.land(RICH_FILE)
    answer = await client.ask(f"projects/{landed['project_id']}")
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert answer.json["complete"] is True
    details = answer.details
    expected: dict[str, Any] = {
        "project_id": landed["project_id"],
        "external_id": "P-1",
        "version": 1,
        "current_version": 1,
        "archived_at": None,
        "import_id": 1,
        "updated_by": "tester",
        "label": None,
        "name": "Plant",
        "code": "PU",
        "status": None,
        "start": "2026-01-05T08:00:00",
        "priority": 500,
        "source": "p6",
        "lock": None,
        "attributes": {"risk": "high"},
        "parts": [{"element": "Note", "attributes": {"text": "Wet"}}],
        "shared_objects": [
            {"element": "Calendar", "object_id": "7", "attributes": {"Name": "Night"}}
        ],
    }
    assert expected.items() <= details.items()
    assert [task["task_id"] for task in details["tasks"]] == ["W", "T"]
    assert {"parent_id": "W", "duration": "P-1DT-2H", "percent_complete": 12.5}.items() <= details[
        "tasks"
    ][1].items()
    assert b"12345678901234567890.5" in answer.body
    assert details["dependencies"][0]["lag"] == "PT1.5S"
    assert details["baselines"] == [
        {"number": 0, "name": "Agreed", "type": None, "current": True, "attributes": {}}
    ]
    [planned] = details["baseline_tasks"]
    assert {"number": 0, "task_id": "T", "code": "A1", "work": "PT8H", "cost": 1.5}.items() <= (
        planned.items()
    )
    assert details["resources"][0]["name"] == "Crew"
    assert details["assignments"][0]["work"] == "PT8H"


async def test_accept_selects_the_media_type(client: Client, subtests: pytest.Subtests) -> None:
    await client.land(RICH_FILE)
    cases = [
        (None, "application/json"),
        ("*/*", "application/json"),
        ("application/*", "application/json"),
        ("text/*", "text/xml"),
        ("application/xml", "application/xml"),
        ("text/xml", "text/xml"),
        ("application/json;q=0.5, application/XML", "application/xml"),
        ("application/xml;q=0.5, */*;q=0.1", "application/xml"),
        ("application/json;q=0, */*", "application/xml"),
        ("application/xml;q=0.5;x=y, application/json;q=0.6", "application/json"),
        ("text/html", None),
        ("application/json;q=0", None),
        ("nonsense", None),
    ]
    for accept, kind in cases:
        with subtests.test(accept=accept):
            answer = await client.ask("projects/1", accept=accept)
            assert answer.headers["vary"] == "Accept"
            if kind is None:
                assert answer.status == 406
                assert answer.json["message"] == "Not acceptable"
            else:
                assert answer.headers["content-type"] == f"{kind}; charset=utf-8"
                assert answer.body.startswith(b"<?xml" if "xml" in kind else b'{"status"')


async def test_a_client_cannot_read_the_projects_of_another(
    client: Client, pool: Pool, subtests: pytest.Subtests
) -> None:
    await pool.execute("INSERT INTO clients (client_id, name) VALUES (2, 'Other')")
    await client.land(RICH_FILE)
    cases: list[tuple[str, int, dict[str, Any], int]] = [
        ("projects/1", 1, {}, 200),
        ("projects/1", 1, {"scope": "projects:import"}, 403),
        ("projects/1", 2, {}, 403),
        ("projects/1", 2, {"clients": "*"}, 404),
        ("projects/2", 1, {}, 404),
        ("projects/x", 1, {}, 400),
        ("projects/1?x=1", 1, {}, 400),
    ]
    for path, tenant, claims, status in cases:
        for accept in (None, XML):
            with subtests.test(path=path, tenant=tenant, claims=claims, accept=accept):
                answer = await client.ask(path, accept=accept, tenant=tenant, **claims)
                assert answer.status == status
                if status != 200:
                    assert answer.json["status"] == "error"


async def test_head_has_no_body(client: Client) -> None:
    await client.land(RICH_FILE)
    answer = await client.ask("projects/1", "HEAD", accept=XML)
    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["content-type"] == "application/xml; charset=utf-8"


BIG = (
    "(SELECT jsonb_build_object('a', string_agg(md5(n::text || k), ''))"
    " FROM generate_series(1, 32768) AS k)"
)
"""Attributes of 1 MiB that hardly compress."""


@pytest.mark.once
@pytest.mark.parametrize(
    ("document", "tasks", "attributes"),
    [
        (export.export_json, 60_000, '\'{"risk": "high"}\''),
        (export.export_native, 40_000, '\'{"risk": "high"}\''),
        (mspdi_export.export_mspdi, 40_000, '\'{"risk": "high"}\''),
        (export.export_json, 24, BIG),
        (export.export_native, 24, BIG),
        (mspdi_export.export_mspdi, 24, BIG),
    ],
)
async def test_exporting_a_large_project_needs_little_memory(
    client: Client, pool: Pool, document: Any, tasks: int, attributes: str
) -> None:
    key = VersionKey(1, await plant(pool, tasks, attributes), 1)
    await pool.execute("UPDATE project_versions SET source = 'mspdi'")
    size = 0
    tracemalloc.start()
    async for block in document(asking(pool), key):
        size += len(block)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < min(8 * MIB, size / 2)


async def test_an_export_keeps_to_its_version_during_an_import(client: Client, pool: Pool) -> None:
    project_id = await plant(pool, 20_000)
    async with await start_export(client, project_id) as answer:
        first = await answer.content.readany()
        [landed] = await client.land(native('<project id="large"><name>Small</name></project>'))
        assert (landed["project_id"], landed["version"]) == (project_id, 2)
        root = etree.fromstring(first + await answer.read())
    assert root[0].get("version") == "1"
    assert len(root.findall(".//{*}task")) == 20_000
    assert b"Small" in await client.export(project_id)


async def test_pruning_the_version_during_an_export_aborts_the_response(
    client: Client, pool: Pool
) -> None:
    project_id = await plant(pool, 40_000)
    async with await start_export(client, project_id) as answer:
        await answer.content.readany()
        await pool.execute("DELETE FROM project_versions WHERE project_id = $1", project_id)
        with pytest.raises((aiohttp.ClientError, ConnectionError)):
            await answer.read()


async def start_export(client: Client, project_id: int) -> aiohttp.ClientResponse:
    """An answer of which the head alone was read."""
    headers = client.service.headers() | {"Accept": XML}
    return await client.http.get(client.service.url(f"projects/{project_id}"), headers=headers)


def asking(pool: Pool) -> RunQuery:
    async def ask(query: Query) -> Page:
        async with pool.acquire() as conn:
            return await query(conn)

    return partial(ask)
