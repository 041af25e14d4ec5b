"""The application: its routes, and what they share."""

from collections.abc import AsyncIterator

from aiohttp import web

from service.api import keys
from service.api.lingering import Lingering
from service.api.requests import answer, before_headers
from service.api.routes import add_routes
from service.api.tokens import Verifier
from service.api.uploads import UPLOADS, Uploads
from service.db.pool import open_pool
from service.importer.importer import Importer
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
    app.cleanup_ctx.append(_importing)
    app.on_response_prepare.append(before_headers)
    add_routes(app.router)
    return app


async def _importing(app: web.Application) -> AsyncIterator[None]:
    """The pool and the importer, from the first request to the last."""
    settings = app[keys.SETTINGS]
    async with (
        await open_pool(settings, app[keys.DSN]) as pool,
        Importer(pool, settings) as importer,
    ):
        app[keys.POOL] = pool
        app[keys.IMPORTER] = importer
        yield
