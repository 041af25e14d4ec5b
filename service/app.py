"""The application: its routes, and what they share."""

import asyncio
from collections.abc import AsyncIterator

from aiohttp import web

from service.http import app_keys
from service.http.auth.tokens import Verifier
from service.http.body_drain import BodyDrain
from service.http.middleware import finish_headers, handle_request
from service.http.routes.table import add_routes
from service.http.upload.job import JOBS, JobRegistry
from service.imports.manager import ImportManager
from service.projects.retention import prune_periodically
from service.settings import Settings
from service.storage.pool import open_pool


def create_app(settings: Settings, dsn: str) -> web.Application:
    """Make the application; to be run by ``service.http.server.Runner``.

    Args:
        settings: all of it but the database.
        dsn: the database, migrated, by a URL.

    Raises:
        ValueError: a key for tokens is missing or too weak.
    """
    app = web.Application(middlewares=[handle_request])
    app[app_keys.SETTINGS] = settings
    app[app_keys.DSN] = dsn
    app[app_keys.VERIFIER] = Verifier(settings)
    app[app_keys.BODY_DRAIN] = BodyDrain(settings.max_refused)
    app[JOBS] = JobRegistry(settings.drain_timeout)
    app.cleanup_ctx.append(_verifying)
    app.cleanup_ctx.append(_importing)
    app.cleanup_ctx.append(_pruning)
    app.on_response_prepare.append(finish_headers)
    add_routes(app.router)
    return app


async def _verifying(app: web.Application) -> AsyncIterator[None]:
    """The keys of whoever issues tokens, kept fresh."""
    async with app[app_keys.VERIFIER].kept():
        yield


async def _importing(app: web.Application) -> AsyncIterator[None]:
    """The pool and the importer, from the first request to the last."""
    settings = app[app_keys.SETTINGS]
    async with (
        open_pool(settings, app[app_keys.DSN]) as pool,
        ImportManager(pool, settings) as importer,
    ):
        app[app_keys.POOL] = pool
        app[app_keys.MANAGER] = importer
        yield


async def _pruning(app: web.Application) -> AsyncIterator[None]:
    """What is past its keep goes in the background, where the settings say so."""
    if not app[app_keys.SETTINGS].prune:
        yield
        return
    task = asyncio.create_task(
        prune_periodically(app[app_keys.POOL], app[app_keys.SETTINGS]), name="prune"
    )
    yield
    task.cancel()
    await asyncio.wait([task])
