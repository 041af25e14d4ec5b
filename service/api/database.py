"""How routes ask the database: again while it is away for a moment, then a 503."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from aiohttp import web

from service.api import keys
from service.db import Connection
from service.importer.retries import retrying

T = TypeVar("T")


async def ask(app: web.Application, question: Callable[[Connection], Awaitable[T]]) -> T:
    """The answer to a question, or to a wish, that may be put twice where its answer was lost.

    Raises:
        Unavailable: the database stays away.
    """

    async def asked(conn: Connection, _again: bool) -> T:
        return await question(conn)

    return await retrying(app[keys.POOL], asked, app[keys.SETTINGS].connect_timeout)
