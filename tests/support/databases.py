"""Databases and servers that tests look into."""

from pathlib import Path
from typing import Final

from service.storage.embedded import server

CLIENT_TABLES: Final = """
SELECT c.relname AS table_name
  FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'client_id'
 WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
"""
"""Query for the names of all tables that have a client."""


def embedded_pid(root: Path, version: str) -> int | None:
    """Return the process id of the embedded server below ``root``, or None if it is not running."""
    return server._postmaster_pid(root / f"pg{version}" / "data")
