"""Databases and servers that tests look into."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

import asyncpg
from asyncpg.exceptions import InternalClientError

from service.storage.embedded import server

ADD_CLIENT: Final = "INSERT INTO clients (client_id, name) VALUES (1, 'Demo')"
CLIENT_TABLES: Final = """
SELECT c.relname AS table_name
  FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'client_id'
 WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
"""
"""Query for the names of all tables that have a client."""
LOST: Final = (asyncpg.PostgresConnectionError, asyncpg.InterfaceError, InternalClientError)
"""What asyncpg raises on a lost connection; the last if its end is being read."""


def embedded_pid(root: Path, version: str) -> int | None:
    """Return the process id of the embedded server below ``root``, or None if it is not running."""
    return server._postmaster_pid(root / f"pg{version}" / "data")


async def execute(dsn: str, statement: str) -> Any:
    """Execute a statement on a new connection and return its first value."""
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


@asynccontextmanager
async def create_database(
    server: str, name: str, template: str = "template1"
) -> AsyncIterator[str]:
    """Create a database until the block ends, and yield its URL."""
    admin = await asyncpg.connect(server)
    await admin.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    yield urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
    await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await admin.close()


def as_role(dsn: str, role: str) -> str:
    """Return the DSN with another role, which may be followed by a colon and its password."""
    parts = urlsplit(dsn)
    return urlunsplit(parts._replace(netloc=f"{role}@{parts.netloc.rpartition('@')[2]}"))


def earlier(column: str, interval: str = "") -> str:
    """Return an assignment that moves a time back, by ``$1`` if no interval is given.

    Citus wants immutable functions of a column, and most functions of a time depend on a zone.
    """
    by = f"interval '{interval}'" if interval else "$1::interval"
    return f"{column} = ({column} AT TIME ZONE 'UTC' - {by}) AT TIME ZONE 'UTC'"
