"""The clocks of the nodes of a Citus cluster differ."""

import asyncio
import contextlib
import re
from collections.abc import Iterator
from typing import Any

import aiohttp
import asyncpg
import pytest

from service.settings import Settings
from tests.support.client import Client
from tests.support.databases import ADD_CLIENT, execute
from tests.support.every_query import VALUES, queries, value
from tests.support.faults.citus_ways import BOUNDARY, in_halves
from tests.support.faults.cluster import Cluster, cluster
from tests.support.faults.project_files import QUICK, content_of
from tests.support.service import served
from tests.tools.bench.year import FAKETIME

pytestmark = [
    pytest.mark.citus,
    pytest.mark.skipif(not FAKETIME.exists(), reason="libfaketime is not installed"),
]
SKEW = 30
"""Ten times the expiry of heartbeats."""
CLOCK = "clock"
"""In the data of each server, its difference to the true time."""
VARIABLES = (
    f"LD_PRELOAD={FAKETIME}",
    f"FAKETIME_TIMESTAMP_FILE={CLOCK}",
    "FAKETIME_NO_CACHE=1",
    "FAKETIME_DONT_FAKE_MONOTONIC=1",
)
OF_THE_NODE = {
    "imports.list_silent_clients",
    "imports.list_dead",
    "imports.check_dead",
    "locks.read_lock",
    "projects.list",
    "projects.project_as_json",
    "prune.list_clients",
    "prune.list_results",
    "prune.find_imports_end",
    "undo.read_current",
    "writer.read_current",
}
"""Queries that compare with the clock of the client's node; see docs/operate/citus/set-up.md."""
TIMED = re.compile(r"\b(now|\w+_timestamp)\(\)|INSERT")
"""In queries that read a clock, or that can have a default which does."""
BEATEN = f"""
SELECT count(*) FROM import_progress JOIN imports USING (client_id, import_id)
 WHERE state = 'running' AND beat_at > started_at + interval '{QUICK["heartbeat_expiry"]} seconds'
"""
OUTSIDE = """
SELECT count(*) FROM project_versions
 WHERE client_id = 1 AND version > $1
   AND (created_at NOT BETWEEN $2 AND $3 OR archived_at NOT BETWEEN $2 AND $3)
"""


@pytest.fixture
def nodes(postgres: str) -> Iterator[Cluster]:
    options: dict[str, Any] = {"log_statement": "all"}
    with cluster(postgres, variables=VARIABLES, **options) as coordinator:
        set_clocks(coordinator, 0)
        yield coordinator


def set_clocks(coordinator: Cluster, seconds: int) -> None:
    """Set the clocks of the workers off."""
    for worker in coordinator.workers:
        new = worker.data / f"{CLOCK}.new"
        new.write_text(f"{seconds:+d}\n")
        new.chmod(0o644)
        new.replace(worker.data / CLOCK)


async def test_imports_versions_keys_and_locks_endure_nodes_with_other_clocks(
    http: aiohttp.ClientSession, quick: Settings, nodes: Cluster
) -> None:
    dsn = nodes.dsn()
    await execute(dsn, ADD_CLIENT)
    connection = await asyncpg.connect(dsn)
    async with served(quick, dsn) as service:
        client = Client(http, service)
        [item] = await client.land(content_of(1))
        path, version = f"projects/{item['project_id']}", 1
        for seconds in (SKEW, -SKEW):
            set_clocks(nodes, seconds)
            before = await connection.fetchval("SELECT clock_timestamp()")
            resumed = asyncio.Event()
            content = content_of(100, f"{seconds}-")
            body = in_halves(content, resumed)
            headers = service.headers() | BOUNDARY | {"Idempotency-Key": f"key{seconds}"}
            sending = asyncio.create_task(http.post(service.bulk, data=body, headers=headers))

            assert (await client.ask(path, "DELETE")).status == 200
            assert (await client.ask(f"{path}/restore", "POST")).status == 200
            changed = content_of(1).replace(b"Task 0", b"Task %d" % seconds)
            assert [one["outcome"] for one in await client.land(changed)] == ["updated"]

            lock = {"ttl_seconds": 2 * SKEW}
            taken = await client.ask(f"{path}/lock", "PUT", json=lock, sub="ann")
            assert taken.status == 201
            refused = await client.post(content_of(1))
            assert refused.json["counts"]["failed"] == 1
            await client.ask(f"{path}/lock", "DELETE", sub="ann")

            while not await connection.fetchval(BEATEN):
                assert not sending.done()
                await asyncio.sleep(0.1)
            resumed.set()
            again = asyncio.Event()
            again.set()
            async with await sending as answer:
                first = await answer.json()
                assert (answer.status, first["counts"]["created"]) == (207, 100), first
            body = in_halves(content, again)
            async with http.post(service.bulk, data=body, headers=headers) as answer:
                assert (await answer.json())["import_id"] == first["import_id"]
            after = await connection.fetchval("SELECT clock_timestamp()")
            assert await connection.fetchval(OUTSIDE, version, before, after) == 0
            version += 3
    await connection.close()


async def test_few_queries_read_the_clock_of_a_node(nodes: Cluster) -> None:
    """Citus replaces the functions of statements that write, but not those of others."""
    logs = [worker.folder / "server.log" for worker in nodes.workers]
    connection = await asyncpg.connect(nodes.dsn())
    found = set()
    for name, query in queries():
        if name.startswith("fast_path.") or not TIMED.search(query):
            continue  # the fast path is not used on Citus
        types = (await connection.prepare(query)).get_parameters()
        args = [
            [VALUES[type.name[:-2]]] if type.kind == "array" else value(type.name, place)
            for place, type in enumerate(types)
        ]
        sizes = [log.stat().st_size for log in logs]
        # The nodes refuse some of the values.
        with contextlib.suppress(asyncpg.DataError, asyncpg.IntegrityConstraintViolationError):
            async with connection.transaction():
                await connection.fetch(query, *args)
        received = b"".join(log.read_bytes()[size:] for log, size in zip(logs, sizes, strict=True))
        if re.search(rb"\b(now|\w+_timestamp)\(\)", received):
            found.add(name)
    await connection.close()
    assert found == OF_THE_NODE
