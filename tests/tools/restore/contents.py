"""What a database contains, as counts and hashes that can be compared."""

import contextlib
from collections.abc import AsyncIterator
from typing import Final

import asyncpg

from service.storage import Connection
from tests.support.readers import VIEWS

_TABLES: Final = """
SELECT format('%I.%I', relnamespace::regnamespace::text, relname)
  FROM pg_class
 WHERE relnamespace::regnamespace::text IN ('public', 'report') AND relkind IN ('r', 'p')
   AND NOT relispartition
 ORDER BY 1
"""
_HASH: Final = """
SELECT count(*) || ' rows, ' || coalesce(md5(string_agg(hash, '' ORDER BY hash)), 'none')
  FROM (SELECT md5(t::text) AS hash FROM {} AS t) AS hashes
"""

_READERS: Final = "(SELECT client_id, role_name, granted_at FROM report.readers)"
"""The number of a role that is dropped may be that of another role elsewhere."""

Contents = dict[str, str]
"""The number of rows and the hash of all rows, by table or view."""


@contextlib.asynccontextmanager
async def connected(dsn: str) -> AsyncIterator[Connection]:
    """Open a connection that shows each value in the same style."""
    settings = {"timezone": "UTC", "application_name": "restore-check"}
    connection = await asyncpg.connect(dsn, statement_cache_size=0, server_settings=settings)
    try:
        yield connection
    finally:
        await connection.close(timeout=10)


async def read_tables(connection: Connection) -> Contents:
    """Read all tables of the service."""
    names = [name for (name,) in await connection.fetch(_TABLES)]
    rows = {name: _READERS if name == "report.readers" else name for name in names}
    return {name: await connection.fetchval(_HASH.format(rows[name]), timeout=60) for name in names}


async def read_report(connection: Connection, role: str) -> Contents:
    """Read all views of the schema ``report`` as a reader sees them.

    Args:
        connection: of a superuser, in a transaction that ends with this.
        role: the reader's.
    """
    names = [row["relname"] for row in await connection.fetch(VIEWS)]
    await connection.execute(f"SET LOCAL ROLE {role}")
    found = {
        name: await connection.fetchval(_HASH.format(f"report.{name}"), timeout=60)
        for name in names
    }
    await connection.execute("RESET ROLE")
    return found


async def report_of(dsn: str, role: str) -> Contents:
    """Do the same on a new connection."""
    async with connected(dsn) as connection, connection.transaction():
        return await read_report(connection, role)


async def tables_of(dsn: str) -> Contents:
    """Read all tables on a new connection."""
    async with connected(dsn) as connection:
        return await read_tables(connection)


def assert_equal(old: Contents, new: Contents, *, apart_from: tuple[str, ...] = ()) -> None:
    """Raise an error that names each table or view that differs.

    Raises:
        AssertionError: the contents differ.
    """
    differences = [
        f"{name}: {old.get(name)} before, {new.get(name)} after"
        for name in sorted(old.keys() | new.keys())
        if name not in apart_from and old.get(name) != new.get(name)
    ]
    assert not differences, "\n".join(differences)
