"""An import's row: begun, taken over, ended, found dead; each under the locks its batches share."""

import math
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final

import asyncpg

from service.errors import Forbidden
from service.imports.options import DEFAULT_OPTIONS, ImportOptions
from service.imports.outcomes import Tally, count_outcomes
from service.imports.pipeline.batch import Lease
from service.model import FileWarning
from service.storage import Connection
from service.storage.advisory_locks import client_key, import_key
from service.storage.clients import DISABLED, is_disabled
from service.storage.queries import Queries

_SQL = Queries("imports")

_PATIENCE: Final = 1.0
"""Seconds that whoever ends an import or takes it over waits for its batches; then their backends
are ended. The owner's own have ended by then, another's owner is dead."""

DEAD: Final = "The process that ran the import ended"


@dataclass(frozen=True, slots=True)
class ImportRequest:
    """Who asks for an import, and how.

    ``key`` is its idempotency key, if it has one; by its ``nonce`` it finds its own row again.
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
    """What an import's row says once it has ended; the ``fingerprint`` is of what was uploaded."""

    state: str
    cause: str | None = None
    notes: str | None = None
    filename: str | None = None
    dialect: str | None = None
    bytes_read: int = 0
    warnings: Sequence[FileWarning] = ()
    fingerprint: bytes | None = None


async def begin_import(conn: Connection, request: ImportRequest, lock_timeout: float) -> int | None:
    """Write the row of an import that starts now, and its first heartbeat.

    Args:
        lock_timeout: the longest wait for the client's lock, in seconds.

    Returns:
        The import's id, or None where another import holds the key.
    """
    async with conn.transaction(isolation="read_committed"):
        await conn.execute(_SQL.share_client, client_key(request.client_id), _ms(lock_timeout))
        if await is_disabled(conn, request.client_id) is not False:  # since it was let in
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
    """Go on with an import that was interrupted, or whose owner is dead.

    Args:
        attempt: the one that is over.
        expiry: seconds without a heartbeat that count as death.

    Returns:
        The number of the attempt that begins, or None where another was quicker.
    """
    async with conn.transaction(isolation="read_committed"):
        await _hold_import(conn, request.client_id, import_id)
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


async def end_import(conn: Connection, owner: Lease, how: ImportEnd) -> Tally | None:
    """Close an import's row with the counts of its outcomes, once no batch of it is under way.

    Its key is freed unless sending the same again should find this import: see
    ``docs/how-an-import-ends.md``.

    Returns:
        The counts, or None where the import was no longer ours to end.
    """
    key = (owner.client_id, owner.import_id, owner.attempt)
    warnings = [warning.as_dict() for warning in how.warnings]
    async with conn.transaction(isolation="read_committed"):
        await _hold_import(conn, owner.client_id, owner.import_id)
        counted = await count_outcomes(conn, *key, atomic=owner.options.atomic)
        refused = how.state in ("failed", "cancelled") or counted.conflict is not None
        ended = await conn.fetchval(
            _SQL.end,
            *key,
            how.state,
            how.cause,
            how.notes,
            how.filename,
            how.dialect,
            how.bytes_read,
            warnings,
            counted.counts,
            how.fingerprint,
            refused and how.state != "interrupted",
        )
    return replace(counted, warnings=warnings) if ended else None


async def expire_dead_imports(conn: Connection, client_id: int, expiry: float) -> list[int]:
    """Mark the client's imports as interrupted whose owner has sent no heartbeat for ``expiry`` s.

    Returns:
        Their ids.
    """
    return [
        row["import_id"]
        for row in await conn.fetch(_SQL.dead, client_id, expiry)
        if await _bury(conn, (client_id, row["import_id"], row["attempt"]), expiry)
    ]


async def request_cancel(
    conn: Connection, client_id: int, import_id: int, by: str, expiry: float
) -> bool:
    """Have a running import stopped: by its owner, or here and now where the owner is dead.

    Args:
        by: the subject who wants it.
        expiry: seconds without a heartbeat that count as death.

    Returns:
        Whether it was running.
    """
    wish = await conn.fetchrow(_SQL.wish_cancelled, client_id, import_id, by, expiry)
    if wish is not None and wish["dead"]:
        key = (client_id, import_id, wish["attempt"])
        await _bury(conn, key, expiry, "cancelled", cancel_cause(by))
    return wish is not None


def cancel_cause(subject: str) -> str:
    """The cause that a cancelled import has."""
    return f"Cancelled by {subject}" if subject else "Cancelled"


async def _bury(
    conn: Connection,
    key: tuple[int, int, int],
    expiry: float,
    state: str = "interrupted",
    cause: str = DEAD,
) -> bool:
    async with conn.transaction(isolation="read_committed"):
        await _hold_import(conn, *key[:2])
        counted = await count_outcomes(conn, *key)
        return bool(await conn.fetchval(_SQL.bury, *key, counted.counts, expiry, state, cause))


async def _hold_import(conn: Connection, client_id: int, import_id: int) -> None:
    """Hold the import's lock alone until the transaction ends, whoever holds it now.

    Waits, so that its turn comes; the backends of those who hold it for longer are ended.
    """
    key = import_key(client_id, import_id)
    if await conn.fetchval(_SQL.try_import, key, _ms(_PATIENCE)):
        return
    while True:
        try:
            async with conn.transaction():
                await conn.execute(_SQL.hold_import, key, _ms(_PATIENCE))
                return
        except asyncpg.LockNotAvailableError:
            await conn.execute(_SQL.end_holders, key)


def _ms(seconds: float) -> str:
    return str(math.ceil(seconds * 1000))
