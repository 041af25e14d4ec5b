"""Reads the imports of a client: one, or a page of them."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final

from service.imports.outcomes import count_outcomes
from service.storage import Connection
from service.storage.queries import Queries

_SQL = Queries("imports")
_FOLLOW_KEYS: Final = Queries("projects").follow_keys
EXAMINED: Final = 20_000
"""Imports that a page with a filter examines."""
RESULTS: Final = (
    "running",
    "completed",
    "partial",
    "failed",
    "interrupted",
    "cancelled",
    "undone",
)
"""What became of an import: its state, unless it completed with failures or was undone."""


async def find_import(conn: Connection, client_id: int, import_id: int) -> dict[str, Any] | None:
    """Return one import, or None if the client has no such import."""
    text = _SQL.list_imports.format(imports=_SQL.list_one)
    row = await conn.fetchrow(text, client_id, import_id, 1, None, None, None)
    return await _with_counts(conn, client_id, dict(row)) if row else None


async def list_ended(conn: Connection, client_id: int, imports: Collection[int]) -> set[int]:
    """Return those of some imports of a client, by id, that have their counts or are deleted."""
    rows = await conn.fetch(_SQL.list_ended, client_id, imports)
    return {row["import_id"] for row in rows}


async def _with_counts(conn: Connection, client_id: int, row: dict[str, Any]) -> dict[str, Any]:
    """Add the counts of an import that ended a moment ago, if they are not stored yet."""
    if row["counts"] is None and row["state"] != "running":
        key = (client_id, row["import_id"], row["attempt"])
        row["counts"] = (await count_outcomes(conn, *key)).counts
    return row


@dataclass(frozen=True, slots=True)
class ImportQuery:
    """Which imports to list; None lists all.

    Attributes:
        state: the state of the imports.
        result: their result, one of ``RESULTS``.
        text: a text in their notes or filename, regardless of case.
        key: a subject and its idempotency key.
    """

    state: str | None = None
    result: str | None = None
    text: str | None = None
    key: tuple[str, str] | None = None


async def list_imports(
    conn: Connection, client_id: int, *, query: ImportQuery, before: int, limit: int
) -> tuple[list[dict[str, Any]], int | None]:
    """Return a page of imports, the latest first, and the id after which the next page begins.

    A page examines at most ``EXAMINED`` imports, so it can have fewer than ``limit`` although
    others follow.

    Args:
        before: list the imports with smaller ids.
        limit: the maximum number of imports.
    """
    values = (client_id, before, limit, query.state, query.text, query.result)
    async with conn.transaction(isolation="read_committed", readonly=True):
        await conn.execute(_FOLLOW_KEYS)
        if query.key is not None:
            text = _SQL.list_imports.format(imports=_SQL.list_by_key)
            rows = await conn.fetch(text, *values, *query.key)
        else:
            text = _SQL.list_imports.format(imports=_SQL.list_latest)
            rows = await conn.fetch(text, *values, EXAMINED)
        last = rows[-1]["import_id"] if len(rows) == limit else None
        if last is None and query.key is None and (query.state or query.result or query.text):
            last = await conn.fetchval(_SQL.find_scan_end, client_id, before, EXAMINED)
    return [await _with_counts(conn, client_id, dict(row)) for row in rows], last
