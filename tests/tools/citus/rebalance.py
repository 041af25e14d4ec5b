"""Add workers to a cluster and remove one while many clients import.

A client repeats an upload until it is complete, as ``bulk-import upload`` does. Prints what the
imports saw of each step. The exit code is 1 if a project is missing, stored twice, or without its
tasks.
"""

import asyncio
import contextlib
import re
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Final

import aiohttp

from tests.tools.bench import native
from tests.tools.bench.database import Database
from tests.tools.bench.process import Server, serving, sign
from tests.tools.bench.upload import Failed, upload
from tests.tools.citus.nodes import Nodes, port_of, running

_CLIENTS: Final = range(1, 9)
_SHARDS: Final = 8
_PROJECTS: Final = 25
"""In each upload."""
_QUIET_SECONDS: Final = 5.0
_PAUSE: Final = 0.5
"""Seconds before an upload is repeated."""
_ADD: Final = "SELECT citus_add_node('127.0.0.1', {port})"
_START: Final = "SELECT citus_rebalance_start(shard_transfer_mode := '{mode}')"
_STATUS: Final = """
SELECT state || coalesce(' ' || (details->'task_state_counts')::text, '')
  FROM citus_rebalance_status() ORDER BY job_id DESC LIMIT 1
"""
_DRAIN: Final = "SELECT citus_drain_node('127.0.0.1', {port}, '{mode}')"
_REMOVE: Final = "SELECT citus_remove_node('127.0.0.1', {port})"
_PLACES: Final = """
SELECT n.nodeport, count(s.shardid) AS shards
  FROM pg_dist_node n
  LEFT JOIN pg_dist_placement p USING (groupid)
  LEFT JOIN pg_dist_shard s ON s.shardid = p.shardid AND s.logicalrelid = 'clients'::regclass
 WHERE n.groupid <> 0
 GROUP BY n.nodeport
"""
_AUDIT: Final = f"""
SELECT count(*), count(DISTINCT external_id), count(*) FILTER (WHERE version <> 1),
       count(*) FILTER (WHERE (SELECT count(*)
                                 FROM tasks t
                                WHERE t.client_id = $1 AND t.project_id = p.project_id
                                  AND t.version = p.version) <> {native.TASKS})
  FROM projects p
 WHERE client_id = $1
"""
_COUNTED: Final = re.compile(
    r'^bulk_import_database_(?:(retries)_total|errors_total\{class="(\w+)"\}) ([\d.e+]+)', re.M
)


@dataclass
class Seen:
    """What uploads saw during a step.

    Attributes:
        answers: by status.
        seconds: of each upload, with its repetitions.
    """

    answers: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)


