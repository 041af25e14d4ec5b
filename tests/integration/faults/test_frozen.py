"""A frozen process that holds locks blocks its client until its heartbeat expires."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random
from typing import Any, Final

import aiohttp
import pytest

from service.settings import Settings
from service.storage import Pool
from tests.support.databases import ADD_CLIENT
from tests.support.projects import until
from tests.support.service import token
from tests.tools.bench.database import Database
from tests.tools.chaos.files import large
from tests.tools.chaos.replicas import Replica, two_replicas

EXPIRY: Final = 4.0
SOME_SECONDS: Final = 8.0
"""Seconds beyond the expiry in which a busy machine must have served the client again."""

COPYING: Final = "FROM pg_stat_activity WHERE state <> 'idle' AND query LIKE 'COPY \"tasks\"%'"
WAITS_FOR_US: Final = f"SELECT count(*) {COPYING} AND wait_event_type = 'Lock'"
WAITS_FOR_BYTES: Final = f"SELECT count(*) {COPYING} AND wait_event = 'ClientRead'"
"""Within the COPY, or after it, if the buffers of TCP held all of its bytes."""


@pytest.fixture
async def replicas(
    dsn: str, pool: Pool, settings: Settings, tmp_path: Path
) -> AsyncIterator[list[Replica]]:
    """Two replicas, with client 1."""
    await pool.execute(ADD_CLIENT)
    async with two_replicas(
        Database(dsn),
        tmp_path,
        statement_cache_size=settings.statement_cache_size,
        heartbeat_expiry=EXPIRY,
        lock_timeout=3,
    ) as both:
        yield both


async def send(replica: Replica, content: bytes, query: str = "") -> dict[str, Any]:
    form = aiohttp.FormData()
    form.add_field("file", content, filename="plans.xml", content_type="application/xml")
    url = f"{replica.base}/api/v2/clients/1/projects/bulk{query}"
    headers = {"Authorization": f"Bearer {token()}"}
    async with (
        aiohttp.ClientSession() as http,
        http.post(url, data=form, headers=headers) as answer,
    ):
        body: dict[str, Any] = await answer.json()
        return body


@pytest.mark.parametrize("query", ["", "?atomic=true"])
async def test_a_frozen_process_blocks_its_client_until_its_heartbeat_expires(
    replicas: list[Replica], pool: Pool, query: str
) -> None:
    frozen, other = replicas
    file = large(Random(1))
    async with pool.acquire() as conn, conn.transaction():
        await conn.execute("LOCK TABLE tasks")
        sending = asyncio.create_task(send(frozen, file.content, query))
        copying = asyncio.create_task(until(pool, WAITS_FOR_US))
        await asyncio.wait([sending, copying], return_when=asyncio.FIRST_COMPLETED)
        assert not sending.done(), sending.result()
        frozen.stop()
    since = time.monotonic()
    await until(pool, WAITS_FOR_BYTES)
    body = await send(other, file.content)
    blocked = time.monotonic() - since
    sending.cancel()

    assert body["counts"] == {"created": 3, "updated": 0, "unchanged": 0, "failed": 0}, body
    assert blocked < EXPIRY + SOME_SECONDS
    states = await pool.fetch("SELECT state FROM imports ORDER BY import_id")
    assert [row["state"] for row in states] == ["interrupted", "completed"]
