"""``Prefer: respond-async``: the answer comes before the end of the import."""

import asyncio
import contextlib

import pytest

from service.settings import Settings
from service.storage import Pool
from tests.support.answer import Answer
from tests.support.raw_http import Connection, form, get, head, part
from tests.support.running_imports import FILE, HALF, WHOLE, hold_projects, wait_for_end
from tests.support.service import Service, served
from tests.support.uploads import plans, send, undo

ASYNC = "Prefer: respond-async"
KEY = "Idempotency-Key: night-17"


def check_accepted(answer: Answer, import_id: int, applied: str = "respond-async") -> None:
    assert (answer.status, answer.json["status"], answer.json["code"]) == (202, "accepted", 202)
    assert (answer.json["message"], answer.json["import_id"]) == ("Import accepted", import_id)
    location = f"/api/v2/clients/1/imports/{import_id}"
    assert location in answer.json["details"]
    assert answer.headers["location"] == location
    assert answer.headers["preference-applied"] == applied
    assert answer.headers["vary"] == "Prefer"
    assert int(answer.headers["retry-after"]) > 0


@pytest.mark.settings(fast_path_bytes=0)
async def test_an_accepted_import_goes_on_without_its_sender(service: Service, pool: Pool) -> None:
    async with hold_projects(pool, "P-1"):
        check_accepted(await send(service, FILE, "", ASYNC), 1)
        # With wait, the time is over before the import; several headers count together.
        late = await send(service, FILE, "", "Prefer: wait=1", ASYNC)
        check_accepted(late, 2, "respond-async, wait=1")
        assert await pool.fetchval("SELECT count(*) FROM imports WHERE state = 'running'") == 2
    assert [await wait_for_end(service, number) for number in (1, 2)] == ["completed"] * 2
    assert await pool.fetchval("SELECT count(*) FROM projects") == 2


async def test_the_answer_does_not_depend_on_when_the_import_ends(service: Service) -> None:
    usual = await send(service, FILE)
    assert {"vary", "preference-applied"}.isdisjoint(usual.headers)
    ended = await send(service, FILE, "", "Prefer: respond-async, wait=60")
    assert (ended.status, ended.headers["vary"]) == (207, "Prefer")
    assert ended.json["counts"]["unchanged"] == 2
    check_accepted(await send(service, FILE, "", ASYNC), 3)  # by the fast path
    check_accepted(await send(service, FILE, "dry_run=true", ASYNC), 4)
    assert (await undo(service, 1, ASYNC)).status == 202


async def test_repeating_an_accepted_upload_is_compared_with_it(service: Service) -> None:
    check_accepted(await send(service, FILE, "", ASYNC, KEY), 1)
    check_accepted(await send(service, FILE, "", ASYNC, KEY), 1)
    assert (await send(service, plans("P-9"), "", ASYNC, KEY)).status == 422
    assert (await send(service, FILE, "", KEY)).json["counts"]["created"] == 2


async def test_faults_that_are_known_by_then_are_answered_as_usual(
    service: Service, pool: Pool
) -> None:
    assert (await send(service, FILE, "mode=replace", ASYNC)).status == 400
    assert (await send(service, form(part("notes", b"x")), "", ASYNC)).status == 400
    broken = form(part("file", b"<projects"))
    waiting = await send(service, broken, "", "Prefer: respond-async, wait=60")
    assert (waiting.status, "import_id" in waiting.json) == (400, True)
    async with hold_projects(pool, "P-1"):
        number = (await send(service, FILE, "", ASYNC, KEY)).json["import_id"]
        again = await send(service, FILE, "", ASYNC, KEY)
        assert (again.status, again.json["import_id"]) == (409, number)


@pytest.mark.settings(fast_path_bytes=0)
async def test_a_shutdown_waits_for_accepted_imports_and_answers_long_polls(
    settings: Settings, service: Service, dsn: str, pool: Pool
) -> None:
    stack = contextlib.AsyncExitStack()
    other = await stack.enter_async_context(served(settings, dsn))
    path = "/api/v2/clients/1/imports/1?wait=60"
    async with hold_projects(pool, "P-1"), Connection(other) as poll:
        check_accepted(await send(other, FILE, "", ASYNC), 1)
        await poll.send(head(other, method="GET", path=path))
        closing = asyncio.create_task(stack.aclose())
        answer = await poll.answer()
        assert answer.json["details"]["state"] == "running"
        assert answer.headers["connection"] == "close"
        assert int(answer.headers["retry-after"]) > 0
    await closing
    ended = await get(service, path)
    assert ended.json["details"]["state"] == "completed"
    assert "retry-after" not in ended.headers


async def test_an_accepted_import_that_a_shutdown_interrupts_continues_with_its_key(
    settings: Settings, service: Service, dsn: str, pool: Pool
) -> None:
    hurried = settings.model_copy(update={"drain_timeout": 0, "fast_path_bytes": 0})
    async with hold_projects(pool, "P-1"):
        async with served(hurried, dsn) as other:
            check_accepted(await send(other, FILE, "", ASYNC, KEY), 1)
        answer = await get(service, "/api/v2/clients/1/imports/1?wait=60")
        assert answer.json["details"]["state"] == "interrupted"
        assert answer.json["details"]["cause"] == "The service is shutting down"
    check_accepted(await send(service, FILE, "", ASYNC, KEY), 1)
    assert await wait_for_end(service) == "completed"
    assert await pool.fetchval("SELECT attempt FROM imports") == 2


async def test_an_upload_that_breaks_off_is_not_accepted(service: Service) -> None:
    async with Connection(service) as connection:
        await connection.send(head(service, WHOLE, ASYNC), FILE[:HALF])
        connection.writer.write_eof()
        assert await connection.ended()