@dataclass
class Clients:
    """Clients that import until they are stopped.

    Attributes:
        server: takes their uploads.
        reported: projects of complete uploads, by client.
        seen: of the current step.
    """

    server: Server
    reported: Counter[int] = field(default_factory=Counter)
    seen: Seen = field(default_factory=Seen)
    _ended: bool = False

    @contextlib.asynccontextmanager
    async def importing(self) -> AsyncIterator[None]:
        """Import new projects of all clients; at the end of the block, complete the last files."""
        async with asyncio.TaskGroup() as group:
            for client in _CLIENTS:
                group.create_task(self._import(client))
            yield
            self._ended = True

    @contextlib.asynccontextmanager
    async def step(self, what: str) -> AsyncIterator[None]:
        """Print what the uploads saw that ended within the block."""
        self.seen, before = Seen(), await self._counted()
        begun = time.perf_counter()
        yield
        seconds, seen = time.perf_counter() - begun, self.seen
        answers = ", ".join(f"{status}: {n}" for status, n in sorted(seen.answers.items()))
        counted = await self._counted() - before
        retries = counted.pop("retries", 0)
        errors = ", ".join(f"{state}: {n}" for state, n in sorted(counted.items()))
        print(
            f"{what}: {seconds:.1f} s; answers: {answers or 'none'}; the longest upload took"
            f" {max(seen.seconds, default=0):.1f} s; {retries} retries, errors by class of"
            f" SQLSTATE: {errors or 'none'}",
            flush=True,
        )

    async def _import(self, client: int) -> None:
        while not self._ended:
            content = native.content(self.reported[client], _PROJECTS)
            begun = time.perf_counter()
            while not await self._upload(client, content):  # noqa: ASYNC110
                await asyncio.sleep(_PAUSE)
            self.seen.seconds.append(time.perf_counter() - begun)
            self.reported[client] += _PROJECTS

    async def _upload(self, client: int, content: bytes) -> bool:
        """Upload a file; whether all of its projects were reported as stored."""
        try:
            answer = await upload(self.server.bulk(client), self.server.token, content)
        except Failed:
            self.seen.answers["207 without its end"] += 1
            return False
        counts = answer.counts
        complete = counts.get("created", 0) + counts.get("unchanged", 0) == _PROJECTS
        incomplete = answer.status == 207 and not complete
        self.seen.answers[f"{answer.status}{f' {counts}' if incomplete else ''}"] += 1
        return answer.status == 207 and complete

    async def _counted(self) -> Counter[str]:
        """Retries of the service so far, and errors of the database by class."""
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"{self.server.base}/metrics") as answer,
        ):
            found = _COUNTED.findall(await answer.text())
        return Counter({name or state: round(float(value)) for name, state, value in found})


async def main() -> int:
    """Add two workers, remove one, and return the exit code."""
    async with running(2, shards=_SHARDS, spare=2) as nodes:
        token = await sign(nodes.coordinator)
        async with serving(nodes.coordinator, token) as server:
            clients = Clients(server)
            async with clients.importing():
                await _play(nodes, clients)
        return 0 if await _audit(nodes.coordinator, clients.reported) else 1


async def _play(nodes: Nodes, clients: Clients) -> None:
    coordinator = nodes.coordinator
    async with clients.step("before"):
        await asyncio.sleep(_QUIET_SECONDS)
    for node, mode in zip(nodes.spare, ("force_logical", "block_writes"), strict=True):
        async with clients.step("add a node"):
            await coordinator.execute(_ADD.format(port=port_of(node)))
        async with clients.step(f"rebalance, {mode}"):
            await _rebalance(coordinator, mode)
        await _print_places(coordinator)
    port = port_of(nodes.workers[0])
    async with clients.step("drain a node, force_logical"):
        await coordinator.execute(_DRAIN.format(port=port, mode="force_logical"))
    async with clients.step("remove it"):
        await coordinator.execute(_REMOVE.format(port=port))
    await _print_places(coordinator)
    async with clients.step("after"):
        await asyncio.sleep(_QUIET_SECONDS)


async def _rebalance(coordinator: Database, mode: str) -> None:
    await coordinator.execute(_START.format(mode=mode))
    while not (status := await coordinator.value(_STATUS)).startswith("finished"):
        if status.startswith(("failed", "cancelled")):
            raise RuntimeError(f"rebalancing: {status}")
        await asyncio.sleep(1)
    print(f"citus_rebalance_status: {status}")


async def _print_places(coordinator: Database) -> None:
    async with coordinator.connected() as connection:
        rows = await connection.fetch(_PLACES)
    print(f"shards of a table by worker: {' '.join(str(row['shards']) for row in rows)}")


async def _audit(coordinator: Database, reported: Counter[int]) -> bool:
    """Print whether each reported project is stored once with its tasks, and return it."""
    faults = {}
    async with coordinator.connected() as connection:
        for client, number in reported.items():
            found = tuple(await connection.fetchrow(_AUDIT, client) or ())
            if found != (number, number, 0, 0):
                faults[client] = f"{found} of {number}"
    print(
        f"reported {sum(reported.values()):,} projects of {len(reported)} clients; missing, stored"
        f" twice or without their tasks: {faults or 'none'}"
    )
    return not faults
