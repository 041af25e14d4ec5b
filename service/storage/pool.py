"""The pool of database connections.

``json`` and ``jsonb`` parameters and results are Python values, which orjson converts. Rows for
COPY are already text and are not converted.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import orjson

from service.settings import Settings
from service.storage import APPLICATION_NAME, Connection, Pool, watchdog

_MIN_SIZE = 2


@contextlib.asynccontextmanager
async def open_pool(settings: Settings, dsn: str) -> AsyncIterator[Pool]:
    """Open a pool with ``create_pool``, and close it even if the database no longer answers."""
    pool = await create_pool(settings, dsn)
    try:
        yield pool
    finally:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(pool.close(), settings.connect_timeout)


async def create_pool(settings: Settings, dsn: str) -> Pool:
    """Create a pool.

    Args:
        settings: size of the pool, statement cache and connect timeout.
        dsn: URL of the database.

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
            init=set_json_codec,
            connection_class=_PooledConnection,
            server_settings={"application_name": APPLICATION_NAME},
        )


class _PooledConnection(asyncpg.Connection):
    def get_reset_query(self) -> str:
        """Return no query, which saves a round trip at each release of a connection.

        There is nothing to reset, because all settings and locks end with their transaction.
        """
        return ""


async def set_json_codec(connection: Connection) -> None:
    """Have a connection take and return JSON as Python values."""
    with watchdog.terminate_after(connection, watchdog.TRANSACTION_TIMEOUT):
        for name in ("json", "jsonb"):
            await connection.set_type_codec(
                name, encoder=_encode, decoder=orjson.loads, schema="pg_catalog"
            )


def _encode(value: Any) -> str:
    return orjson.dumps(value).decode()
