"""Retries work on the database while the database, or the connection to it, is at fault."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from typing import Any, TypeVar

import asyncpg
import structlog

from service.errors import Unavailable
from service.observability import metrics
from service.storage import Connection, Pool, watchdog
from service.storage.db_errors import Remedy, remedy_for, sqlstate

_log = structlog.get_logger()

FIRST_PAUSE = 0.02
LONGEST_PAUSE = 0.5
LOCK_WAITS = 2
"""How often work may time out while it waits for a lock. Each wait takes ``lock_timeout`` seconds,
the uploader's socket is not read meanwhile, and proxies close it after about 30 s."""

T = TypeVar("T")


async def with_retries(
    pool: Pool, work: Callable[[Connection, bool], Awaitable[T]], within: float
) -> T:
    """Do ``work`` on a connection of the pool; after a temporary fault, repeat it on a new one.

    Args:
        pool: the connections.
        work: takes the connection, and whether an earlier try ended without a clear answer.
        within: seconds for which faults may last; a fault after that is final.

    Raises:
        Unavailable: the faults lasted longer, or a lock was not free in ``LOCK_WAITS`` waits.
        Exception: the exception of ``work``, if another try cannot help.
    """
    away_since: float | None = None
    waits = 0
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
                    if remedy_for(exc) is Remedy.RETRY:
                        watchdog.terminate(conn)
                    raise
        except Exception as exc:
            metrics.count_error(sqlstate(exc))
            if remedy_for(exc) is not Remedy.RETRY:
                raise
            waits += isinstance(exc, asyncpg.LockNotAvailableError)
            if waits == LOCK_WAITS:
                raise Unavailable("Another import of the client keeps this one waiting") from exc
            away_since = last_contact if away_since is None else away_since
            if time.monotonic() - away_since > within:
                raise Unavailable("The database could not be reached") from exc
            metrics.DATABASE_RETRIES.inc()
            _log.warning("the database is tried again", fault=repr(exc))
        await asyncio.sleep(next(pause))


def backoff() -> Iterator[float]:
    """Yield pauses in seconds endlessly; they grow, and vary at random."""
    pause = FIRST_PAUSE
    while True:
        yield random.uniform(pause / 2, pause)
        pause = min(pause * 2, LONGEST_PAUSE)


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
