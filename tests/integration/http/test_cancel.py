"""Cancelling imports by ``POST …/imports/{import_id}/cancel``."""

import asyncio

import pytest

from service.storage import Pool
from tests.support.answer import Answer
from tests.support.projects import until
from tests.support.raw_http import Connection, get, head, upload
from tests.support.running_imports import hold_projects, wait_for_end
from tests.support.service import Service, token
from tests.support.uploads import abandoned, plans, send

pytestmark = pytest.mark.settings(heartbeat_every=0.05)
BODY = plans(*(f"P-{n}" for n in range(3000)))
LENGTH = f"Content-Length: {len(BODY)}"


async def cancel(service: Service, import_id: int = 1, **claims: object) -> Answer:
    path = f"/api/v2/clients/1/imports/{import_id}/cancel"
    return await upload(service, b"", path=path, token=token(**claims))  # type: ignore[arg-type]


async def test_cancelling_a_running_import_stops_it_and_answers_its_sender_with_409(
    service: Service, pool: Pool
) -> None:
    async with Connection(service) as connection:
        await connection.send(head(service, LENGTH), BODY[:-100])  # the upload stalls here
        await until(pool, "SELECT count(*) > 0 FROM import_results")
        assert (await cancel(service, sub="boss")).status == 202
        answer = await connection.answer()
    assert (answer.status, answer.json["details"]) == (409, "Import cancelled")
    landed = await pool.fetchval("SELECT count(*) FROM projects")
    assert answer.json["counts"]["created"] == landed > 0
    found = (await get(service, "/api/v2/clients/1/imports/1")).json["details"]
    assert (found["state"], found["cause"]) == ("cancelled", "Cancelled by boss")
    page = await get(service, "/api/v2/clients/1/imports/1/results?limit=1000")
    assert len(page.json["details"]["results"]) == min(landed, 1000)


async def test_cancelling_twice_returns_the_same_answer(service: Service, pool: Pool) -> None:
    async with Connection(service) as connection:
        await connection.send(head(service, LENGTH), BODY[:-100])
        await until(pool, "SELECT count(*) > 0 FROM imports")
        for _ in range(2):
            assert (await cancel(service)).status == 202
        await connection.answer()
    answer = await cancel(service)
    assert (answer.status, answer.json["details"]["state"]) == (202, "cancelled")
    assert answer.headers["location"] == "/api/v2/clients/1/imports/1"


async def test_cancelling_an_import_that_waits_for_a_project_ends_it_at_once(
    service: Service, pool: Pool
) -> None:
    body = plans("A", "B")
    async with hold_projects(pool, "A"):
        sending = asyncio.create_task(send(service, body))
        await until(pool, "SELECT count(*) > 0 FROM import_results")
        await cancel(service)
        assert (await sending).status == 409
        assert await wait_for_end(service) == "cancelled"


async def test_cancelling_an_atomic_import_stores_no_project(service: Service, pool: Pool) -> None:
    async with Connection(service) as connection:
        path = "/api/v2/clients/1/projects/bulk?atomic=true"
        await connection.send(head(service, LENGTH, path=path), BODY[:-100])
        await until(pool, "SELECT count(*) > 0 FROM imports")
        await cancel(service)
        answer = await connection.answer()
    assert answer.json["counts"] == {"created": 0, "updated": 0, "unchanged": 0, "failed": 0}
    assert not await pool.fetch("SELECT FROM projects")


async def test_cancelling_an_ended_import_is_refused(service: Service) -> None:
    await send(service, plans("A"))
    answer = await cancel(service)
    assert (answer.status, answer.json["message"]) == (409, "Conflict")
    assert "completed" in answer.json["details"]


async def test_cancelling_an_unknown_import_is_a_404(service: Service) -> None:
    assert (await cancel(service, 7)).status == 404


async def test_cancelling_requires_the_import_scope(service: Service) -> None:
    assert (await cancel(service, scope="projects:read")).status == 403


@pytest.mark.settings(heartbeat_expiry=0.5)
async def test_cancelling_an_import_without_an_owner_ends_it_once_its_heartbeat_expires(
    service: Service, pool: Pool
) -> None:
    await abandoned(pool, "k", seconds=0)
    answer = await cancel(service)
    assert (answer.status, answer.json["details"]["state"]) == (202, "running")
    assert await wait_for_end(service) == "cancelled"
    upload, key = plans("A"), "Idempotency-Key: k"
    refused = await send(service, upload, "", key)
    assert (refused.status, refused.json["details"]) == (409, "Import cancelled")
    assert (refused.json["import_id"], refused.json["counts"]["created"]) == (1, 0)
    assert not await pool.fetch("SELECT FROM projects")
    assert (await send(service, upload, "", key)).json["import_id"] == 2


async def test_a_cancelled_import_frees_its_key(service: Service, pool: Pool) -> None:
    key = "Idempotency-Key: k"
    async with Connection(service) as connection:
        await connection.send(head(service, LENGTH, key), BODY[:-100])
        await until(pool, "SELECT count(*) > 0 FROM imports")
        await cancel(service)
        await connection.answer()
    assert (await send(service, BODY, "", key)).json["import_id"] == 2
