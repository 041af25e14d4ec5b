"""The row of an import: begin, take over, end, expire, cancel and read it.

Every change of a row's state holds a lock that the batches of the import share, so that no batch is
written meanwhile.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final

from service.errors import Forbidden
from service.imports.lease import Lease
from service.imports.options import DEFAULT_OPTIONS, ImportOptions
from service.imports.outcomes import Tally, count_outcomes
from service.model import FileWarning
from service.storage import Connection
from service.storage.advisory_locks import lock_import, share_client
from service.storage.clients import DISABLED, is_disabled
from service.storage.queries import Queries

_SQL = Queries("imports")

DEAD: Final = "The process that ran the import ended"


@dataclass(frozen=True, slots=True)
class ImportRequest:
    """Who asks for an import, and with which options.

    Attributes:
        key: the idempotency key, if there is one.
        nonce: random value by which to find the row if the answer to its INSERT was lost.
    """

    client_id: int
    subject: str
    request_id: str
    traceparent: str | None = None
    options: ImportOptions = DEFAULT_OPTIONS
    key: str | None = None
    nonce: bytes = field(default_factory=partial(secrets.token_bytes, 16))


@dataclass(frozen=True, slots=True)
class ImportEnd:
    """What the row of an import stores at its end; ``fingerprint`` is that of the upload."""

    state: str
    cause: str | None = None
    notes: str | None = None
    filename: str | None = None
    dialect: str | None = None
    bytes_read: int = 0
    warnings: Sequence[FileWarning] = ()
    fingerprint: bytes | None = None


async def begin_import(conn: Connection, request: ImportRequest, lock_timeout: float) -> int | None:
    """Insert the row of an import, with its first heartbeat.

    Args:
        lock_timeout: seconds to wait for the client's lock.

    Returns:
        The import's id, or None if another import holds the key.
    """
    async with conn.transaction(isolation="read_committed"):
        await share_client(conn, request.client_id, lock_timeout=lock_timeout)
        if await is_disabled(conn, request.client_id) is not False:  # disabled since its admission
            raise Forbidden(DISABLED)
        import_id: int | None = await conn.fetchval(
            _SQL.begin,
            request.client_id,
            request.subject,
            request.options.as_dict(),
            request.request_id,
            request.traceparent,
            request.key,
            request.nonce,
        )
    return import_id


async def take_over_import(
    conn: Connection, request: ImportRequest, import_id: int, attempt: int, expiry: float
) -> int | None:
    """Continue an import that was interrupted, or whose process is dead.

    Args:
        attempt: the attempt that is over.
        expiry: seconds without a heartbeat after which an import counts as dead.

    Returns:
        The number of the new attempt, or None if another upload took the import over first.
    """
    async with conn.transaction(isolation="read_committed"):
        await lock_import(conn, request.client_id, import_id)
        taken: int | None = await conn.fetchval(
            _SQL.take_over,
            request.client_id,
            import_id,
            attempt,
            request.options.as_dict(),
            request.request_id,
            request.traceparent,
            expiry,
            request.nonce,
        )
    return taken


async def end_import(conn: Connection, lease: Lease, end: ImportEnd) -> Tally | None:
    """Close an import's row with the counts of its outcomes, once none of its batches is running.

    The key is freed, unless the same upload should find this import again: see
    ``docs/how-an-import-ends.md``.

    Returns:
        The counts, or None if the lease is lost.
    """
    key = (lease.client_id, lease.import_id, lease.attempt)
    warnings = [warning.as_dict() for warning in end.warnings]
    async with conn.transaction(isolation="read_committed"):
        await lock_import(conn, lease.client_id, lease.import_id)
        counted = await count_outcomes(conn, *key, atomic=lease.options.atomic)
        refused = end.state in ("failed", "cancelled") or counted.conflict is not None
        ended = await conn.fetchval(
            _SQL.end,
            *key,
            end.state,
            end.cause,
            end.notes,
            end.filename,
            end.dialect,
            end.bytes_read,
            warnings,
            counted.counts,
            end.fingerprint,
            refused and end.state != "interrupted",
        )
    return replace(counted, warnings=warnings) if ended else None


async def expire_dead_imports(conn: Connection, client_id: int, expiry: float) -> list[int]:
    """Mark as interrupted the client's imports without a heartbeat for ``expiry`` seconds.

    Returns:
        Their ids.
    """
    return [
        row["import_id"]
        for row in await conn.fetch(_SQL.find_dead, client_id, expiry)
        if await _end_dead(conn, (client_id, row["import_id"], row["attempt"]), expiry)
    ]


async def request_cancel(
    conn: Connection, client_id: int, import_id: int, by: str, expiry: float
) -> bool:
    """Request that a running import stops; its process reads the request with its next heartbeat.

    If that process is dead, the import ends at once.

    Args:
        by: the subject who cancels the import.
        expiry: seconds without a heartbeat after which an import counts as dead.

    Returns:
        Whether the import was running.
    """
    running = await conn.fetchrow(_SQL.request_cancel, client_id, import_id, by, expiry)
    if running is not None and running["dead"]:
        key = (client_id, import_id, running["attempt"])
        await _end_dead(conn, key, expiry, "cancelled", cancel_cause(by))
    return running is not None


def cancel_cause(subject: str) -> str:
    """Return the cause of a cancelled import."""
    return f"Cancelled by {subject}" if subject else "Cancelled"


async def _end_dead(
    conn: Connection,
    key: tuple[int, int, int],
    expiry: float,
    state: str = "interrupted",
    cause: str = DEAD,
) -> bool:
    async with conn.transaction(isolation="read_committed"):
        await lock_import(conn, *key[:2])
        counted = await count_outcomes(conn, *key)
        return bool(await conn.fetchval(_SQL.end_dead, *key, counted.counts, expiry, state, cause))


async def find_import(
    conn: Connection, client_id: int, import_id: int, expiry: float
) -> dict[str, Any] | None:
    """Return one import, or None if the client has no such import.

    An import whose process has died is interrupted first, so nobody reads it as running.

    Args:
        expiry: seconds without a heartbeat after which an import counts as dead.
    """
    await expire_dead_imports(conn, client_id, expiry)
    row = await conn.fetchrow(_SQL.find_import, client_id, import_id)
    return dict(row) if row else None


@dataclass(frozen=True, slots=True)
class ImportQuery:
    """Which imports to list; None lists all.

    Attributes:
        state: the state of the imports.
        text: a text in their notes or filename, regardless of case.
        key: a subject and its idempotency key.
    """

    state: str | None = None
    text: str | None = None
    key: tuple[str, str] | None = None


async def list_imports(
    conn: Connection, client_id: int, expiry: float, *, query: ImportQuery, before: int, limit: int
) -> list[dict[str, Any]]:
    """Return a page of imports, the latest first.

    Args:
        expiry: as in ``find_import``.
        before: list the imports with smaller ids.
        limit: the maximum number of imports.
    """
    await expire_dead_imports(conn, client_id, expiry)
    subject, key = query.key or (None, None)
    rows = await conn.fetch(
        _SQL.list_imports, client_id, before, query.state, query.text, subject, key, limit
    )
    return [dict(row) for row in rows]
