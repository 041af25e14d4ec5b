"""What is past its keep goes: old versions, old outcomes, shared objects that nothing names.

In the background of ``serve``, one replica at a time, in small transactions with a pause after
each, always by ranges of the primary key; never a running import's, nor a project's newest version.
"""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from service.db import Connection, Pool, patience
from service.db.queries import Queries
from service.importer.keys import client_key, prune_key
from service.importer.lifecycle import bury_dead
from service.rows import Table
from service.settings import Settings

_SQL = Queries("prune")
_log = structlog.get_logger()

VERSIONS_AT_A_TIME = 50
RESULTS_AT_A_TIME = 5000
PAUSE = 0.05

_Step = Callable[[Connection, int, Settings], Awaitable[int]]


async def keep_pruned(pool: Pool, settings: Settings) -> None:
    """Prune every now and then, until cancelled; a round that fails is logged."""
    while True:
        await asyncio.sleep(settings.prune_every)
        try:
            await prune(pool, settings)
        except Exception as exc:
            _log.warning("pruning failed", fault=repr(exc))


async def prune(pool: Pool, settings: Settings) -> dict[str, int]:
    """One round over all clients.

    Returns:
        How many versions, outcomes and shared objects went.
    """
    async with patience.acquired(pool) as conn:
        clients = [row["client_id"] for row in await conn.fetch(_SQL.clients)]
    gone = dict.fromkeys(("versions", "results", "shared_objects"), 0)
    for client_id in clients:
        async with patience.acquired(pool) as conn:
            await bury_dead(conn, client_id, settings.heartbeat_expiry)
        gone["versions"] += await _until_done(pool, client_id, settings, _prune_versions)
        gone["results"] += await _until_done(pool, client_id, settings, _prune_results)
        gone["shared_objects"] += await _until_done(pool, client_id, settings, _prune_shared)
    if any(gone.values()):
        _log.info("pruned", **gone)
    return gone


async def _until_done(pool: Pool, client_id: int, settings: Settings, step: _Step) -> int:
    total = 0
    while True:
        async with patience.acquired(pool) as conn, conn.transaction(isolation="read_committed"):
            if not await conn.fetchval(_SQL.try_prune, prune_key()):
                return total
            gone = await step(conn, client_id, settings)
        if not gone:
            return total
        total += gone
        await asyncio.sleep(PAUSE)


async def _prune_versions(conn: Connection, client_id: int, settings: Settings) -> int:
    old = await conn.fetch(
        _SQL.superseded,
        client_id,
        settings.keep_versions,
        settings.keep_superseded,
        VERSIONS_AT_A_TIME,
    )
    key = (client_id, [row["project_id"] for row in old], [row["version"] for row in old])
    if old:
        for table in Table:
            await conn.execute(_SQL.delete_children.format(table=table.value), *key)
        await conn.execute(_SQL.delete_versions, *key)
    return len(old)


async def _prune_results(conn: Connection, client_id: int, settings: Settings) -> int:
    first = await conn.fetchrow(_SQL.expired_results, client_id, settings.keep_results_days)
    if first is None:
        return 0
    start = first["index"]
    done = await conn.execute(
        _SQL.delete_results,
        client_id,
        first["import_id"],
        first["attempt"],
        start,
        start + RESULTS_AT_A_TIME,
    )
    return _affected(done)


async def _prune_shared(conn: Connection, client_id: int, _settings: Settings) -> int:
    await conn.execute(_SQL.hold_client, client_key(client_id))
    return _affected(await conn.execute(_SQL.delete_shared, client_id))


def _affected(command_tag: str) -> int:
    return int(command_tag.rpartition(" ")[2])
