"""Pruning: deletes expired versions and outcomes, and shared objects that nothing references.

``serve`` prunes in the background; ``bulk-import prune`` prunes once. One process at a time prunes,
in transactions of a bounded number of rows with a pause after each, and always by the primary key.
It keeps the newest versions of each project and all outcomes of running imports. Pruning only tries
the client's lock, so it never waits for an import. An import that begins meanwhile waits for at
most one transaction.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from typing import Final

import structlog

from service.observability import metrics
from service.settings import Settings
from service.storage import Connection, Pool, watchdog
from service.storage.advisory_locks import try_client_lock, try_prune_lock
from service.storage.db_errors import sqlstate
from service.storage.queries import Queries
from service.tables import Table

_SQL = Queries("prune")
_log = structlog.get_logger()

ROWS_AT_A_TIME: Final = 5000
"""Rows that a transaction deletes at most, beside the rows of ``VERSIONS_AT_A_TIME`` versions."""

VERSIONS_AT_A_TIME: Final = 500
_PROJECTS_AT_A_TIME: Final = 1000
_UNUSED_AT_A_TIME: Final = 100_000
_PAUSE: Final = 0.05


@dataclass(slots=True)
class PruneResult:
    """What a round deleted, in rows."""

    versions: int = 0
    outcomes: int = 0
    shared_objects: int = 0

    def __str__(self) -> str:
        return ", ".join(
            f"{number:,} {what.replace('_', ' ')}" for what, number in asdict(self).items()
        )


class PruneBusy(Exception):
    """Another process prunes; ``result`` is what this process had deleted by then."""

    def __init__(self, result: PruneResult) -> None:
        super().__init__(result)
        self.result = result


class _Locked(Exception):
    pass


async def prune_periodically(pool: Pool, settings: Settings) -> None:
    """Prune at intervals until cancelled; log a round that fails."""
    while True:
        await asyncio.sleep(settings.prune_every)
        try:
            result = await prune(pool, settings)
        except PruneBusy as busy:
            result = busy.result
        except Exception as exc:
            metrics.count_error(sqlstate(exc))
            _log.warning("pruning failed", fault=repr(exc))
            continue
        if result != PruneResult():
            _log.info("pruned", **asdict(result))


async def prune(pool: Pool, settings: Settings) -> PruneResult:
    """Prune the rows of all clients; a failure for one client does not stop the others.

    Raises:
        PruneBusy: another process prunes.
        Exception: the last failure, after all clients.
    """
    async with watchdog.acquire(pool) as conn:
        clients = [row["client_id"] for row in await conn.fetch(_SQL.list_clients)]
    result = PruneResult()
    failed: Exception | None = None
    for client_id in clients:
        try:
            await _prune_client(pool, client_id, settings, result)
        except _Locked:
            raise PruneBusy(result) from None
        except Exception as exc:
            _log.warning("pruning failed", client_id=client_id, fault=repr(exc))
            failed = exc
    if failed is not None:
        raise failed
    return result


async def _prune_client(
    pool: Pool, client_id: int, settings: Settings, result: PruneResult
) -> None:
    await _prune_versions(pool, client_id, settings, result)
    await _prune_records(pool, client_id)
    await _prune_outcomes(pool, client_id, settings, result)
    await _prune_shared(pool, client_id, result)


@asynccontextmanager
async def _transaction(pool: Pool) -> AsyncIterator[Connection]:
    """A transaction in which no other process prunes.

    Raises:
        _Locked: another process does.
    """
    async with watchdog.acquire(pool) as conn, conn.transaction(isolation="read_committed"):
        if not await try_prune_lock(conn):
            raise _Locked
        yield conn


async def _prune_versions(
    pool: Pool, client_id: int, settings: Settings, result: PruneResult
) -> None:
    """Delete old versions, in ranges of projects; ``_prune_records`` deletes their records."""
    after = -1
    while True:
        async with _transaction(pool) as conn:
            last = await conn.fetchval(_SQL.find_range_end, client_id, after, _PROJECTS_AT_A_TIME)
            if last is None:
                return
            keep = (settings.keep_versions, settings.keep_superseded, VERSIONS_AT_A_TIME)
            old = await conn.fetch(_SQL.list_superseded, client_id, after, last, *keep)
            if old:
                projects, versions = zip(*old, strict=True)
                await conn.execute(_SQL.delete_versions, client_id, projects, versions)
        result.versions += len(old)
        after = last if len(old) < VERSIONS_AT_A_TIME else old[-1]["project_id"] - 1
        if old:
            await asyncio.sleep(_PAUSE)


async def _prune_records(pool: Pool, client_id: int) -> None:
    """Delete the records of deleted versions, also of those that an earlier round left."""
    while True:
        async with _transaction(pool) as conn:
            old = await conn.fetch(_SQL.list_pruned, client_id, VERSIONS_AT_A_TIME)
            if not old:
                return
            key = (client_id, *zip(*old, strict=True))
            left = ROWS_AT_A_TIME
            for table in Table:
                if not left:
                    break
                query = _SQL.delete_records.format(table=table.value)
                left -= _affected(await conn.execute(query, *key, left))
            if left:
                await conn.execute(_SQL.delete_pruned, *key)
        await asyncio.sleep(_PAUSE)


async def _prune_outcomes(
    pool: Pool, client_id: int, settings: Settings, result: PruneResult
) -> None:
    # An upload that found a key just before it expired may take this long to arrive.
    keys = settings.keep_keys_hours * 3600 + settings.upload_timeout
    keep = (settings.keep_results_days, keys, ROWS_AT_A_TIME)
    while True:
        async with _transaction(pool) as conn:
            deleted = _affected(await conn.execute(_SQL.delete_results, client_id, *keep))
        result.outcomes += deleted
        if deleted < ROWS_AT_A_TIME:
            return
        await asyncio.sleep(_PAUSE)


async def _prune_shared(pool: Pool, client_id: int, result: PruneResult) -> None:
    """Delete shared objects without references, unless an import of the client runs or begins."""
    async with watchdog.acquire(pool) as conn:
        unused = await conn.fetch(_SQL.list_unused, client_id, _UNUSED_AT_A_TIME)
    for first in range(0, len(unused), ROWS_AT_A_TIME):
        hashes = [row["hash"] for row in unused[first : first + ROWS_AT_A_TIME]]
        key = (client_id, unused[first]["total_versions"], hashes)
        async with _transaction(pool) as conn:
            if not await try_client_lock(conn, client_id):
                return
            deleted = _affected(await conn.execute(_SQL.delete_shared, *key))
        result.shared_objects += deleted
        if not deleted:
            return
        await asyncio.sleep(_PAUSE)


def _affected(command_tag: str) -> int:
    return int(command_tag.rpartition(" ")[2])
