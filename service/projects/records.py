"""What a version holds, by short keyset reads: no cursor stays open while somebody reads slowly."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, Final, NamedTuple

import asyncpg

from service.storage import Connection
from service.storage.queries import Queries
from service.tables import COLUMNS, Table

SQL: Final = Queries("projects")

PAGE_ROWS: Final = 1000
PAGE_BYTES: Final = 128 * 1024
"""Bytes of a page as PostgreSQL stores them, compressed where a value is over 2 KiB."""

SHARED_COLUMNS: Final = ("element", "object_id", "attributes")

Rows = Sequence["asyncpg.Record"]
Pages = AsyncIterator[Rows]
Question = Callable[[Connection], Awaitable[Rows]]
RunQuery = Callable[[Question], Awaitable[Rows]]
"""Puts a question to the database, again while it is away for a moment."""


class VersionKey(NamedTuple):
    """One version of one project."""

    client_id: int
    project_id: int
    version: int


class VersionGone(Exception):
    """The version was pruned, or its client removed, while it was read."""


Form = Callable[[Sequence[str]], str]
"""From the columns wanted to what stands in a select list."""


def as_text(columns: Sequence[str]) -> str:
    """Each column as PostgreSQL prints it, under its own name."""
    return ", ".join(f"{column}::text AS {column}" for column in columns)


def as_json(columns: Sequence[str]) -> str:
    """All of them as one JSON object, ``line``."""
    named = ", ".join(columns)
    return f"(SELECT row_to_json(r)::text FROM (SELECT {named}) AS r) AS line"


async def records(ask: RunQuery, key: VersionKey, table: Table, form: Form) -> Pages:
    """The rows of one table, in the file's order, a page at a time.

    Raises:
        Unavailable: the database stays away.
    """
    columns = COLUMNS[table][1:]
    query = SQL.records.format(table=table.value, columns=form(columns), size=_size(columns))
    after = -1
    while page := await ask(fetching(query, *key, after, PAGE_BYTES, PAGE_ROWS)):
        yield page
        after = page[-1]["ordinal"]


async def shared_objects(
    ask: RunQuery, client_id: int, hashes: Sequence[bytes], form: Form
) -> Pages:
    """Shared objects by their hashes, which are sorted, a page at a time.

    Raises:
        Gone: one of them is not there.
        Unavailable: the database stays away.
    """
    query = SQL.shared.format(columns=form(SHARED_COLUMNS), size=_size(SHARED_COLUMNS))
    start = 0
    while wanted := hashes[start : start + PAGE_ROWS]:
        page = await ask(fetching(query, client_id, wanted, PAGE_BYTES))
        if not page or [row["hash"] for row in page] != list(wanted[: len(page)]):
            raise VersionGone
        yield page
        start += len(page)


async def check_kept(ask: RunQuery, key: VersionKey) -> None:
    """To be asked when all was read: whether it was there all the while.

    Raises:
        Gone: it was not.
    """
    if not await ask(fetching(SQL.kept, *key)):
        raise VersionGone


async def own(ask: RunQuery, key: VersionKey, query: str) -> asyncpg.Record:
    """What the version says itself, by one of the queries for that.

    Raises:
        Gone: there is no such version.
        Unavailable: the database stays away.
    """
    for row in await ask(fetching(query, *key)):
        return row
    raise VersionGone


def fetching(query: str, *values: Any) -> Question:
    """A query to be asked, whose values as text are always in the same style."""

    async def fetch(conn: Connection) -> Rows:
        async with conn.transaction(isolation="read_committed", readonly=True):
            await conn.execute(SQL.speak)
            return await conn.fetch(query, *values)

    return fetch


def _size(columns: Sequence[str]) -> str:
    return "(" + " + ".join(f"coalesce(pg_column_size({name}), 0)" for name in columns) + ")"
