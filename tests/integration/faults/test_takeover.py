"""Another replica takes over an import whose owner died or stopped, and the owner loses it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random

import aiohttp
import pytest

from service.settings import Settings
from service.storage import Pool
from tests.support.databases import ADD_CLIENT
from tests.support.faults.saturation import SETTINGS, WRITERS, saturate
from tests.support.faults.truth import assert_outcomes_are_stored, stored_outcomes
from tests.support.projects import until
from tests.support.service import token
from tests.tools.bench.database import Database
from tests.tools.chaos.clients import Client, Site
from tests.tools.chaos.faults import until_idle
from tests.tools.chaos.files import File, large
from tests.tools.chaos.history import History, Wish
from tests.tools.chaos.replicas import Replica, two_replicas

COPYING = "FROM pg_stat_activity WHERE state <> 'idle' AND query LIKE 'COPY \"tasks\"%'"
WAITS_FOR_US = f"SELECT count(*) {COPYING} AND wait_event_type = 'Lock'"
WAITS_FOR_BYTES = f"SELECT count(*) {COPYING} AND wait_event = 'ClientRead'"
"""Within the COPY, or after it, if the buffers of TCP held all of its bytes."""


@pytest.fixture
async def site(dsn: str, pool: Pool, settings: Settings, tmp_path: Path) -> AsyncIterator[Site]:
    """Two replicas that detect each other's dead imports within two seconds, with client 1."""
    await pool.execute(ADD_CLIENT)
    database = Database(dsn)
    cache = settings.statement_cache_size
    async with two_replicas(database, tmp_path, statement_cache_size=cache) as replicas:
        yield Site(replicas)


@pytest.fixture
async def client(site: Site) -> AsyncIterator[Client]:
    async with aiohttp.ClientSession() as http:
        yield Client(site, 1, http, History())


@pytest.fixture
def file() -> File:
    """A file of three projects, each larger than a socket buffer."""
    return large(Random(1))


async def start_upload(
    replica: Replica, client: Client, upload: Wish, pool: Pool
) -> "asyncio.Task[object]":
    """Start an upload whose import waits in a COPY while the caller holds the table lock."""
    sending = asyncio.create_task(client.deliver(upload, replica))
    await until(pool, WAITS_FOR_US)
    return sending


async def test_a_process_stopped_during_a_copy_commits_nothing_after_it_continues(
    site: Site, client: Client, pool: Pool, dsn: str, file: File
) -> None:
    owner = site.replicas[0]
    async with pool.acquire() as conn, conn.transaction():
        await conn.execute("LOCK TABLE tasks")
        sending = await start_upload(
            owner, client, Wish("upload", "one", "sender", file=file, key="k"), pool
        )
        owner.stop()
    await until(pool, WAITS_FOR_BYTES)
    owner.stopped.set()  # the client gives up and retries at the other replica
    await sending
    assert await pool.fetchval("SELECT state || attempt FROM imports") == "completed2"

    owner.wake()
    await until_idle(owner)
    outcomes = await stored_outcomes(dsn)
    assert [(row["attempt"], row["outcome"]) for row in outcomes] == [(2, "created")] * 3
    await assert_outcomes_are_stored(dsn, file.content, outcomes)


async def test_an_import_of_a_killed_process_expires_and_is_resumed_by_another(
    site: Site, client: Client, pool: Pool, dsn: str, file: File
) -> None:
    owner, other = site.replicas
    async with pool.acquire() as conn, conn.transaction():
        await conn.execute("LOCK TABLE tasks")
        sending = await start_upload(
            owner, client, Wish("upload", "one", "sender", file=file, key="k"), pool
        )
        sending.cancel()
        await owner.kill()
    async with aiohttp.ClientSession() as http, asyncio.timeout(20):
        headers = {"Authorization": f"Bearer {token()}"}
        url = f"{other.base}/api/v2/clients/1/imports/1"
        state = "running"
        while state == "running":
            async with http.get(url, headers=headers) as response:
                found = (await response.json())["details"]
                state = found["state"]
    assert state == "interrupted"
    assert found["cause"] == "The process that ran the import ended"

    answer = await client.deliver(Wish("upload", "two", "sender", file=file, key="k"))
    assert (answer.status, answer.body["import_id"]) == (207, 1)
    assert await pool.fetchval("SELECT state || attempt FROM imports") == "completed2"
    await assert_outcomes_are_stored(dsn, file.content, answer.body["details"]["successes"])


async def test_heartbeats_and_an_atomic_import_proceed_beside_eight_writers(
    site: Site, client: Client, dsn: str, tmp_path: Path
) -> None:
    replica = site.replicas[0]
    await replica.kill()
    await replica.start(**SETTINGS)
    seen = await saturate(client, Database(dsn), replica, 3)
    assert seen.writing >= WRITERS
    assert seen.turns
    assert seen.oldest < 5, "an import counts as dead after 15 seconds"
