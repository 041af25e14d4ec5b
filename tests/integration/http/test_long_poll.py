"""``GET …/imports/{import_id}?wait=``: the answer comes once the import has ended."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Collection
from typing import Any

import pytest

from service.imports import end_watch, history
from service.observability import metrics
from service.settings import Settings
from service.storage import Connection as Database
from service.storage import Pool
from tests.support.answer import Answer
from tests.support.faults.proxy import proxied
from tests.support.projects import until
from tests.support.raw_http import Connection, get, head
from tests.support.running_imports import FILE, HALF, WHOLE, wait_for_begin
from tests.support.service import Service, served, token

PATH = "/api/v2/clients/1/imports/1"


@contextlib.asynccontextmanager
async def half_uploaded(service: Service) -> AsyncIterator[Connection]:
    """Begin import 1, which waits for ``FILE[HALF:]``."""
    async with Connection(service) as connection:
        await connection.send(head(service, WHOLE), FILE[:HALF])
        await wait_for_begin(service)
        yield connection


def poll(service: Service, seconds: int = 60) -> asyncio.Task[Answer]:
    return asyncio.create_task(get(service, f"{PATH}?wait={seconds}"))


def state(answer: Answer) -> Any:
    return answer.json["details"]["state"]


async def test_a_poll_ends_with_the_import_in_whichever_process_it_runs(
    settings: Settings, service: Service, dsn: str
) -> None:
    async with served(settings, dsn) as other, half_uploaded(service) as upload:
        waiting = [poll(service), poll(other), poll(other)]
        over = await get(other, f"{PATH}?wait=1")
        assert (state(over), "retry-after" in over.headers) == ("running", False)
        assert state(await get(other, f"{PATH}?wait=0")) == "running"
        assert not any(each.done() for each in waiting)
        await upload.send(FILE[HALF:])
        async with asyncio.timeout(20):
            assert [state(each) for each in await asyncio.gather(*waiting)] == ["completed"] * 3
            assert state(await poll(service)) == "completed"


@pytest.mark.settings(max_connections=32, pool_size=4)
async def test_waiting_requests_are_bounded_and_share_their_statements(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    async def count(conn: Database, client_id: int, imports: Collection[int]) -> set[int]:
        asked.append(len(imports))
        return await history.list_ended(conn, client_id, imports)

    monkeypatch.setattr(end_watch, "list_ended", count)
    monkeypatch.setattr(end_watch, "INTERVAL", 0.05)
    loop = asyncio.get_running_loop()
    async with half_uploaded(service) as upload, asyncio.timeout(20):
        began = loop.time()
        # One client may have two of 32 connections wait.
        ended, waiting = await asyncio.wait(
            [poll(service) for _ in range(3)], return_when=asyncio.FIRST_COMPLETED
        )
        (refused,) = [each.result() for each in ended]
        assert (state(refused), int(refused.headers["retry-after"]) > 0) == ("running", True)
        assert "connection" not in refused.headers
        waiting.pop().cancel()  # closes its connection, which frees the place
        while "retry-after" in (await get(service, f"{PATH}?wait=1")).headers:
            pass
        await upload.send(FILE[HALF:])
        assert state(await waiting.pop()) == "completed"
    assert set(asked) == {1}
    assert len(asked) <= (loop.time() - began) / end_watch.INTERVAL


async def test_an_import_is_listed_as_ended_once_its_outcomes_are_counted(
    service: Service, pool: Pool
) -> None:
    async with half_uploaded(service):
        pass
    ids = {1, 99}
    await until(pool, "SELECT count(*) FROM imports WHERE counts IS NOT NULL")
    async with pool.acquire() as conn:
        assert await history.list_ended(conn, 1, ids) == ids
        await conn.execute("UPDATE imports SET counts = NULL")
        assert await history.list_ended(conn, 1, ids) == {99}


async def test_a_poll_outlasts_an_outage_of_the_database(
    settings: Settings, service: Service, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(end_watch, "INTERVAL", 0.02)
    hasty = settings.model_copy(update={"connect_timeout": 0.2})
    async with (
        proxied(dsn) as proxy,
        served(hasty, proxy.dsn) as other,
        half_uploaded(service) as upload,
    ):
        waiting = poll(other)
        assert state(await get(other, f"{PATH}?wait=1")) == "running"
        await proxy.go_away()
        for _ in range(2):
            assert (await get(other, PATH)).status == 503
        await proxy.listen()
        await upload.send(FILE[HALF:])
        async with asyncio.timeout(20):
            assert state(await waiting) == "completed"


async def test_a_silent_node_of_one_client_delays_no_poll_of_another(
    service: Service, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = asyncio.Event()

    async def hang(conn: Database, client_id: int, imports: Collection[int]) -> set[int]:
        if client_id == 2:
            asked.set()
            await conn.execute("SELECT pg_sleep(60)")
        return await history.list_ended(conn, client_id, imports)

    monkeypatch.setattr(end_watch, "list_ended", hang)
    await pool.execute("INSERT INTO clients (client_id, name) VALUES (2, 'Two')")
    both, before = token(clients=[1, 2]), count_given_up()
    async with half_uploaded(service) as upload, Connection(service) as second:
        path = "/api/v2/clients/2/projects/bulk"
        await second.send(head(service, WHOLE, path=path, token=both), FILE[:HALF])
        await until(pool, "SELECT count(*) = 2 FROM imports")
        path = "/api/v2/clients/2/imports/2?wait=60"
        silent = asyncio.create_task(get(service, path, token=both))
        async with asyncio.timeout(15):
            await asked.wait()
            waiting = poll(service)
            await upload.send(FILE[HALF:])
            assert state(await waiting) == "completed"
        silent.cancel()
    assert count_given_up() == before


def count_given_up() -> float:
    """Return how many operations have failed after their last retry."""
    (family,) = metrics.DATABASE_GIVEN_UP.collect()
    return sum(each.value for each in family.samples if each.name.endswith("_total"))


async def test_invalid_waits_are_refused_and_authorisation_is_as_without(service: Service) -> None:
    for wait in ("-1", "61", "1.5", "", "x", "%D9%A3", "1&wait=1", "1&until=ended"):
        assert (await get(service, f"{PATH}?wait={wait}")).status == 400, wait
    assert (await get(service, f"{PATH}?wait=60")).status == 404
    async with half_uploaded(service):
        path = f"{PATH}?wait=60"
        for other, status in ((None, 401), (token(clients=[2]), 403), (token(scope="x"), 403)):
            assert (await get(service, path, token=other)).status == status
