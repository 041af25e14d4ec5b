"""How long the database may leave us without an answer.

Where the way to it breaks off without a word, a query waits for ever. To cancel it does not help:
asyncpg waits for the server to say that it was, even to give the connection back. So the connection
is ended under whoever waits.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from contextvars import ContextVar
from typing import Final

import asyncpg

from service.storage import Connection, Pool

TRANSACTION_TIMEOUT: Final = 25.0
"""Seconds for a transaction, the waits for its locks included, since it last got on with a COPY.
The next try comes before an uploader's proxy gives up."""


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
    """End the connection once the block takes longer; what waits in it is told that it broke.

    It also ends where the block is cancelled.

    Args:
        seconds: counted from the beginning, or the last ``renew``.
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
    """A connection of the pool for one statement, or a few that are quick."""
    async with pool.acquire() as conn:
        with terminate_after(conn, TRANSACTION_TIMEOUT):
            yield conn


def reset() -> None:
    """The database goes on taking what we send: have ``ended_after`` count anew."""
    if (watch := _watching.get()) is not None:
        watch.cancel()
        watch.renew()


def terminate(conn: Connection) -> None:
    """End a connection without a word, if it has not ended yet."""
    with contextlib.suppress(asyncpg.InterfaceError):  # the pool has taken it back
        conn.terminate()
