"""Give a large client a separate shard and node while it and others import.

Prints what the imports saw, and compares every row of the client before and after the move. The
exit code is 1 if a reported project is missing, or if a row differs.
"""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from tests.support.databases import CLIENT_TABLES
from tests.tools.bench import native
from tests.tools.bench.database import Database
from tests.tools.bench.process import Server, serving, sign
from tests.tools.bench.upload import Failed, upload
from tests.tools.citus.nodes import Nodes, running

_LARGE: Final = 7
_OTHERS: Final = (1, 2, 3)
_SHARDS: Final = 4
_FIRST_PROJECTS: Final = 1000
_PROJECTS: Final = 100
"""In each upload during a change."""
_ISOLATE: Final = f"""
SELECT isolate_tenant_to_new_shard(
           'clients', {_LARGE}, 'CASCADE', shard_transfer_mode := 'block_writes')
"""
_MOVE: Final = """
SELECT citus_move_shard_placement(
           {shard}, '127.0.0.1', {source}, '127.0.0.1', {port}, 'force_logical')
"""

_ON_NODE: Final = """
SELECT count(*) FROM pg_dist_shard_placement p JOIN pg_dist_shard s USING (shardid)
 WHERE p.nodeport = {port} AND s.logicalrelid = 'clients'::regclass
"""
_ROWS: Final = """
SELECT count(*) || ' rows, ' || coalesce(sum(hashtextextended(t::text, 0)), 0)
  FROM {table} t WHERE client_id = {client}
"""


@dataclass
class Imports:
    """Imports that ran during a change.

    Attributes:
        created: projects that were reported as created, by client.
        seconds: of each upload.
        failures: other answers, by their text.
    """

    created: Counter[int] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    failures: Counter[str] = field(default_factory=Counter)


async def main() -> int:
    """Isolate the client, move it, and return the exit code."""
    async with running(2, shards=_SHARDS) as nodes:
        token = await sign(nodes.coordinator)
        async with serving(nodes.coordinator, token) as server:
            return await _play(nodes, server)


async def _play(nodes: Nodes, server: Server) -> int:
    coordinator = nodes.coordinator
    content = native.content(0, _FIRST_PROJECTS)
    (await upload(server.bulk(_LARGE), server.token, content)).expect(created=_FIRST_PROJECTS)
    created: Counter[int] = Counter({_LARGE: _FIRST_PROJECTS})
    async with _importing(server, (_LARGE, *_OTHERS), "isolate", created):
        shard = await coordinator.value(_ISOLATE)
    source = await coordinator.value(
        f"SELECT nodeport FROM pg_dist_shard_placement WHERE shardid = {shard}"
    )
    ports = [urlsplit(worker.dsn).port for worker in nodes.workers]
    port = next(each for each in ports if each != source)
    before = await _fingerprint(coordinator)
    async with _importing(server, _OTHERS, "move", created):
        await coordinator.execute(_MOVE.format(shard=shard, source=source, port=port))
    same = await _fingerprint(coordinator) == before
    async with _importing(server, (_LARGE, *_OTHERS), "after the move", created):
        await asyncio.sleep(1)
    missing = {
        client: (number, stored)
        for client, number in created.items()
        if (stored := await _stored(coordinator, client)) < number
    }
    print(f"rows of the client before and after the move: {'equal' if same else 'DIFFERENT'}")
    shards = await coordinator.value(_ON_NODE.format(port=port))
    print(f"shards of a table on its node, those of others among them: {shards}")
    print(f"reported {sum(created.values()):,} projects; missing: {missing or 'none'}")
    return 0 if same and not missing else 1


@contextlib.asynccontextmanager
async def _importing(
    server: Server, clients: tuple[int, ...], what: str, created: Counter[int]
) -> AsyncIterator[None]:
    """Import new projects of clients until the block ends, and print what they saw."""
    seen, ended = Imports(), asyncio.Event()
    tasks = [asyncio.create_task(_import(server, each, created, seen, ended)) for each in clients]
    begun = time.perf_counter()
    await asyncio.sleep(1)
    try:
        yield
    finally:
        seconds = time.perf_counter() - begun
        ended.set()
        await asyncio.gather(*tasks)
    created.update(seen.created)
    longest = max(seen.seconds)
    print(
        f"{what}: {seconds:.1f} s, {len(seen.seconds)} uploads, the longest took {longest:.1f} s;"
        f" failures: {dict(seen.failures) or 'none'}"
    )


async def _import(
    server: Server, client: int, before: Counter[int], seen: Imports, ended: asyncio.Event
) -> None:
    first = before[client]
    while not ended.is_set():
        begun = time.perf_counter()
        content = native.content(first, _PROJECTS)
        try:
            answer = await upload(server.bulk(client), server.token, content)
            seen.created[client] += answer.counts.get("created", 0)
            if answer.status != 207 or answer.counts.get("failed"):
                seen.failures[f"{answer.status} {answer.counts or answer.head[-300:]!r}"] += 1
        except Failed as failed:
            seen.failures[str(failed)] += 1
        seen.seconds.append(time.perf_counter() - begun)
        first += _PROJECTS


async def _fingerprint(database: Database) -> dict[str, str]:
    """Number and hash of the client's rows, by table."""
    async with database.connected() as connection:
        tables = [row["table_name"] for row in await connection.fetch(CLIENT_TABLES)]
        return {
            table: await connection.fetchval(_ROWS.format(table=table, client=_LARGE))
            for table in tables
        }


async def _stored(database: Database, client: int) -> int:
    number: int = await database.value(f"SELECT count(*) FROM projects WHERE client_id = {client}")
    return number
