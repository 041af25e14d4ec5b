"""Baselines in the database: they come, change and go with the versions of their project."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from service.storage import Pool
from tests.support.client import Client
from tests.support.p6_files import activity, file, record, wbs
from tests.support.reading import MSPDI
from tests.support.service import Service
from tests.support.upload import send_file
from tests.support.uploads import undo

LINK = record("Relationship", ObjectId=4, PredecessorActivityObjectId=13)
P6_PROJECT = (
    "<Project><Id>P-1</Id><Name>Plant</Name><ObjectId>1</ObjectId>"
    f"<CurrentBaselineProjectObjectId>9</CurrentBaselineProjectObjectId>{activity(3, Id='A1')}"
    "</Project>"
)
P6_BASELINE = (
    "<BaselineProject><Name>Agreed</Name><ObjectId>9</ObjectId>"
    "<OriginalProjectObjectId>1</OriginalProjectObjectId>"
    f"{wbs(12)}{activity(13, Id='A1', PlannedDuration=16, LastUpdateUser='eve')}{LINK}"
    "</BaselineProject>"
)
P6 = file(P6_PROJECT, P6_BASELINE)
PLAN = f"""<Project xmlns="{MSPDI}"><Name>Plan</Name><Tasks><Task><UID>1</UID>
    <Baseline><Number>0</Number><Duration>PT16H0M0S</Duration><Cost>1250</Cost></Baseline>
    <Baseline><Number>2</Number></Baseline></Task></Tasks></Project>"""
VIEWS = """
SELECT b.version, b.number, b.name, b.current, t.task_id, t.code, t.duration::text, t.cost
  FROM current_baselines b JOIN current_baseline_tasks t USING (client_id, project_id, number)
 WHERE b.client_id = 1
 ORDER BY b.number, t.ordinal
"""


@pytest.fixture
async def client(service: Service) -> AsyncIterator[Client]:
    async with aiohttp.ClientSession() as http:
        yield Client(http, service)


async def read_views(pool: Pool) -> list[tuple[object, ...]]:
    return [tuple(row) for row in await pool.fetch(VIEWS)]


@pytest.mark.parametrize("content", [P6, file(P6_BASELINE, P6_PROJECT)])
async def test_a_baseline_of_primavera_is_stored_with_its_version(
    client: Client, pool: Pool, content: str
) -> None:
    [landed] = await client.land(content)
    assert (landed["outcome"], landed["version"], landed["tasks"]) == ("created", 1, 1)
    assert await read_views(pool) == [
        (1, 0, "Agreed", True, "12", None, None, None),
        (1, 0, "Agreed", True, "13", "A1", "16:00:00", None),
    ]
    parts = await pool.fetch("SELECT element, attributes FROM current_project_parts")
    assert [row["element"] for row in parts] == ["BaselineProject/Relationship"]
    assert await pool.fetchval("SELECT count(*) FROM projects") == 1


async def test_a_repeated_import_is_unchanged_until_the_baseline_changes(
    client: Client, pool: Pool
) -> None:
    changed = P6.replace("<PlannedDuration>16<", "<PlannedDuration>24<")
    files = [P6, P6, P6.replace("eve", "bob"), changed, changed, file(P6_PROJECT), P6]
    landed = [(await client.land(each))[0] for each in files]
    assert [(each["outcome"], each["version"]) for each in landed] == [
        ("created", 1),
        ("unchanged", 1),
        ("unchanged", 1),
        ("updated", 2),
        ("unchanged", 2),
        ("updated", 3),
        ("updated", 4),
    ]
    assert [row[:2] for row in await read_views(pool)] == [(4, 0), (4, 0)]
    answer = await client.ask(f"projects/{landed[0]['project_id']}/versions/2?compare=1")
    [difference] = answer.details["baseline_tasks"]
    assert difference["fields"] == {"duration": {"from": "PT16H", "to": "PT24H"}}


@pytest.mark.parametrize("content", [P6, PLAN])
async def test_importing_the_export_of_a_project_with_baselines_is_unchanged(
    client: Client, content: str
) -> None:
    [landed] = await client.land(content)
    [again] = await client.land(await client.export(landed["project_id"]))
    assert (again["outcome"], again["project_id"]) == ("unchanged", landed["project_id"])


async def test_a_baseline_of_microsoft_project_is_stored_with_its_task(
    client: Client, pool: Pool
) -> None:
    await client.land(PLAN)
    [first, second] = await read_views(pool)
    assert first[:5] == (1, 0, "Baseline", True, "1")
    assert (first[6], float(str(first[7]))) == ("16:00:00", 12.5)
    assert second == (1, 2, "Baseline 2", False, "1", None, None, None)


@pytest.mark.parametrize("query", ["?atomic=true", "?dry_run=true", "?atomic=true&dry_run=true"])
async def test_options_apply_to_baselines(
    client: Client, service: Service, pool: Pool, query: str
) -> None:
    status, answer = await send_file(client.http, service, P6.encode(), query=query)
    assert status == 207
    assert answer["counts"]["created"] == 1
    assert len(await read_views(pool)) == (0 if "dry_run" in query else 2)


async def test_an_undo_restores_the_baselines_before(
    client: Client, service: Service, pool: Pool
) -> None:
    await client.land(P6)
    await client.land(file(P6_PROJECT, P6_BASELINE.replace("Agreed", "Later")))
    import_id = await pool.fetchval("SELECT max(import_id) FROM imports")
    assert (await undo(service, import_id)).status == 207
    assert {row[2] for row in await read_views(pool)} == {"Agreed"}
