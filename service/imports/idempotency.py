"""Idempotency keys: the first upload under a key runs, and later ones find it.

    import of the key            a later upload
    none, or the key expired     begins an import
    running                      gets ``ImportInProgress``, even if its process is dead
    interrupted                  continues the import as its next attempt, with the same options
    cancelled                    gets a ``KeyConflict``, once
    completed                    gets the stored answer if it is the same upload

An import that failed, or was refused only because of locks and versions, has freed its key. So has
a cancelled one, unless its process was dead, and its uploader does not know.
"""

from dataclasses import dataclass
from typing import Final

import asyncpg

from service.imports.ending import CANCELLED
from service.imports.key_conflict import ImportInProgress, KeyConflict
from service.imports.outcomes import count_outcomes
from service.imports.record import ImportRequest, begin_import, take_over_import
from service.storage import Connection
from service.storage.advisory_locks import claim_key, lock_work
from service.storage.queries import Queries

_SQL = Queries("imports")
FIRST_ATTEMPT = 1

OTHER_OPTIONS: Final = "The Idempotency-Key belongs to an interrupted import with other options"


@dataclass(frozen=True, slots=True)
class KeyTimeouts:
    """Times in seconds.

    Attributes:
        keep: how long a key is held.
        lock: the longest wait for the client's lock.
    """

    keep: float
    lock: float


@dataclass(frozen=True, slots=True)
class KeyClaim:
    """The import that an upload runs or, if there is a ``fingerprint``, the import it repeats."""

    import_id: int
    attempt: int = FIRST_ATTEMPT
    fingerprint: bytes | None = None


async def claim_import(
    conn: Connection, request: ImportRequest, times: KeyTimeouts, again: bool
) -> KeyClaim:
    """Begin an import, continue one, or find the one that the upload repeats.

    Args:
        again: an earlier try for the same request ended without a clear answer.

    Raises:
        KeyConflict: an import holds the key, and the upload cannot continue or repeat it; or an
            import is running that excludes this one.
    """
    if again and (claim := await _find_own_claim(conn, request, times)):
        return claim
    while True:
        holder = await find_key_holder(conn, request, times)
        if holder is None:
            import_id = await begin_import(conn, request, times.lock)
            if import_id is not None:
                return KeyClaim(import_id)
        elif holder["state"] == "completed":
            return KeyClaim(holder["import_id"], holder["attempt"], holder["fingerprint"])
        else:
            over = (holder["import_id"], holder["attempt"])
            attempt = await take_over_import(conn, request, *over, times.lock)
            if attempt is not None:
                return KeyClaim(holder["import_id"], attempt)


async def _find_own_claim(
    conn: Connection, request: ImportRequest, times: KeyTimeouts
) -> KeyClaim | None:
    """Return what an earlier try for the same request claimed, once its backend has ended."""
    async with conn.transaction(isolation="read_committed"):
        await lock_work(conn, claim_key(request.nonce), times.lock)
        claim = await conn.fetchrow(_SQL.find_claim, request.client_id, request.nonce)
    return None if claim is None else KeyClaim(claim["import_id"], claim["attempt"])


async def find_key_holder(
    conn: Connection, request: ImportRequest, times: KeyTimeouts
) -> asyncpg.Record | None:
    """Return the import that holds the request's key, if one does.

    Raises:
        KeyConflict: the upload cannot continue or repeat that import.
    """
    if request.key is None:
        return None
    key = (request.client_id, request.subject, request.key)
    await conn.execute(_SQL.free_expired_key, *key, times.keep)
    holder = await conn.fetchrow(_SQL.find_key_holder, *key)
    if holder is None:
        return None
    import_id, options = holder["import_id"], request.options.as_dict()
    if holder["state"] == "running":
        raise ImportInProgress(import_id)
    if holder["state"] == "cancelled":
        over = (request.client_id, import_id, holder["attempt"])
        counts = holder["counts"] or (await count_outcomes(conn, *over)).counts
        await conn.execute(_SQL.free_key, request.client_id, import_id)
        raise KeyConflict(import_id, CANCELLED, counts=counts)
    if holder["state"] == "interrupted" and holder["options"] != options:
        first = holder["options"]
        raise KeyConflict(import_id, OTHER_OPTIONS, options=options, first_options=first)
    return holder
