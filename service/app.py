"""The applications of the public and the admin port, and the objects that their routes share."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from aiohttp import web

from service.formats.engine.select import ENGINE
from service.formats.registry import formats_in
from service.http import app_keys
from service.http.answer_pace import AnswerPace
from service.http.auth.permissions import ENABLED, EnabledClients
from service.http.auth.sign_in import SignIn
from service.http.auth.tokens import Verifier
from service.http.body_drain import BodyDrain
from service.http.middleware import finish_headers, handle_request
from service.http.read_slots import ReadSlots
from service.http.routes.health import log_warnings, share_results
from service.http.routes.table import PROBES, ROUTES, Routes, add_routes
from service.http.upload.job import JOBS, JobRegistry
from service.http.user_agent import CLASSES
from service.imports.conflict_rules import Outcome
from service.imports.end_watch import EndWatch
from service.imports.manager import ImportManager
from service.observability import metrics
from service.observability.process_metrics import publish_limits
from service.projects.prune_watch import watch_pruning
from service.projects.retention import prune_periodically
from service.settings import Settings
from service.storage import Pool, server_checks, watchdog
from service.storage.citus.distribution import is_distributed
from service.storage.pool import open_pool


class StartRefused(Exception):
    """The service cannot work on this database; the text is one line for the operator."""


def create_app(settings: Settings, dsn: str) -> web.Application:
    """Create the application of the public port. ``service.http.server.Runner`` runs it.

    Args:
        settings: the settings of the service.
        dsn: URL of a database that has all migrations.

    Raises:
        ValueError: the key that verifies tokens is missing or too weak, the settings of signing in
            do not fit together, or a file of the own formats cannot be used.
    """
    formats_in(settings.formats_dir)
    separate = PROBES if settings.admin_port is not None else {}
    app = _create_application({path: ROUTES[path] for path in ROUTES if path not in separate})
    app[app_keys.SETTINGS] = settings
    app[app_keys.DSN] = dsn
    app[app_keys.VERIFIER] = Verifier(settings)
    app[app_keys.SIGN_IN] = SignIn(settings)
    app[app_keys.BODY_DRAIN] = BodyDrain(settings.max_refused)
    app[app_keys.READ_SLOTS] = ReadSlots(settings.pool_size)
    app[app_keys.ANSWER_PACE] = AnswerPace()
    app[ENABLED] = EnabledClients()
    app[JOBS] = JobRegistry(settings.drain_timeout)
    share_results(app)
    app.cleanup_ctx.append(_refresh_keys)
    app.cleanup_ctx.append(_manage_imports)
    app.cleanup_ctx.append(_prune)
    publish_limits(settings, ENGINE.name)
    for client_class in CLASSES:  # increase() misses a counter that appears at its first value
        metrics.count_projects(dict.fromkeys(Outcome, 0), client_class)
    return app


def create_admin_app(app: web.Application) -> web.Application:
    """Create the application of the admin port, which answers probes.

    Args:
        app: from ``create_app``, set up; it must run as long as this one.
    """
    admin = _create_application(PROBES)
    for key, shared in app.items():
        admin[key] = shared
    admin[app_keys.ANSWER_PACE] = AnswerPace()
    return admin


def _create_application(routes: Routes) -> web.Application:
    app = web.Application(middlewares=[handle_request])
    app.on_response_prepare.append(finish_headers)
    add_routes(app.router, routes)
    return app


async def drain(app: web.Application) -> None:
    """Refuse new imports, and wait for running ones; interrupt them after the grace period.

    Requests that wait for the end of an import are answered at once.

    aiohttp's own cleanup would stop reading all bodies.
    """
    app[app_keys.MANAGER].drain()
    app[app_keys.END_WATCH].close()
    await app[JOBS].drain()


async def _refresh_keys(app: web.Application) -> AsyncIterator[None]:
    """Refresh the keys and the endpoints of the token issuer while the application runs."""
    async with app[app_keys.VERIFIER].refreshed(), app[app_keys.SIGN_IN].refreshed():
        yield


async def _manage_imports(app: web.Application) -> AsyncIterator[None]:
    """Open the pool and run the import manager while the application runs.

    Raises:
        StartRefused: replicas of the service cannot see each other's sessions.
    """
    settings = app[app_keys.SETTINGS]
    async with open_pool(settings, app[app_keys.DSN]) as pool:
        distributed = await _check_server(app, pool)
        async with (
            ImportManager(pool, settings, distributed=distributed) as manager,
            EndWatch(pool, settings) as watch,
        ):
            app[app_keys.POOL] = pool
            app[app_keys.DISTRIBUTED] = distributed
            app[app_keys.MANAGER] = manager
            app[app_keys.END_WATCH] = watch
            yield


async def _check_server(app: web.Application, pool: Pool) -> bool:
    """Refuse a database that hides sessions of the service, and log what else is weak.

    The pool is open by now: of two replicas that start together, at least one sees the other.

    Returns:
        Whether the tables are distributed over the nodes of a Citus cluster.
    """
    async with watchdog.acquire(pool) as conn:
        if hidden := await server_checks.find_hidden_sessions(conn):
            raise StartRefused(hidden)
        log_warnings(app, {"durability": await server_checks.find_weak_durability(conn)})
        return await is_distributed(conn)


async def _prune(app: web.Application) -> AsyncIterator[None]:
    """Prune expired data in the background, if the settings ask for it; watch who else does."""
    pool, settings = app[app_keys.POOL], app[app_keys.SETTINGS]
    tasks: list[asyncio.Task[Any]] = [
        asyncio.create_task(watch_pruning(pool), name="prune-watch"),
    ]
    if settings.prune:
        tasks.append(asyncio.create_task(prune_periodically(pool, settings), name="prune"))
    yield
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
