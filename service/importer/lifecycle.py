"""An import's row: begun, ended, and found dead; each under the locks that its batches share."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from service.db import Connection
from service.db.queries import Queries
from service.importer.batches import Owner
from service.importer.keys import client_key, import_key
from service.importer.outcomes import Tally, tally
from service.model import FileWarning

_SQL = Queries("imports")


@dataclass(frozen=True, slots=True)
class Request:
    """Who asks for an import, and how."""

    client_id: int
    subject: str
    request_id: str
    traceparent: str | None = None
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class End:
    """What an import's row says once it has ended."""

    state: str
    cause: str | None = None
    notes: str | None = None
    filename: str | None = None
    dialect: str | None = None
    bytes_read: int = 0
    warnings: Sequence[FileWarning] = ()


async def begin(conn: Connection, request: Request) -> int:
    """Write the row of an import that starts now, and its first heartbeat.

    Returns:
        The import's id.
    """
    async with conn.transaction():
        await conn.execute(_SQL.share_client, client_key(request.client_id))
        import_id: int = await conn.fetchval(
            _SQL.begin,
            request.client_id,
            request.subject,
            request.options,
            request.request_id,
            request.traceparent,
        )
    return import_id


async def end(conn: Connection, owner: Owner, how: End) -> Tally | None:
    """Close an import's row with the counts of its outcomes, once no batch of it is under way.

    Returns:
        The counts, or None where the import was no longer ours to end.
    """
    key = (owner.client_id, owner.import_id, owner.attempt)
    async with conn.transaction(isolation="read_committed"):
        await conn.execute(_SQL.hold_import, import_key(owner.client_id, owner.import_id))
        counted = await tally(conn, *key)
        ended = await conn.fetchval(
            _SQL.end,
            *key,
            how.state,
            how.cause,
            how.notes,
            how.filename,
            how.dialect,
            how.bytes_read,
            [warning.as_dict() for warning in how.warnings],
            counted.counts,
        )
    return counted if ended else None


async def bury_dead(conn: Connection, client_id: int, expiry: float) -> list[int]:
    """Mark the client's imports as interrupted whose owner has sent no heartbeat for ``expiry`` s.

    Returns:
        Their ids.
    """
    buried = []
    for row in await conn.fetch(_SQL.dead, client_id, expiry):
        key = (client_id, row["import_id"], row["attempt"])
        async with conn.transaction(isolation="read_committed"):
            await conn.execute(_SQL.hold_import, import_key(*key[:2]))
            counted = await tally(conn, *key)
            if await conn.fetchval(_SQL.bury, *key, counted.counts, expiry):
                buried.append(key[1])
    return buried
