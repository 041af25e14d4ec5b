"""Work on the database that is tried again while the database, or the way to it, is at fault."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import TypeVar

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
"""Waits for the client's lock, each of ``lock_timeout`` seconds: the uploader's socket is not read
meanwhile, and proxies give up after some 30 s."""

T = TypeVar("T")


async def with_retries(
    pool: Pool, work: Callable[[Connection, bool], Awaitable[T]], within: float
) -> T:
    """Do ``work`` on a connection of the pool, again and on a new one after each passing fault.

    Args:
        pool: the connections.
        work: takes the connection, and whether an earlier try ended without a clear answer.
        within: seconds since the database was last there after which a further fault is the last.

    Raises:
        Unavailable: the faults outlasted the time, or a lock was not to be had twice.
        Exception: what ``work`` raised, where trying again is no remedy.
    """
    away_since: float | None = None
    waits = 0
    pause = backoff()
    while True:
        there = time.monotonic()
        try:
            async with pool.acquire(timeout=within) as conn:
                try:
                    with watchdog.terminate_after(conn, watchdog.TRANSACTION_TIMEOUT):
                        return await work(conn, away_since is not None)
                except Exception as exc:
                    there = time.monotonic()
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
            away_since = there if away_since is None else away_since
            if time.monotonic() - away_since > within:
                raise Unavailable("The database could not be reached") from exc
            metrics.DATABASE_RETRIES.inc()
            _log.warning("the database is tried again", fault=repr(exc))
        await asyncio.sleep(next(pause))


def backoff() -> Iterator[float]:
    """Growing pauses with jitter, for ever, in seconds."""
    pause = FIRST_PAUSE
    while True:
        yield random.uniform(pause / 2, pause)
        pause = min(pause * 2, LONGEST_PAUSE)
