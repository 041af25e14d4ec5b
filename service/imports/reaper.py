"""Ends the imports whose process is dead.

    silent for half of ``heartbeat_expiry``    suspected
    suspected for the other half               ended: ``interrupted``, or ``cancelled`` if requested

A heartbeat at any time before the end clears the suspicion. After an outage, the heartbeats of all
imports are late. The first process that reconnects may suspect them all, and the others have half
of the expiry to reconnect: a heartbeat is given up after a quarter of it, and then sent again.

Every process reaps for all clients. Reading an import never ends it. On Citus, each node is asked
for its own clients, so that one that is away keeps nobody else's imports from their end.
"""

import asyncio
import contextlib
from collections.abc import Iterator, Sequence
from typing import Final, NoReturn

import structlog

from service.imports.record import ImportEnd, close_row, store_counts
from service.observability import metrics
from service.storage import Connection, Pool, watchdog
from service.storage.advisory_locks import lock_import
from service.storage.citus import nodes
from service.storage.db_errors import sqlstate
from service.storage.queries import Queries

_SQL = Queries("imports")
_log = structlog.get_logger()

DEAD: Final = "The process that ran the import ended"

END_TIMEOUT: Final = 5.0
"""Seconds to end one import. A backend that waits for a standby may hold the import for longer; the
next round tries again."""

ImportKey = tuple[int, int, int]
"""The client, the import and its attempt."""


async def reap_periodically(
    pool: Pool,
    *,
    interval: float,
    expiry: float,
    notifies: bool = False,
    distributed: bool = False,
) -> NoReturn:
    """Reap for all clients at intervals until cancelled; see ``reap_dead_imports``.

    Args:
        pool: the connections.
        interval: seconds between two rounds.
        expiry: seconds without a heartbeat after which an import is dead.
        notifies: each end sends an event.
        distributed: the tables are distributed by Citus.
    """
    while True:
        with _logged():
            async with watchdog.acquire(pool) as conn:
                clients = await _list_silent_clients(conn, expiry / 2, distributed)
            for client_id in clients:
                with _logged():
                    await _reap_client(pool, client_id, expiry, notifies)
        await asyncio.sleep(interval)


@contextlib.contextmanager
def _logged() -> Iterator[None]:
    try:
        yield
    except Exception as exc:
        metrics.count_error(sqlstate(exc))
        _log.warning("dead imports cannot be ended", fault=repr(exc))


async def _list_silent_clients(
    conn: Connection, seconds: float, distributed: bool
) -> Sequence[int]:
    query = _SQL.list_silent_clients
    if distributed:
        query = query.replace("$1", repr(seconds))
        return await nodes.fetch_from_nodes(conn, query, ("imports", "import_progress"))
    return [client_id for (client_id,) in await conn.fetch(query, seconds)]


async def _reap_client(pool: Pool, client_id: int, expiry: float, notifies: bool) -> None:
    async with watchdog.acquire(pool) as conn:
        dead = await _find_dead(conn, client_id, expiry)
    for key in dead:
        with _logged():
            await _reap(pool, key, expiry, notifies)


async def _reap(pool: Pool, key: ImportKey, expiry: float, notifies: bool) -> None:
    """End one import, but let it delay the others for no longer than ``END_TIMEOUT``."""
    async with pool.acquire() as conn:
        with watchdog.terminate_after(conn, END_TIMEOUT):
            ended = await _end(conn, key, expiry, notifies)
        if ended:
            with watchdog.terminate_after(conn, watchdog.TRANSACTION_TIMEOUT):
                await store_counts(conn, key)


async def reap_dead_imports(
    conn: Connection, client_id: int, expiry: float, *, notifies: bool = False
) -> list[int]:
    """Suspect silent imports, and end those that were suspected long enough.

    Call this repeatedly: a single call ends nothing that no earlier call suspected.

    Args:
        conn: a connection outside any transaction.
        client_id: reap the imports of this client.
        expiry: seconds without a heartbeat after which an import is dead.
        notifies: each end sends an event.

    Returns:
        The ids of the imports that were ended.
    """
    dead = await _find_dead(conn, client_id, expiry)
    ended = [key for key in dead if await _end(conn, key, expiry, notifies)]
    for key in ended:  # after all ends, because counting may take long
        await store_counts(conn, key)
    return [import_id for _, import_id, _ in ended]


async def _find_dead(conn: Connection, client_id: int, expiry: float) -> list[ImportKey]:
    """Suspect silent imports; return those that were suspected long enough."""
    await conn.execute(_SQL.suspect_silent, client_id, expiry / 2)
    return [tuple(row) for row in await conn.fetch(_SQL.list_dead, client_id, expiry / 2)]


async def _end(conn: Connection, key: ImportKey, expiry: float, notifies: bool) -> bool:
    """End an import, unless its process has sent a heartbeat or ended it in the meantime."""
    async with conn.transaction(isolation="read_committed"):
        await lock_import(conn, *key)
        row = await conn.fetchrow(_SQL.check_dead, *key[:2], expiry / 2)
        end = row and ImportEnd("interrupted", DEAD, **row)
        state = end and await close_row(conn, key, end, notifies=notifies)
    if state:
        metrics.count_end(state, metrics.Cause.SERVICE)
        _log.warning("import.reaped", client_id=key[0], import_id=key[1], state=state)
    return bool(state)
