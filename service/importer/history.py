"""Imports as answers tell them."""

from typing import Any

from service.db import Connection
from service.db.queries import Queries
from service.importer.lifecycle import bury_dead

_SQL = Queries("imports")


async def find(
    conn: Connection, client_id: int, import_id: int, expiry: float
) -> dict[str, Any] | None:
    """One import, or None where the client has no such import.

    Whoever asks for an import whose process has died finds it interrupted: ``expiry`` is the
    silence, in seconds, that counts as death.
    """
    await bury_dead(conn, client_id, expiry)
    row = await conn.fetchrow(_SQL.find, client_id, import_id)
    return dict(row) if row else None
