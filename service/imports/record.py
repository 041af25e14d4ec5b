"""The row of an import: begin, take over, end, cancel and read it.

Every change of a row's state holds a lock that the batches of the import share, so that no batch is
written meanwhile.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final

from service.errors import Forbidden
from service.imports.lease import Lease
from service.imports.options import DEFAULT_OPTIONS, ImportOptions
from service.imports.outcomes import Tally, count_outcomes
from service.model import FileWarning
from service.storage import Connection
from service.storage.advisory_locks import (
    claim_key,
    lock_import,
    lock_undone,
    lock_work,
    share_client,
)
from service.storage.clients import DISABLED, is_disabled
from service.storage.queries import Queries

_SQL = Queries("imports")
_FOLLOW_KEYS: Final = Queries("projects").follow_keys
EXAMINED: Final = 20_000
"""Imports that a page with a filter examines."""


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


@dataclass(frozen=True, slots=True)
class EndedImport:
    """The state in which an import ended, and its result."""

    state: str
    tally: Tally


class ImportInProgress(Exception):
    """Another import is running under the same key; or it is undone by this one, or undoes it.

    Args:
        import_id: the other import.
    """

    def __init__(self, import_id: int) -> None:
        super().__init__(import_id)
        self.import_id = import_id


async def begin_import(conn: Connection, request: ImportRequest, lock_timeout: float) -> int | None:
    """Insert the row of an import, with its first heartbeat.

    Args:
        lock_timeout: seconds to wait for each lock.

    Returns:
        The import's id, or None if another import holds the key.

    Raises:
        ImportInProgress: the import is an undo of one that is running or is being undone.
    """
    async with conn.transaction(isolation="read_committed"):
        work = claim_key(request.nonce)
        if request.options.undo is not None:
            await lock_work(conn, work, lock_timeout)
            await _exclude_undone(conn, request, lock_timeout)
        await share_client(conn, request.client_id, work=work, lock_timeout=lock_timeout)
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
    conn: Connection, request: ImportRequest, import_id: int, attempt: int, lock_timeout: float
) -> int | None:
    """Continue an interrupted import.

    Args:
        attempt: the attempt that is over.
        lock_timeout: seconds to wait for an earlier try of the same claim.

    Returns:
        The number of the new attempt, or None if another upload took the import over first.

    Raises:
        ImportInProgress: the import is being undone; or it is an undo of one that is running or is
            being undone.
    """
    async with conn.transaction(isolation="read_committed"):
        await lock_work(conn, claim_key(request.nonce), lock_timeout)
        if request.options.undo is not None:
            await _exclude_undone(conn, request, lock_timeout)
        await lock_import(conn, request.client_id, import_id, attempt)
        await _check_rivals(conn, _SQL.find_undo, request.client_id, import_id)
        taken: int | None = await conn.fetchval(
            _SQL.take_over,
            request.client_id,
            import_id,
            attempt,
            request.options.as_dict(),
            request.request_id,
            request.traceparent,
            request.nonce,
        )
    return taken


async def _exclude_undone(conn: Connection, request: ImportRequest, lock_timeout: float) -> None:
    """Hold the lock of the import that an undo undoes, so that nobody else changes its projects.

    Raises:
        ImportInProgress: the import is running or is being undone.
    """
    assert request.options.undo is not None
    key = (request.client_id, request.options.undo)
    await lock_undone(conn, *key, lock_timeout)
    await _check_rivals(conn, _SQL.find_running, *key)
    await _check_rivals(conn, _SQL.find_undo, *key)


async def _check_rivals(conn: Connection, query: str, *key: int) -> None:
    rival: int | None = await conn.fetchval(query, *key)
    if rival is not None:
        raise ImportInProgress(rival)


async def end_import(conn: Connection, lease: Lease, end: ImportEnd) -> EndedImport | None:
    """Close an import's row with the counts of its outcomes, once none of its batches is running.

    The key is freed, unless the same upload should find this import again: see
    ``docs/how-an-import-ends.md``.

    Returns:
        The import, or None if the lease is lost.
    """
    key = (lease.client_id, lease.import_id, lease.attempt)
    async with conn.transaction(isolation="read_committed"):
        await lock_import(conn, *key)
        counted = await count_outcomes(conn, *key, atomic=lease.options.atomic)
        refused = end.state in ("failed", "cancelled") or counted.conflict is not None
        state = await close_row(
            conn, key, end, counted.counts, free_key=refused and end.state != "interrupted"
        )
    warnings = [warning.as_dict() for warning in end.warnings]
    return None if state is None else EndedImport(state, replace(counted, warnings=warnings))


async def close_row(
    conn: Connection,
    key: tuple[int, int, int],
    end: ImportEnd,
    counts: Mapping[str, int] | None = None,
    *,
    free_key: bool = False,
) -> str | None:
    """Close the row of an import, under its lock.

    Args:
        key: client, import and attempt.
        free_key: release the idempotency key.

    Returns:
        The state of the import, or None if another process ended it or took it over.
    """
    state: str | None = await conn.fetchval(
        _SQL.end,
        *key,
        end.state,
        end.cause,
        end.notes,
        end.filename,
        end.dialect,
        end.bytes_read,
        [warning.as_dict() for warning in end.warnings],
        counts,
        end.fingerprint,
        free_key,
    )
    return state


async def store_counts(conn: Connection, key: tuple[int, int, int]) -> None:
    """Count the outcomes of an attempt that has ended; ``key`` is that of ``close_row``."""
    counted = await count_outcomes(conn, *key)
    await conn.execute(_SQL.store_counts, *key, counted.counts)


async def request_cancel(conn: Connection, client_id: int, import_id: int, by: str) -> bool:
    """Request that a running import stops; its process reads the request with its next heartbeat.

    Args:
        by: the subject who cancels the import.

    Returns:
        Whether the import was running.
    """
    return bool(await conn.fetchval(_SQL.request_cancel, client_id, import_id, by))


async def find_import(conn: Connection, client_id: int, import_id: int) -> dict[str, Any] | None:
    """Return one import, or None if the client has no such import."""
    row = await conn.fetchrow(_SQL.find_import, client_id, import_id)
    return await _with_counts(conn, client_id, dict(row)) if row else None


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
        text: a text in their notes or filename, regardless of case.
        key: a subject and its idempotency key.
    """

    state: str | None = None
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
    values = (client_id, before, limit, query.state, query.text)
    async with conn.transaction(isolation="read_committed", readonly=True):
        await conn.execute(_FOLLOW_KEYS)
        if query.key is not None:
            text = _SQL.list_imports.format(imports=_SQL.list_by_key)
            rows = await conn.fetch(text, *values, *query.key)
        else:
            text = _SQL.list_imports.format(imports=_SQL.list_latest)
            rows = await conn.fetch(text, *values, EXAMINED)
        last = rows[-1]["import_id"] if len(rows) == limit else None
        if last is None and query.key is None and (query.state or query.text):
            last = await conn.fetchval(_SQL.find_scan_end, client_id, before, EXAMINED)
    return [await _with_counts(conn, client_id, dict(row)) for row in rows], last
