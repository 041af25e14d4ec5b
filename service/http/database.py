"""How routes ask the database: again while it is away for a moment, then a 503."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from aiohttp import web

from service.http import app_keys
from service.storage import Connection
from service.storage.retry import with_retries

T = TypeVar("T")


async def run_query(app: web.Application, question: Callable[[Connection], Awaitable[T]]) -> T:
    """The answer to a question, or to a wish, that may be put twice where its answer was lost.

    Raises:
        Unavailable: the database stays away.
    """

    async def asked(conn: Connection, _again: bool) -> T:
        return await question(conn)

    return await with_retries(app[app_keys.POOL], asked, app[app_keys.SETTINGS].connect_timeout)
