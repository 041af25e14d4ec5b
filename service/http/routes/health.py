"""Whether the process lives, whether it can take work, and what the service has counted."""

import asyncio
from collections.abc import Callable
from typing import Final

import asyncpg
from aiohttp import web
from asyncpg.exceptions import InternalClientError
from prometheus_client import CONTENT_TYPE_LATEST

from service.errors import Unavailable
from service.http import app_keys
from service.http.responses import respond
from service.http.upload.job import JOBS
from service.observability import metrics
from service.storage import Pool, migrate, watchdog
from service.storage.db_errors import sqlstate

OK: Final = "ok"
UNKNOWN: Final = "unknown"
_PATIENCE: Final = 2.0
"""Seconds that the database has to answer a probe."""


async def healthz(request: web.Request) -> web.Response:
    """The event loop turns. Nothing else is asked: no outage elsewhere is mended by a restart."""
    return respond(200, "Alive", {})


async def readyz(request: web.Request) -> web.Response:
    """Whether uploads can be taken, check by check: ``ok``, ``unknown`` or what is wrong.

    Without a slot or room for working files the service is ready all the same: uploads are told to
    come again, and everything else is answered.

    Raises:
        Unavailable: they cannot; ``details`` says why.
    """
    importer = request.app[app_keys.MANAGER]
    draining = request.app[JOBS].draining
    checks = {"service": "The service is shutting down" if draining else OK}
    checks |= await _database(request.app[app_keys.POOL])
    wrong = [told for told in checks.values() if told not in (OK, UNKNOWN)]
    checks["imports"] = _check(importer.check_slots)
    checks["spool"] = _check(importer.check_spool)
    if wrong:
        raise Unavailable("; ".join(wrong), fields={"checks": checks})
    return respond(200, "Ready", {}, fields={"checks": checks})


async def _database(pool: Pool) -> dict[str, str]:
    """What the database is asked."""
    try:
        async with asyncio.timeout(_PATIENCE), watchdog.acquire(pool) as conn:
            # Also on where the server is a standby.
            read_only = await conn.fetchval("SHOW transaction_read_only") == "on"
            lacking = await migrate.read_pending_migrations(conn)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, InternalClientError) as exc:
        return {"database": _fault(exc, pool), "schema": UNKNOWN}
    behind = f"The database lacks {len(lacking)} migrations: {', '.join(lacking)}"
    return {
        "database": "The database is read-only" if read_only else OK,
        "schema": behind if lacking else OK,
    }


def _fault(exc: Exception, pool: Pool) -> str:
    """What kept the database from answering."""
    if (
        isinstance(exc, TimeoutError)
        and pool.get_size() - pool.get_idle_size() == pool.get_max_size()
    ):
        return "All connections to the database are in use"
    metrics.count_error(state := sqlstate(exc))
    if state.startswith("08"):
        return "The database does not answer"
    return f"The database refuses to answer, by SQLSTATE {state}"


def _check(refusing: Callable[[], None]) -> str:
    try:
        refusing()
    except Unavailable as error:
        return error.details
    return OK


async def read_metrics(request: web.Request) -> web.Response:
    """Prometheus' text format."""
    return web.Response(
        body=metrics.render_metrics(), headers={"Content-Type": CONTENT_TYPE_LATEST}
    )
