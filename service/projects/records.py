"""Reads what a version holds with short keyset queries.

No cursor stays open while a client reads slowly.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, Final, NamedTuple

import asyncpg

from service.storage import Connection
from service.storage.queries import Queries
from service.tables import COLUMNS, PROJECT_COLUMNS, SHARED_OBJECT, Table

SQL: Final = Queries("projects")

PAGE_ROWS: Final = 1000
PAGE_BYTES: Final = 128 * 1024
"""Bytes of a page as PostgreSQL stores them; it compresses values over 2 KiB."""

Page = list["asyncpg.Record"]
Pages = AsyncIterator[Page]
Query = Callable[[Connection], Awaitable[Page]]
RunQuery = Callable[[Query], Awaitable[Page]]
"""Runs a query on a connection of the pool, and repeats it while the database is unavailable."""


class VersionKey(NamedTuple):
    """One version of one project."""

    client_id: int
    project_id: int
    version: int


class VersionGone(Exception):
    """The version does not exist, or was removed while it was read."""


SelectList = Callable[[Sequence[str]], str]
"""Makes the list of a SELECT from the names of columns."""


def as_text(columns: Sequence[str]) -> str:
    """Select each column as PostgreSQL prints it, under its own name."""
    return ", ".join(f"{column}::text AS {column}" for column in columns)


def as_json(columns: Sequence[str]) -> str:
    """Select all columns as one JSON object, ``line``."""
    return f"(SELECT row_to_json(r)::text FROM (SELECT {', '.join(columns)}) AS r) AS line"


PROJECT_AS_TEXT: Final = SQL.project_as_text.format(columns=as_text(PROJECT_COLUMNS))
PROJECT_AS_JSON: Final = SQL.project_as_json.format(columns=", ".join(PROJECT_COLUMNS))


async def read_project(run_query: RunQuery, key: VersionKey, query: str) -> asyncpg.Record:
    """Return the project's own row in a version, without its records.

    Args:
        query: ``PROJECT_AS_TEXT`` or ``PROJECT_AS_JSON``.

    Raises:
        VersionGone: the version does not exist.
        Unavailable: the database is unavailable.
    """
    for row in await run_query(bind_query(query, *key, settings=SQL.follow_keys)):
        return row
    raise VersionGone


async def read_records(
    run_query: RunQuery, key: VersionKey, table: Table, select: SelectList, after: int = -1
) -> Pages:
    """Yield the rows of one table in file order, a page at a time. The caller may empty a page.

    Args:
        run_query: runs a query on a connection of the pool.
        key: the version.
        table: the table.
        select: makes the list of the SELECT.
        after: ordinal of the last row that is left out.

    Raises:
        Unavailable: the database is unavailable.
    """
    columns = COLUMNS[table][1:]
    query = SQL.records.format(table=table.value, columns=select(columns), size=_size(columns))
    while page := await run_query(bind_query(query, *key, after, PAGE_BYTES, PAGE_ROWS)):
        after = page[-1]["ordinal"]
        yield page


async def read_shared_objects(
    run_query: RunQuery, client_id: int, hashes: Sequence[bytes], select: SelectList
) -> Pages:
    """Yield the shared objects that have the given hashes, a page at a time.

    Args:
        hashes: sorted.

    Raises:
        VersionGone: one of them does not exist.
        Unavailable: the database is unavailable.
    """
    columns = [column.name for column in SHARED_OBJECT]
    query = SQL.shared.format(columns=select(columns), size=_size(columns))
    start = 0
    while group := hashes[start : start + PAGE_ROWS]:
        page = await run_query(bind_query(query, client_id, group, PAGE_BYTES))
        if not page or [row["hash"] for row in page] != list(group[: len(page)]):
            raise VersionGone
        start += len(page)
        yield page


async def check_kept(run_query: RunQuery, key: VersionKey) -> None:
    """Check, after reading a version, that all of it existed until now.

    Raises:
        VersionGone: the version was removed.
    """
    if not await run_query(bind_query(SQL.kept, *key)):
        raise VersionGone


def bind_query(query: str, *values: Any, settings: str = SQL.set_style) -> Query:
    """Return a query with its values; its text does not depend on the settings of the role.

    Args:
        settings: the query that sets them.
    """

    async def fetch(conn: Connection) -> Page:
        async with conn.transaction(isolation="read_committed", readonly=True):
            await conn.execute(settings)
            return await conn.fetch(query, *values)

    return fetch


def _size(columns: Sequence[str]) -> str:
    return "(" + " + ".join(f"coalesce(pg_column_size({name}), 0)" for name in columns) + ")"
