"""Limits how long the service waits for an answer of the database.

If the network drops the connection silently, a query waits forever. Cancelling it does not help:
asyncpg waits for the server to confirm the cancellation, even to release the connection. So the
watchdog terminates the connection, and the waiting code gets an exception.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from contextvars import ContextVar
from typing import Final

import asyncpg

from service.storage import Connection, Pool

TRANSACTION_TIMEOUT: Final = 25.0
"""Seconds that a transaction may take, waits for locks included, since the last progress of a COPY.
Short enough that the next try begins before a proxy closes the uploader's connection."""


class _Watch:
    def __init__(self, conn: Connection, seconds: float) -> None:
        self._conn = conn
        self._seconds = seconds
        self._loop = asyncio.get_running_loop()
        self.renew()

    def renew(self) -> None:
        self._timer = self._loop.call_later(self._seconds, self._end)

    def cancel(self) -> None:
        self._timer.cancel()

    def _end(self) -> None:
        terminate(self._conn)


_watching: ContextVar[_Watch | None] = ContextVar("watching", default=None)


@contextlib.contextmanager
def terminate_after(conn: Connection, seconds: float) -> Iterator[None]:
    """Terminate the connection if the block takes longer, or if it is cancelled.

    Args:
        seconds: counted from the beginning of the block or the last ``reset``.
    """
    watch = _Watch(conn, seconds)
    token = _watching.set(watch)
    try:
        yield
    except asyncio.CancelledError:
        terminate(conn)
        raise
    finally:
        _watching.reset(token)
        watch.cancel()


@contextlib.asynccontextmanager
async def acquire(pool: Pool) -> AsyncIterator[Connection]:
    """Acquire a connection of the pool for one statement, or a few quick ones."""
    async with pool.acquire() as conn:
        with terminate_after(conn, TRANSACTION_TIMEOUT):
            yield conn


def reset() -> None:
    """Restart the time of ``terminate_after``, because the database still accepts data."""
    if (watch := _watching.get()) is not None:
        watch.cancel()
        watch.renew()


def terminate(conn: Connection) -> None:
    """Close a connection without notifying the server; has no effect if it is closed."""
    with contextlib.suppress(asyncpg.InterfaceError):  # the pool has released it
        conn.terminate()
