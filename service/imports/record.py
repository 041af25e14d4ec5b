"""The row of an import: begin, take over, end and cancel it.

Every change of a row's state holds a lock that the batches of the import share, so that no batch is
written meanwhile.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from service.errors import Forbidden, Unavailable
from service.imports.ending import COMMITS_LOST
from service.imports.key_conflict import ImportInProgress
from service.imports.lease import Lease, is_own_import
from service.imports.options import DEFAULT_OPTIONS, ImportOptions
from service.imports.outcomes import Tally, count_outcomes
from service.model import FileCounts, FileWarning
from service.storage import Connection
from service.storage.advisory_locks import (
    IMPORT_LOCK_IDLE,
    claim_key,
    lock_import,
    lock_undone,
    lock_work,
    share_client,
    share_import,
)
from service.storage.citus.distribution import has_citus
from service.storage.citus.second_phase import wait_for_second_phases
from service.storage.clients import DISABLED, is_disabled
from service.storage.events import import_event, notify
from service.storage.queries import Queries

_SQL = Queries("imports")


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
    """What the row of an import stores at its end; ``fingerprint`` is that of the upload.

    ``filename`` is the name of the first file. ``files`` is None if the import has none.
    """

    state: str
    cause: str | None = None
    notes: str | None = None
    filename: str | None = None
    dialect: str | None = None
    bytes_read: int = 0
    warnings: Sequence[FileWarning] = ()
    fingerprint: bytes | None = None
    files: FileCounts | None = None


@dataclass(frozen=True, slots=True)
class EndedImport:
    """The state in which an import ended, and its result."""

    state: str
    tally: Tally


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
        await share_client(
            conn,
            request.client_id,
            work=work,
            lock_timeout=lock_timeout,
            idle_timeout=IMPORT_LOCK_IDLE,
        )
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
        The number of the new attempt, or None if another upload took the import over first, or the
        import lost its key.

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


async def complete_import(
    conn: Connection, lease: Lease, end: ImportEnd, handed_on: int
) -> EndedImport | None:
    """Close the row of an import whose work is done.

    The key is freed if a later upload can have another result: see
    ``docs/explanation/how-an-import-ends.md``.

    Args:
        handed_on: the number of projects and files whose outcomes were committed.

    Returns:
        The import, or None if the lease is lost.

    Raises:
        Unavailable: outcomes are missing. Those that are left are counted in the transaction that
            closes the row, so that both see the same server.
    """
    key = (lease.client_id, lease.import_id, lease.attempt)
    async with conn.transaction(isolation="read_committed"):
        tally = await count_outcomes(conn, *key, atomic=lease.options.atomic)
        if tally.outcomes != handed_on and await has_citus(conn):  # the others can appear later
            await wait_for_second_phases(conn, lease.client_id)
            tally = await count_outcomes(conn, *key, atomic=lease.options.atomic)
        if tally.outcomes != handed_on:
            raise Unavailable(COMMITS_LOST)
        await lock_import(conn, *key)
        if not await is_own_import(conn, lease):
            return None
        free_key = end.state == "failed" or tally.conflict is not None
        state = await close_row(
            conn, key, end, tally.counts, free_key=free_key, notifies=lease.notifies
        )
    warnings = [warning.as_dict() for warning in end.warnings]
    return (
        None
        if state is None
        else EndedImport(state, replace(tally, warnings=warnings, files=end.files))
    )


async def end_import(conn: Connection, lease: Lease, end: ImportEnd) -> EndedImport | None:
    """Close the row of an import that was stopped, once none of its batches is running.

    A requested cancel counts even if the import would be ``interrupted``. The import then keeps its
    key, because the uploader may not learn of the cancel before the next upload.

    Returns:
        The import, or None if the lease is lost.
    """
    key = (lease.client_id, lease.import_id, lease.attempt)
    async with conn.transaction(isolation="read_committed"):
        await lock_import(conn, *key)
        if not await is_own_import(conn, lease):
            return None
        free_key = end.state != "interrupted"
        state = await close_row(conn, key, end, free_key=free_key, notifies=lease.notifies)
    return None if state is None else EndedImport(state, await store_counts(conn, key))


async def close_row(
    conn: Connection,
    key: tuple[int, int, int],
    end: ImportEnd,
    counts: Mapping[str, int] | None = None,
    *,
    free_key: bool = False,
    notifies: bool,
) -> str | None:
    """Close the row of an import, under its lock.

    Args:
        key: client, import and attempt.
        free_key: release the idempotency key.
        notifies: send an event, unless an earlier try has closed the row.

    Returns:
        The state of the import, or None if another process ended it or took it over.
    """
    row = await conn.fetchrow(
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
        None if end.files is None else end.files.read,
        None if end.files is None else end.files.failed,
    )
    if row is None:
        return None
    state: str = row["state"]
    if notifies and row["first"]:
        await notify(conn, [import_event(*key, state, row["options"])])
    return state


async def store_counts(conn: Connection, key: tuple[int, int, int]) -> Tally:
    """Count the outcomes of an attempt that was stopped; ``key`` is that of ``close_row``.

    Once the row is closed, no batch is written. So this needs no lock, and may take long.
    """
    tally = await count_outcomes(conn, *key)
    await conn.execute(_SQL.store_counts, *key, tally.counts)
    return tally


async def request_cancel(conn: Connection, client_id: int, import_id: int, by: str) -> bool:
    """Request that a running import stops; its process reads the request with its next heartbeat.

    If the process is dead, or ends the import as interrupted, the import is cancelled all the same.

    Args:
        by: the subject who cancels the import.

    Returns:
        Whether the import was running.
    """
    async with conn.transaction(isolation="read_committed"):
        await share_import(conn, client_id, import_id)
        return bool(await conn.fetchval(_SQL.request_cancel, client_id, import_id, by))
