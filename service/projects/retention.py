"""Pruning: deletes expired versions and outcomes, and shared objects that nothing references.

``serve`` prunes in the background; ``bulk-import prune`` prunes once. A round visits the clients
for which a look-up finds work since the last round, and once a day all clients. One process at a
time prunes, in transactions of a bounded number of rows with a pause after each, and always by the
primary key. It keeps the current version of each project and all outcomes of running imports.
Pruning only tries the client's lock, so it never waits for an import. An import that begins
meanwhile waits for at most one transaction, and so does a request that labels a version.
``kept_versions`` has the rules for versions.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from typing import Final

import asyncpg
import structlog

from service.observability import metrics
from service.projects.kept_versions import find_bounds, find_windows
from service.projects.prune_round import PruneRound, begin_round, end_round
from service.settings import Settings
from service.storage import Connection, Pool, watchdog
from service.storage.advisory_locks import lock_labels, try_client_lock, try_prune_lock
from service.storage.db_errors import sqlstate
from service.storage.queries import Queries
from service.tables import Table

_SQL = Queries("prune")
_log = structlog.get_logger()

ROWS_AT_A_TIME: Final = 5000
"""Rows that a transaction deletes at most, beside the rows of ``VERSIONS_AT_A_TIME`` versions."""

VERSIONS_AT_A_TIME: Final = 500
_PROJECTS_AT_A_TIME: Final = 1000
_CHANGED_AT_MOST: Final = 100_000
"""Changed versions above which a round examines all projects of the client: the ids of the changed
projects are in memory."""
_UNUSED_AT_A_TIME: Final = 100_000
_PAUSE: Final = 0.05


@dataclass(slots=True)
class PruneResult:
    """What a round deleted, in rows."""

    versions: int = 0
    outcomes: int = 0
    shared_objects: int = 0
    imports: int = 0

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
    result = PruneResult()
    failed: Exception | None = None
    try:
        async with _transaction(pool) as conn:
            this, clients = await begin_round(conn, settings)
        for client_id in clients:
            try:
                await _prune_client(pool, client_id, settings, this, result)
            except _Locked:
                raise
            except Exception as exc:
                _log.warning("pruning failed", client_id=client_id, fault=repr(exc))
                failed = exc
        if failed is None:
            async with _transaction(pool) as conn:
                await end_round(conn, settings, this)
    except _Locked:
        raise PruneBusy(result) from None
    if failed is not None:
        raise failed
    return result


async def _prune_client(
    pool: Pool, client_id: int, settings: Settings, this: PruneRound, result: PruneResult
) -> None:
    await _prune_versions(pool, client_id, settings, this, result)
    await _prune_records(pool, client_id)
    await _prune_outcomes(pool, client_id, settings, result)
    if settings.keep_imports_days is not None:
        await _prune_imports(pool, client_id, settings, result)
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
    pool: Pool, client_id: int, settings: Settings, this: PruneRound, result: PruneResult
) -> None:
    """Delete old versions, some projects at a time; ``_prune_records`` deletes their records."""
    bounds = find_bounds(settings, this.now)
    keep = (settings.keep_versions, *bounds, VERSIONS_AT_A_TIME)
    async for projects in _list_projects(pool, client_id, settings, this):
        while True:
            async with _transaction(pool) as conn:
                await lock_labels(conn, client_id)
                old = await conn.fetch(_SQL.list_superseded, client_id, projects, *keep)
                if old:
                    await conn.executemany(_SQL.delete_version, [(client_id, *row) for row in old])
            result.versions += len(old)
            if old:
                await asyncio.sleep(_PAUSE)
            if len(old) < VERSIONS_AT_A_TIME:
                break


async def _list_projects(
    pool: Pool, client_id: int, settings: Settings, this: PruneRound
) -> AsyncIterator[list[int]]:
    """Yield the projects that can have old versions: the changed ones, or all."""
    if this.since is not None:
        windows = find_windows(settings, this.since, this.now)
        async with _transaction(pool) as conn:
            rows = await conn.fetch(_SQL.list_changed, client_id, *windows, _CHANGED_AT_MOST)
        if len(rows) < _CHANGED_AT_MOST:
            ids = sorted({row["project_id"] for row in rows})
            for first in range(0, len(ids), _PROJECTS_AT_A_TIME):
                yield ids[first : first + _PROJECTS_AT_A_TIME]
            return
    after = -1
    while True:
        page = (after, settings.keep_versions, _PROJECTS_AT_A_TIME)
        async with _transaction(pool) as conn:
            rows = await conn.fetch(_SQL.list_projects, client_id, *page)
        if not rows:
            return
        yield [row["project_id"] for row in rows]
        after = rows[-1]["project_id"]


async def _prune_records(pool: Pool, client_id: int) -> None:
    """Delete the records of deleted versions, also of those that an earlier round left."""
    while True:
        async with _transaction(pool) as conn:
            old = await conn.fetch(_SQL.list_pruned, client_id, VERSIONS_AT_A_TIME)
            if not old:
                return
            left = ROWS_AT_A_TIME
            for table in Table:
                left -= await _delete_records(conn, client_id, table, old, left)
                if not left:
                    break
            if left:
                await conn.executemany(_SQL.delete_pruned, [(client_id, *row) for row in old])
        await asyncio.sleep(_PAUSE)


async def _delete_records(
    conn: Connection, client_id: int, table: Table, old: Sequence[asyncpg.Record], limit: int
) -> int:
    """Delete at most ``limit`` records of versions from one table; return how many."""
    listed = _SQL.list_records.format(table=table.value)
    rows = await conn.fetch(listed, client_id, *zip(*old, strict=True), limit)
    keys = [(client_id, row["project_id"], row["version"], row["last"]) for row in rows]
    await conn.executemany(_SQL.delete_records.format(table=table.value), keys)
    return sum(row["number"] for row in rows)


async def _prune_outcomes(
    pool: Pool, client_id: int, settings: Settings, result: PruneResult
) -> None:
    keep = (settings.keep_results_days, _claimed(settings), ROWS_AT_A_TIME)
    while True:
        async with _transaction(pool) as conn:
            rows = await conn.fetch(_SQL.list_results, client_id, *keep)
            last: dict[int, tuple[int, int]] = {}
            for import_id, *place in rows:
                last[import_id] = max(last.get(import_id, (0, -1)), tuple(place))
            keys = [(client_id, import_id, *place) for import_id, place in last.items()]
            await conn.executemany(_SQL.delete_results, keys)
        result.outcomes += len(rows)
        if len(rows) < ROWS_AT_A_TIME:
            return
        await asyncio.sleep(_PAUSE)


async def _prune_imports(
    pool: Pool, client_id: int, settings: Settings, result: PruneResult
) -> None:
    """Delete the rows of old imports, oldest first, in ranges of their ids."""
    after = 0
    days = settings.keep_imports_days
    while True:
        async with _transaction(pool) as conn:
            last = await conn.fetchval(
                _SQL.find_imports_end, client_id, after, days, ROWS_AT_A_TIME
            )
            if last is None:
                return
            old = (client_id, after, last)
            deleted = await conn.execute(_SQL.delete_imports, *old, days, _claimed(settings))
            await conn.execute(_SQL.delete_progress, *old)
        result.imports += _affected(deleted)
        after = last
        await asyncio.sleep(_PAUSE)


def _claimed(settings: Settings) -> float:
    """Return the seconds for which a claimed key may be in use.

    An upload that found a key just before it expired may take ``upload_timeout`` to arrive.
    """
    return settings.keep_keys_hours * 3600 + settings.upload_timeout


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
