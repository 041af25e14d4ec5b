"""The lease of an import: which process may write for it, and how that process keeps it.

A process holds the lease from the moment it claims the import until it ends the row. A heartbeat
renews it. An import without a heartbeat for ``heartbeat_expiry`` seconds is dead: ``reaper`` ends
it, and another upload may take it over, which raises ``attempt``. Every transaction compares the
attempt before it writes, so a process that lost its lease without noticing writes nothing
(fencing).
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import NoReturn, Protocol

import structlog

from service.imports.failing_last import FailingLast
from service.imports.options import DEFAULT_OPTIONS, ImportOptions
from service.observability import metrics
from service.storage import Connection, Pool, watchdog
from service.storage.db_errors import sqlstate
from service.storage.queries import Queries

_SQL = Queries("imports")
_log = structlog.get_logger()


PATIENCE = 0.25
"""The longest time for one heartbeat, as a share of the expiry. After an outage, an import is ended
once it was suspected for half of the expiry (see ``reaper``); a try that hangs leaves time for the
next one."""


class LeaseLost(Exception):
    """Another process ended the import or took it over."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The right of this process to write for one attempt of an import.

    Attributes:
        attempt: the number that each transaction compares before it writes.
        nonce: random value of the claim, which each transaction compares too: after a fail-over
            that lost the import, another one may get its id.
        lock_timeout: seconds to wait for the lock of the import or of the client.
        idle_timeout: seconds that a transaction may be idle before the server ends it.
        options: the uploader's options.
        keyed: the import has an idempotency key.
        notifies: the end of the import sends an event.
    """

    client_id: int
    import_id: int
    attempt: int
    nonce: bytes
    subject: str
    lock_timeout: float
    idle_timeout: float
    options: ImportOptions = DEFAULT_OPTIONS
    keyed: bool = False
    notifies: bool = False


async def check_lease(conn: Connection, lease: Lease) -> None:
    """Check that the lease still holds.

    Call this in a statement after the one that takes the import's lock: a single statement would
    read the row as it was before it waited for the lock.

    Raises:
        LeaseLost: another process ended the import or took it over.
    """
    key = (lease.client_id, lease.import_id, lease.attempt, lease.nonce)
    if not await conn.fetchval(_SQL.holds_lease, *key):
        raise LeaseLost


async def is_own_import(conn: Connection, lease: Lease) -> bool:
    """Return whether the lease's claim was the last one of the import, which may have ended."""
    key = (lease.client_id, lease.import_id, lease.nonce)
    return bool(await conn.fetchval(_SQL.is_claimed, *key))


class LeaseHolder(Protocol):
    """A running import, as the heartbeat sees it."""

    @property
    def lease(self) -> Lease: ...

    @property
    def bytes_read(self) -> int:
        """Bytes of the file that the parser has read."""

    @property
    def projects_done(self) -> int:
        """Outcomes written so far."""

    @property
    def ending(self) -> bool:
        """Whether the process is closing the row of the import, or has closed it."""

    def cancel(self) -> None:
        """Stop the import because a subject cancelled it."""

    def lose_lease(self) -> None:
        """Stop the import because the lease is lost."""


class Heartbeat:
    """Renews the leases of all imports of this process, with a statement for each client.

    The statement also returns which imports lost their lease and which were cancelled. A failure
    ends the round, and its client comes last in the next one.

    Args:
        pool: the connections; the heartbeat keeps one for itself.
        holders: the running imports.
        interval: seconds between two heartbeats.
        expiry: seconds without a heartbeat after which an import is dead.
        before_each: called before each heartbeat, to refresh gauges.
    """

    def __init__(
        self,
        pool: Pool,
        holders: Collection[LeaseHolder],
        *,
        interval: float,
        expiry: float,
        before_each: Callable[[], None],
    ) -> None:
        self._pool = pool
        self._holders = holders
        self._interval = interval
        self._patience = expiry * PATIENCE
        self._before_each = before_each
        self._clients = FailingLast()

    async def run(self) -> NoReturn:
        """Send heartbeats until cancelled; after a failure, continue on a new connection."""
        while True:
            try:
                async with self._pool.acquire(timeout=self._patience) as conn:
                    try:
                        await self._run_on(conn)
                    finally:
                        # Releasing the connection would wait for a database that may not answer.
                        watchdog.terminate(conn)
            except Exception as exc:
                metrics.HEARTBEATS_MISSED.inc()
                metrics.count_error(sqlstate(exc))
                _log.warning("heartbeat missed", fault=repr(exc))
            await asyncio.sleep(min(self._interval, self._patience / 2))

    async def _run_on(self, conn: Connection) -> NoReturn:
        while True:
            self._before_each()
            await self._renew_all(conn)
            await asyncio.sleep(self._interval)

    async def _renew_all(self, conn: Connection) -> None:
        clients: defaultdict[int, list[LeaseHolder]] = defaultdict(list)
        for holder in self._holders:
            clients[holder.lease.client_id].append(holder)
        for client_id in self._clients.order(clients):
            with watchdog.terminate_after(conn, self._patience):
                await self._renew(conn, client_id, clients[client_id])

    async def _renew(
        self, conn: Connection, client_id: int, holders: Sequence[LeaseHolder]
    ) -> None:
        # In the order of the keys, so that the statements of two processes cannot deadlock.
        holders = sorted(holders, key=lambda each: each.lease.import_id)
        rows = await conn.fetch(
            _SQL.renew_leases,
            client_id,
            [holder.lease.import_id for holder in holders],
            [holder.lease.attempt for holder in holders],
            [holder.bytes_read for holder in holders],
            [holder.projects_done for holder in holders],
            [holder.lease.nonce for holder in holders],
        )
        renewed = {(row["import_id"], row["nonce"]): row for row in rows}
        for holder in holders:
            row = renewed.get((holder.lease.import_id, holder.lease.nonce))
            if row is None:
                if not holder.ending:
                    holder.lose_lease()
            elif row["cancel_requested"]:
                holder.cancel()
