"""Liveness, readiness and metrics of the process.

Everybody may ask for them, without a token. So all requests share one check of the database and one
rendering of the metrics, which are kept for a second.
"""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

import structlog
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST

from service.errors import Unavailable
from service.http import app_keys
from service.http.responses import respond
from service.http.shared_result import SharedResult
from service.imports.ending import SHUTTING_DOWN
from service.observability import metrics
from service.storage import Connection, Pool, migrate, server_checks, watchdog
from service.storage.citus import nodes
from service.storage.db_errors import DATABASE_FAULTS, sqlstate

OK: Final = "ok"
UNKNOWN: Final = "unknown"
_PROBE_TIMEOUT: Final = 2.0
"""Seconds in which the database must answer a probe."""
_NODES_PERIODS: Final = 10
"""For how many times as long as the other results that of the nodes is kept, which is costlier."""
_WARNED: Final = web.AppKey("warned", dict[str, str])
"""The warnings that were logged last, by the name of their check."""

_Check = tuple[dict[str, str], dict[str, str | None]]
"""Whether uploads can begin, and warnings about the database."""
_NODES_CHECK: Final[web.AppKey[SharedResult[str | None]]] = web.AppKey("nodes", SharedResult)
_DATABASE_CHECK: Final[web.AppKey[SharedResult[_Check]]] = web.AppKey("check", SharedResult)
_METRICS: Final[web.AppKey[SharedResult[bytes]]] = web.AppKey("metrics", SharedResult)

_log = structlog.get_logger()


def share_results(app: web.Application) -> None:
    """Add to the application what the requests of this module share."""
    app[_WARNED] = {}
    app[_DATABASE_CHECK] = SharedResult(partial(_check_database, app))
    app[_NODES_CHECK] = SharedResult(partial(_check_nodes, app), periods=_NODES_PERIODS)
    app[_METRICS] = SharedResult(_render_metrics)


async def healthz(request: web.Request) -> web.Response:
    """Report that the event loop runs; a restart repairs nothing else."""
    return respond(200, "Alive", {})


async def readyz(request: web.Request) -> web.Response:
    """Report whether uploads can begin; each check is ``ok``, ``unknown`` or the problem.

    A service without a free slot or room for spool files is ready: it answers uploads with
    ``Retry-After``, and all other requests. So is one whose database may lose commits, hides
    sessions of the service, or has lost a node of Citus, because clients on other nodes can import:
    these are warnings for the operator.

    Raises:
        Unavailable: uploads cannot begin; ``details`` names the reason.
    """
    importer = request.app[app_keys.MANAGER]
    (required, warnings), lost = await asyncio.gather(
        request.app[_DATABASE_CHECK].get(), request.app[_NODES_CHECK].get()
    )
    checks = {"service": SHUTTING_DOWN if importer.draining else OK, **required}
    problems = [result for result in checks.values() if result not in (OK, UNKNOWN)]
    warnings = {**warnings, "nodes": lost}
    checks |= {name: warning or OK for name, warning in warnings.items()}
    checks["imports"] = _run_check(importer.check_slots)
    checks["spool"] = _run_check(importer.check_spool)
    if problems:
        raise Unavailable("; ".join(problems), fields={"checks": checks})
    return respond(200, "Ready", {}, fields={"checks": checks})


async def _check_database(app: web.Application) -> _Check:
    """Check the database, and log new warnings."""
    required, warnings = await _ask_database(app[app_keys.POOL])
    log_warnings(app, warnings)
    return required, warnings


async def _ask_database(pool: Pool) -> _Check:
    try:
        async with asyncio.timeout(_PROBE_TIMEOUT), watchdog.acquire(pool) as conn:
            required = await _check_schema(conn)
            return required, {
                "sessions": await server_checks.find_hidden_sessions(conn),
                "durability": await server_checks.find_weak_durability(conn),
            }
    except DATABASE_FAULTS as exc:
        required = {"database": _describe_error(exc, pool), "schema": UNKNOWN}
        return required, {"sessions": UNKNOWN, "durability": UNKNOWN}


async def _check_nodes(app: web.Application) -> str | None:
    """Return which nodes of a Citus cluster do not answer, and log it if it is new."""
    if not app[app_keys.DISTRIBUTED]:
        return None
    lost: str | None = UNKNOWN
    with contextlib.suppress(*DATABASE_FAULTS):
        async with asyncio.timeout(_PROBE_TIMEOUT), watchdog.acquire(app[app_keys.POOL]) as conn:
            lost = await nodes.find_lost_nodes(conn)
    log_warnings(app, {"nodes": lost})
    return lost


async def _check_schema(conn: Connection) -> dict[str, str]:
    """Check whether the database is writable and its schema is current."""
    # A standby reports "on" too.
    read_only = await conn.fetchval("SHOW transaction_read_only") == "on"
    lacking = await migrate.read_pending_migrations(conn)
    outdated = f"The database lacks {len(lacking)} migrations: {', '.join(lacking)}"
    return {
        "database": "The database is read-only" if read_only else OK,
        "schema": outdated if lacking else OK,
    }


def log_warnings(app: web.Application, warnings: Mapping[str, str | None]) -> None:
    """Log each warning once, until it changes."""
    logged = app[_WARNED]
    for name, warning in warnings.items():
        if warning == UNKNOWN or warning == logged.get(name):
            continue
        if warning is None:
            del logged[name]
        else:
            logged[name] = warning
            _log.warning(f"server.{name}", warning=warning)


def _describe_error(exc: Exception, pool: Pool) -> str:
    """Describe why the database did not answer."""
    if (
        isinstance(exc, TimeoutError)
        and pool.get_size() - pool.get_idle_size() == pool.get_max_size()
    ):
        return "All connections to the database are in use"
    metrics.count_error(state := sqlstate(exc))
    if state.startswith("08"):
        return "The database does not answer"
    return f"The database reports an error: SQLSTATE {state}"


def _run_check(check: Callable[[], None]) -> str:
    try:
        check()
    except Unavailable as error:
        return error.details
    return OK


async def read_metrics(request: web.Request) -> web.Response:
    """Answer with the metrics in Prometheus' text format."""
    rendered = await request.app[_METRICS].get()
    return web.Response(body=rendered, headers={"Content-Type": CONTENT_TYPE_LATEST})


async def _render_metrics() -> bytes:
    return metrics.render_metrics()
