"""Floods of requests without a valid token delay no upload, and cost at most one connection."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator

import asyncpg
import pytest

from service.http import answer_pace, shared_result
from service.storage import Pool
from tests.support.raw_http import Connection, get, head, upload
from tests.support.running_imports import FILE
from tests.support.service import Service

FLOOD = 300
PROJECTS = "/api/v2/clients/1/projects"
LONG = 60.0
"""Seconds that no test takes."""
CHECKS = """
    SELECT count(*) FROM pg_locks
    WHERE NOT granted AND relation = 'schema_migrations'::regclass
"""


@pytest.fixture
async def locked(pool: Pool) -> AsyncIterator[asyncpg.transaction.Transaction]:
    """A transaction that lets each check of the database wait until it ends."""
    async with pool.acquire() as conn:
        transaction = conn.transaction()
        await transaction.start()
        await conn.execute("LOCK TABLE schema_migrations")
        yield transaction


async def request_statuses(service: Service, number: int) -> Counter[int]:
    answers = await asyncio.gather(*(get(service, "/readyz", token=None) for _ in range(number)))
    return Counter(answer.status for answer in answers)


async def test_a_flood_of_readiness_probes_shares_one_check_and_delays_no_upload(
    service: Service, pool: Pool, locked: asyncpg.transaction.Transaction
) -> None:
    flood = asyncio.create_task(request_statuses(service, FLOOD))
    async with asyncio.timeout(10):
        while not await pool.fetchval(CHECKS):
            pass
    async with asyncio.timeout(1.5):  # less than the time-out of a check
        assert (await upload(service, FILE)).status == 207
    assert await pool.fetchval(CHECKS) == 1
    await locked.rollback()
    assert await flood == {200: FLOOD}


@pytest.mark.parametrize("ready", [True, False])
async def test_the_result_of_a_check_is_kept(
    service: Service, pool: Pool, monkeypatch: pytest.MonkeyPatch, *, ready: bool
) -> None:
    monkeypatch.setattr(shared_result, "KEPT", LONG)
    if not ready:
        await pool.execute("DELETE FROM schema_migrations")
    before = await get(service, "/readyz", token=None)
    assert before.status == (200 if ready else 503)
    async with pool.acquire() as conn, conn.transaction():
        await conn.execute("LOCK TABLE schema_migrations")
        assert (await get(service, "/readyz", token=None)).json == before.json


async def test_rendered_metrics_are_kept(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_result, "KEPT", LONG)
    first = await get(service, "/metrics", token=None)
    assert (await get(service, "/metrics", token=None)).body == first.body


async def test_only_answers_without_a_valid_token_wait_for_each_other(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answer_pace, "GAP", 0.2)
    loop = asyncio.get_running_loop()
    began = loop.time()
    answers = await asyncio.gather(
        get(service, "/healthz", token=None),
        get(service, PROJECTS, token="x.y.z"),
        get(service, "/nowhere"),
        get(service, "/" + "a/" * 3900),
        get(service, "/healthz", version="9.9"),
    )
    assert [answer.status for answer in answers] == [200, 401, 404, 404, 400]
    assert answers[3].headers["connection"] == "close"  # refused before the router reads it
    assert loop.time() - began >= 0.2 * (len(answers) - 1) - 0.05
    monkeypatch.setattr(answer_pace, "GAP", 10)
    async with asyncio.timeout(10):
        for _ in range(3):
            assert (await get(service, PROJECTS)).status == 200


async def test_answers_to_closed_connections_take_no_turn(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answer_pace, "GAP", 0.5)
    for _ in range(40):
        async with Connection(service) as connection:
            await connection.send(head(service, method="GET", path="/healthz", token=None))
    async with asyncio.timeout(10):
        assert (await get(service, "/healthz", token=None)).status == 200
