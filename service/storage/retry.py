"""Retries work on the database while the database, or the connection to it, is at fault."""

import asyncio
import contextlib
import random
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from typing import Any, Final, TypeVar

import asyncpg
import structlog

from service.errors import Unavailable
from service.observability import metrics
from service.storage import Connection, Pool, watchdog
from service.storage.db_errors import Remedy, remedy_for, sqlstate

_log = structlog.get_logger()

FIRST_PAUSE = 0.02
LONGEST_PAUSE = 0.5
_GIVEN_UP: Final = {
    "55P03": "Another transaction held a lock for too long",
    "57014": "The database cancelled the statements: see its statement_timeout",
}
"""By the SQLSTATE of the last fault, why the work was given up."""
_AWAY: Final = "The database could not be reached"

_LOST: Final = ("08", "57")
"""Classes of the faults that end a connection: a COMMIT that was in flight may succeed."""

T = TypeVar("T")


async def with_retries(
    pool: Pool,
    work: Callable[[Connection, bool], Awaitable[T]],
    within: float,
    *,
    lost_within: float | None = None,
) -> T:
    """Do ``work`` on a connection of the pool; after a temporary fault, repeat it on a new one.

    Args:
        pool: the connections.
        work: takes the connection, and whether an earlier try ended without a clear answer.
        within: seconds for which faults may last; a fault after that is final.
        lost_within: the same once a connection broke during ``work``, which may be committed;
            ``within`` by default.

    Raises:
        Unavailable: the faults lasted longer.
        Exception: the exception of ``work``, if another try cannot help.
    """
    away_since: float | None = None
    pause = backoff()
    while True:
        last_contact = time.monotonic()
        try:
            async with pool.acquire(timeout=within) as conn:
                try:
                    with watchdog.terminate_after(conn, watchdog.TRANSACTION_TIMEOUT):
                        return await work(conn, away_since is not None)
                except Exception as exc:
                    last_contact = time.monotonic()
                    if isinstance(exc, asyncpg.InvalidCachedStatementError):
                        await _end_server_connection(conn)
                    if remedy_for(exc) is Remedy.RETRY:
                        watchdog.terminate(conn)
                    if lost_within is not None and sqlstate(exc)[:2] in _LOST:
                        within = lost_within
                    raise
        except Exception as exc:
            metrics.count_error(sqlstate(exc))
            if remedy_for(exc) is not Remedy.RETRY:
                raise
            away_since = last_contact if away_since is None else away_since
            if time.monotonic() - away_since > within:
                metrics.DATABASE_GIVEN_UP.labels(sqlstate(exc)[:2] or "08").inc()
                raise Unavailable(_GIVEN_UP.get(sqlstate(exc), _AWAY)) from exc
            metrics.DATABASE_RETRIES.inc()
            _log.warning("the database is tried again", fault=repr(exc))
        await asyncio.sleep(next(pause))


async def _end_server_connection(conn: Connection) -> None:
    """Have PgBouncer close the server connection that it used last, with its statements.

    PgBouncer keeps prepared statements for other clients; it closes a server connection whose
    client leaves in a transaction.
    """
    with (
        contextlib.suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError),
        watchdog.terminate_after(conn, watchdog.TRANSACTION_TIMEOUT),
    ):
        await conn.execute("BEGIN")


def backoff(longest: float = LONGEST_PAUSE) -> Iterator[float]:
    """Yield pauses in seconds endlessly; they grow up to the longest, and vary at random."""
    pause = FIRST_PAUSE
    while True:
        yield random.uniform(pause / 2, pause)
        pause = min(pause * 2, longest)


async def complete(work: Coroutine[Any, Any, T]) -> T:
    """Await ``work`` to its end; a cancellation takes effect only afterwards."""
    task = asyncio.create_task(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        if not task.cancelled():
            task.exception()  # so that asyncio does not report it as never retrieved
        raise
