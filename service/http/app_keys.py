"""What the routes share: the objects that the application carries, and queries through its pool."""

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import asyncpg
from aiohttp import web

from service.http.auth.tokens import Verifier
from service.http.body_drain import BodyDrain
from service.imports.manager import ImportManager
from service.settings import Settings
from service.storage import Connection
from service.storage.retry import with_retries

T = TypeVar("T")

SETTINGS: Final = web.AppKey("settings", Settings)
DSN: Final = web.AppKey("dsn", str)
POOL: Final[web.AppKey["asyncpg.Pool[asyncpg.Record]"]] = web.AppKey("pool", asyncpg.Pool)
MANAGER: Final = web.AppKey("manager", ImportManager)
VERIFIER: Final = web.AppKey("verifier", Verifier)
BODY_DRAIN: Final = web.AppKey("body_drain", BodyDrain)


async def run_query(app: web.Application, query: Callable[[Connection], Awaitable[T]]) -> T:
    """Run a query; repeat it while the database is unreachable for a moment.

    Args:
        app: has the pool, and the time after which to give up.
        query: safe to run twice, because its answer can be lost.

    Raises:
        Unavailable: the database stays unreachable.
    """

    async def attempt(conn: Connection, _again: bool) -> T:
        return await query(conn)

    return await with_retries(app[POOL], attempt, app[SETTINGS].connect_timeout)
