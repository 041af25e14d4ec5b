"""The application: its routes, and what they share."""

import asyncio
from collections.abc import AsyncIterator

from aiohttp import web

from service.api import keys
from service.api.lingering import Lingering
from service.api.requests import answer, before_headers
from service.api.routes import add_routes
from service.api.tokens import Verifier
from service.api.uploads import UPLOADS, Uploads
from service.db.pool import opened_pool
from service.importer.importer import Importer
from service.importer.prune import keep_pruned
from service.settings import Settings


def create_app(settings: Settings, dsn: str) -> web.Application:
    """Make the application; to be run by ``service.api.protocol.Runner``.

    Args:
        settings: all of it but the database.
        dsn: the database, migrated, by a URL.

    Raises:
        ValueError: a key for tokens is missing or too weak.
    """
    app = web.Application(middlewares=[answer])
    app[keys.SETTINGS] = settings
    app[keys.DSN] = dsn
    app[keys.VERIFIER] = Verifier(settings)
    app[keys.LINGERING] = Lingering(settings.max_refused)
    app[UPLOADS] = Uploads(settings.drain_timeout)
    app.cleanup_ctx.append(_verifying)
    app.cleanup_ctx.append(_importing)
    app.cleanup_ctx.append(_pruning)
    app.on_response_prepare.append(before_headers)
    add_routes(app.router)
    return app


async def _verifying(app: web.Application) -> AsyncIterator[None]:
    """The keys of whoever issues tokens, kept fresh."""
    async with app[keys.VERIFIER].kept():
        yield


async def _importing(app: web.Application) -> AsyncIterator[None]:
    """The pool and the importer, from the first request to the last."""
    settings = app[keys.SETTINGS]
    async with (
        opened_pool(settings, app[keys.DSN]) as pool,
        Importer(pool, settings) as importer,
    ):
        app[keys.POOL] = pool
        app[keys.IMPORTER] = importer
        yield


async def _pruning(app: web.Application) -> AsyncIterator[None]:
    """What is past its keep goes in the background, where the settings say so."""
    if not app[keys.SETTINGS].prune:
        yield
        return
    task = asyncio.create_task(keep_pruned(app[keys.POOL], app[keys.SETTINGS]), name="prune")
    yield
    task.cancel()
    await asyncio.wait([task])
