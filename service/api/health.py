"""Whether the process lives, whether it can take work, and what the service has counted."""

import asyncio
from typing import Final

import asyncpg
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST

from service import telemetry
from service.api import keys
from service.api.envelope import respond
from service.api.uploads import UPLOADS
from service.db import Pool, migrate, patience
from service.errors import Unavailable

_PATIENCE: Final = 2.0
"""Seconds that the database has to answer a probe."""


async def healthz(request: web.Request) -> web.Response:
    """The event loop turns. Nothing else is asked: no outage elsewhere is mended by a restart."""
    return respond(200, "Alive", {})


async def readyz(request: web.Request) -> web.Response:
    """Whether uploads can be taken.

    Raises:
        Unavailable: they cannot; ``details`` says why.
    """
    if request.app[UPLOADS].draining:
        raise Unavailable("The service is shutting down")
    try:
        async with asyncio.timeout(_PATIENCE):
            lacking = await _ask(request.app[keys.POOL])
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        raise Unavailable("The database does not answer") from None
    if lacking:
        raise Unavailable(f"The database lacks {len(lacking)} migrations: {', '.join(lacking)}")
    return respond(200, "Ready", {})


async def _ask(pool: Pool) -> list[str]:
    """The migrations that are missing.

    Raises:
        Unavailable: the database takes no writes.
        OSError, asyncpg.PostgresError, asyncpg.InterfaceError: it does not answer.
    """
    async with patience.acquired(pool) as conn:
        # Also on where the server is a standby.
        if await conn.fetchval("SHOW transaction_read_only") == "on":
            raise Unavailable("The database is read-only")
        return await migrate.lacking(conn)


async def metrics(request: web.Request) -> web.Response:
    """Prometheus' text format."""
    return web.Response(body=telemetry.exposition(), headers={"Content-Type": CONTENT_TYPE_LATEST})
