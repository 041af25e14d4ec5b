"""The pool of connections, and how JSON crosses it.

``json`` and ``jsonb`` parameters and results are Python values, written and read by orjson. Rows
that go in by COPY are text already and are not touched by it.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import orjson

from service.settings import Settings
from service.storage import Connection, Pool, watchdog

_MIN_SIZE = 2


@contextlib.asynccontextmanager
async def opened_pool(settings: Settings, dsn: str) -> AsyncIterator[Pool]:
    """As ``open_pool``; closed when the block ends, whether or not the database still answers."""
    pool = await open_pool(settings, dsn)
    try:
        yield pool
    finally:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(pool.close(), settings.connect_timeout)


async def open_pool(settings: Settings, dsn: str) -> Pool:
    """Open the pool.

    Args:
        settings: its size, statement cache and time to connect.
        dsn: the database, by a URL.

    Raises:
        OSError, asyncpg.PostgresError: the database cannot be reached.
    """
    async with asyncio.timeout(settings.connect_timeout):
        return await asyncpg.create_pool(
            dsn,
            min_size=_MIN_SIZE,
            max_size=settings.pool_size,
            statement_cache_size=settings.statement_cache_size,
            timeout=settings.connect_timeout,
            init=_speak_json,
            connection_class=_Connection,
            server_settings={"application_name": "bulk-import"},
        )


class _Connection(asyncpg.Connection):
    """One of the pool's."""

    def get_reset_query(self) -> str:
        """Nothing: all that is set or locked is so for a transaction, and giving back is free."""
        return ""


async def _speak_json(connection: Connection) -> None:
    with watchdog.terminate_after(connection, watchdog.TRANSACTION_TIMEOUT):
        for name in ("json", "jsonb"):
            await connection.set_type_codec(
                name, encoder=_encode, decoder=orjson.loads, schema="pg_catalog"
            )


def _encode(value: Any) -> str:
    return orjson.dumps(value).decode()
