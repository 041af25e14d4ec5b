"""Databases and servers that tests look into."""

from pathlib import Path
from typing import Any, Final

import asyncpg

from service.storage.embedded import server

ADD_CLIENT: Final = "INSERT INTO clients (client_id, name) VALUES (1, 'Demo')"
CLIENT_TABLES: Final = """
SELECT c.relname AS table_name
  FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'client_id'
 WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
"""
"""Query for the names of all tables that have a client."""


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
