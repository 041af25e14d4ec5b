"""What is past its keep goes: old versions, old outcomes, shared objects that nothing names.

In the background of ``serve``, or by ``bulk-import prune``; one process at a time, in transactions
of a bounded number of rows with a pause after each, always by the primary key; never a running
import's, nor a project's newest versions. Imports do not wait for it: of what it locks they use the
client's lock alone. It takes that where no import of the client runs, and never waits for it; an
import that begins in that moment waits for the one transaction.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from typing import Final

import structlog

from service.imports.record import expire_dead_imports
from service.observability import metrics
from service.settings import Settings
from service.storage import Connection, Pool, watchdog
from service.storage.advisory_locks import client_key, prune_key
from service.storage.db_errors import sqlstate
from service.storage.queries import Queries
from service.tables import Table

_SQL = Queries("prune")
_log = structlog.get_logger()

ROWS_AT_A_TIME: Final = 5000
"""That a transaction deletes at most, but for the few hundred versions that it forgets."""

VERSIONS_AT_A_TIME: Final = 500
_PROJECTS_AT_A_TIME: Final = 1000
_UNUSED_AT_A_TIME: Final = 100_000
_PAUSE: Final = 0.05


@dataclass(slots=True)
class PruneResult:
    """What a round took, in rows; ``interrupted`` are imports that were found dead."""

    versions: int = 0
    outcomes: int = 0
    shared_objects: int = 0
    interrupted: int = 0

    def __str__(self) -> str:
        return ", ".join(
            f"{number:,} {what.replace('_', ' ')}" for what, number in asdict(self).items()
        )


class PruneBusy(Exception):
    """Another process prunes at this moment; ``gone`` is what went before."""

    def __init__(self, gone: PruneResult) -> None:
        super().__init__(gone)
        self.gone = gone


class _Locked(Exception):
    pass


async def prune_periodically(pool: Pool, settings: Settings) -> None:
    """Prune every now and then, until cancelled; a round that fails is logged."""
    while True:
        await asyncio.sleep(settings.prune_every)
        try:
            gone = await prune(pool, settings)
        except PruneBusy as busy:
            gone = busy.gone
        except Exception as exc:
            metrics.count_error(sqlstate(exc))
            _log.warning("pruning failed", fault=repr(exc))
            continue
        if gone != PruneResult():
            _log.info("pruned", **asdict(gone))


async def prune(pool: Pool, settings: Settings) -> PruneResult:
    """One round over all clients; what fails for one leaves the others theirs.

    Raises:
        Busy: another process prunes; the rest is left to it.
        Exception: the last that failed, once all had their turn.
    """
    async with watchdog.acquire(pool) as conn:
        clients = [row["client_id"] for row in await conn.fetch(_SQL.clients)]
    gone = PruneResult()
    failed: Exception | None = None
    for client_id in clients:
        try:
            await _prune_client(pool, client_id, settings, gone)
        except _Locked:
            raise PruneBusy(gone) from None
        except Exception as exc:
            _log.warning("pruning failed", client_id=client_id, fault=repr(exc))
            failed = exc
    if failed is not None:
        raise failed
    return gone


async def _prune_client(pool: Pool, client_id: int, settings: Settings, gone: PruneResult) -> None:
    async with watchdog.acquire(pool) as conn:
        gone.interrupted += len(
            await expire_dead_imports(conn, client_id, settings.heartbeat_expiry)
        )
    await _prune_versions(pool, client_id, settings, gone)
    await _prune_children(pool, client_id)
    await _prune_outcomes(pool, client_id, settings, gone)
    await _prune_shared(pool, client_id, gone)


@asynccontextmanager
async def _alone(pool: Pool) -> AsyncIterator[Connection]:
    """A transaction in which nobody else prunes.

    Raises:
        _Locked: somebody does.
    """
    async with watchdog.acquire(pool) as conn, conn.transaction(isolation="read_committed"):
        if not await conn.fetchval(_SQL.try_prune, prune_key()):
            raise _Locked
        yield conn


async def _prune_versions(
    pool: Pool, client_id: int, settings: Settings, gone: PruneResult
) -> None:
    """Old versions go, range by range of the projects; what they consist of is left to follow."""
    behind = -1
    while True:
        async with _alone(pool) as conn:
            last = await conn.fetchval(_SQL.range_end, client_id, behind, _PROJECTS_AT_A_TIME)
            if last is None:
                return
            keep = (settings.keep_versions, settings.keep_superseded, VERSIONS_AT_A_TIME)
            old = await conn.fetch(_SQL.superseded, client_id, behind, last, *keep)
            if old:
                projects, versions = zip(*old, strict=True)
                await conn.execute(_SQL.retire, client_id, projects, versions)
        gone.versions += len(old)
        behind = last if len(old) < VERSIONS_AT_A_TIME else old[-1]["project_id"] - 1
        if old:
            await asyncio.sleep(_PAUSE)


async def _prune_children(pool: Pool, client_id: int) -> None:
    """The rows of versions that have gone, those that an earlier round has left among them."""
    while True:
        async with _alone(pool) as conn:
            old = await conn.fetch(_SQL.retired, client_id, VERSIONS_AT_A_TIME)
            if not old:
                return
            key = (client_id, *zip(*old, strict=True))
            left = ROWS_AT_A_TIME
            for table in Table:
                if not left:
                    break
                query = _SQL.delete_children.format(table=table.value)
                left -= _affected(await conn.execute(query, *key, left))
            if left:
                await conn.execute(_SQL.forget, *key)
        await asyncio.sleep(_PAUSE)


async def _prune_outcomes(
    pool: Pool, client_id: int, settings: Settings, gone: PruneResult
) -> None:
    # Whoever found a key in its last moment may take this long to send what it is a repeat of.
    keys = settings.keep_keys_hours * 3600 + settings.upload_timeout
    keep = (settings.keep_results_days, keys, ROWS_AT_A_TIME)
    while True:
        async with _alone(pool) as conn:
            some = _affected(await conn.execute(_SQL.delete_results, client_id, *keep))
        gone.outcomes += some
        if some < ROWS_AT_A_TIME:
            return
        await asyncio.sleep(_PAUSE)


async def _prune_shared(pool: Pool, client_id: int, gone: PruneResult) -> None:
    """Shared objects that nothing names; where an import runs, or begins, another time."""
    async with watchdog.acquire(pool) as conn:
        since = await conn.fetchval(_SQL.quiet, client_id)
        if since is None:
            return
        unused = await conn.fetch(_SQL.unused, client_id, _UNUSED_AT_A_TIME)
    for place in range(0, len(unused), ROWS_AT_A_TIME):
        hashes = [row["hash"] for row in unused[place : place + ROWS_AT_A_TIME]]
        async with _alone(pool) as conn:
            if not await conn.fetchval(_SQL.try_client, client_key(client_id)):
                return
            some = _affected(await conn.execute(_SQL.delete_shared, client_id, since, hashes))
        gone.shared_objects += some
        if not some:
            return
        await asyncio.sleep(_PAUSE)


def _affected(command_tag: str) -> int:
    return int(command_tag.rpartition(" ")[2])
