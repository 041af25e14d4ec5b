"""Roles that read the schema ``report``, and transactions in which a test acts as one of them."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final

from service.storage import Connection

READER: Final = "reader"
ROLES: Final = (READER, "member", "stranger")
"""The roles of a test. They belong to the whole server, so that each test drops them."""

VIEWS: Final = """
SELECT relname::text, coalesce(reloptions::text, '') AS options
  FROM pg_class WHERE relnamespace = 'report'::regnamespace AND relkind = 'v' ORDER BY relname
"""
"""Query for the views of the schema."""

Acting = Callable[[str], AbstractAsyncContextManager[Connection]]


@asynccontextmanager
async def act_as(connection: Connection, role: str) -> AsyncIterator[Connection]:
    """Open a transaction of a role, which also works through a pooler that has one login."""
    transaction = connection.transaction()
    await transaction.start()
    await connection.execute(f"SET LOCAL ROLE {role}")
    try:
        yield connection
    finally:
        await transaction.rollback()
