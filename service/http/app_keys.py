"""The objects that routes share through the application, and queries through its pool."""

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import asyncpg
from aiohttp import web

from service.http.answer_pace import AnswerPace
from service.http.auth.sign_in import SignIn
from service.http.auth.tokens import Verifier
from service.http.body_drain import BodyDrain
from service.http.read_slots import ReadSlots
from service.imports.end_watch import EndWatch
from service.imports.manager import ImportManager
from service.settings import Settings
from service.storage import Connection
from service.storage.retry import with_retries

T = TypeVar("T")

SETTINGS: Final = web.AppKey("settings", Settings)
DSN: Final = web.AppKey("dsn", str)
POOL: Final[web.AppKey["asyncpg.Pool[asyncpg.Record]"]] = web.AppKey("pool", asyncpg.Pool)
DISTRIBUTED: Final = web.AppKey("distributed", bool)
"""Whether the tables are distributed over the nodes of a Citus cluster."""
MANAGER: Final = web.AppKey("manager", ImportManager)
END_WATCH: Final = web.AppKey("end_watch", EndWatch)
SIGN_IN: Final = web.AppKey("sign_in", SignIn)
VERIFIER: Final = web.AppKey("verifier", Verifier)
BODY_DRAIN: Final = web.AppKey("body_drain", BodyDrain)
READ_SLOTS: Final = web.AppKey("read_slots", ReadSlots)
ANSWER_PACE: Final = web.AppKey("answer_pace", AnswerPace)


async def run_query(app: web.Application, query: Callable[[Connection], Awaitable[T]]) -> T:
    """Run a query; repeat it while the database is unreachable for a moment.

    Args:
        app: its pool runs the query, and its settings limit the retries.
        query: must be safe to run twice, because the first answer can be lost.

    Raises:
        Unavailable: the database stays unreachable.
    """

    async def attempt(conn: Connection, _again: bool) -> T:
        return await query(conn)

    return await with_retries(app[POOL], attempt, app[SETTINGS].connect_timeout)
