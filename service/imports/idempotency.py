"""Whose turn an idempotency key is: the first upload under it runs, and later ones find it.

    the import under the key     a later upload
    none, or its time is up      begins
    running                      InProgress
    interrupted, or dead         goes on with it: the same import, the next attempt
    completed                    is given the stored answer, if it is the same upload

An import that failed, was cancelled or was refused by locks and versions alone has freed its key.
"""

from dataclasses import dataclass

import asyncpg

from service.imports.record import ImportRequest, begin_import, take_over_import
from service.storage import Connection
from service.storage.queries import Queries

_SQL = Queries("imports")
FIRST_ATTEMPT = 1


class ImportInProgress(Exception):
    """An import under the same key is running.

    Args:
        import_id: that import.
    """

    def __init__(self, import_id: int) -> None:
        super().__init__(import_id)
        self.import_id = import_id


@dataclass(frozen=True, slots=True)
class KeyTimeouts:
    """Seconds: without a heartbeat, until an import counts as dead; that a key is held; and the
    longest wait for the client's lock."""

    expiry: float
    keep: float
    lock: float


@dataclass(frozen=True, slots=True)
class KeyClaim:
    """The import that an upload is to run or, where it has a ``fingerprint``, that it repeats."""

    import_id: int
    attempt: int = FIRST_ATTEMPT
    fingerprint: bytes | None = None


async def claim_import(
    conn: Connection, request: ImportRequest, times: KeyTimeouts, again: bool
) -> KeyClaim:
    """Begin an import, go on with one, or find the one that is repeated.

    Args:
        again: an earlier try for the same request ended without a clear answer.

    Raises:
        InProgress: an import under the same key is running.
    """
    if again and (ours := await conn.fetchrow(_SQL.claimed, request.client_id, request.nonce)):
        return KeyClaim(ours["import_id"], ours["attempt"])
    while True:
        found = await _holder(conn, request, times)
        if found is None:
            import_id = await begin_import(conn, request, times.lock)
            if import_id is not None:
                return KeyClaim(import_id)
        elif found["state"] == "completed":
            return KeyClaim(found["import_id"], found["attempt"], found["fingerprint"])
        elif found["state"] == "running" and not found["dead"]:
            raise ImportInProgress(found["import_id"])
        else:
            key = (found["import_id"], found["attempt"])
            attempt = await take_over_import(conn, request, *key, times.expiry)
            if attempt is not None:
                return KeyClaim(found["import_id"], attempt)


async def refuse_running(conn: Connection, request: ImportRequest, times: KeyTimeouts) -> None:
    """Find, before anything of an upload is read, whether it would have to be refused.

    Raises:
        InProgress: an import under the same key is running.
    """
    found = await _holder(conn, request, times)
    if found is not None and found["state"] == "running" and not found["dead"]:
        raise ImportInProgress(found["import_id"])


async def _holder(
    conn: Connection, request: ImportRequest, times: KeyTimeouts
) -> asyncpg.Record | None:
    if request.key is None:
        return None
    held = (request.client_id, request.subject, request.key)
    await conn.execute(_SQL.free_expired_key, *held, times.keep)
    return await conn.fetchrow(_SQL.holder_of_key, *held, times.expiry)
