"""Imports as answers tell them."""

from dataclasses import dataclass
from typing import Any

from service.imports.record import expire_dead_imports
from service.storage import Connection
from service.storage.queries import Queries

_SQL = Queries("imports")


async def find_import(
    conn: Connection, client_id: int, import_id: int, expiry: float
) -> dict[str, Any] | None:
    """One import, or None where the client has no such import.

    Whoever asks for an import whose process has died finds it interrupted: ``expiry`` is the
    silence, in seconds, that counts as death.
    """
    await expire_dead_imports(conn, client_id, expiry)
    row = await conn.fetchrow(_SQL.find, client_id, import_id)
    return dict(row) if row else None


@dataclass(frozen=True, slots=True)
class ImportQuery:
    """Which imports are asked for; None asks for all.

    Attributes:
        state: how they are.
        text: in their notes or filename, small or capital.
        key: an idempotency key, with the subject whose it is.
    """

    state: str | None = None
    text: str | None = None
    key: tuple[str, str] | None = None


async def list_imports(
    conn: Connection, client_id: int, expiry: float, *, wanted: ImportQuery, before: int, limit: int
) -> list[dict[str, Any]]:
    """Imports, the latest first.

    Args:
        expiry: as for ``find``.
        before: the id from which to go back.
        limit: how many at most.
    """
    await expire_dead_imports(conn, client_id, expiry)
    subject, key = wanted.key or (None, None)
    rows = await conn.fetch(
        _SQL.page, client_id, before, wanted.state, wanted.text, subject, key, limit
    )
    return [dict(row) for row in rows]
