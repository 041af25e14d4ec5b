"""Advisory locks: their keys, who takes which, and in what order.

Keys are 64-bit hashes, the same in every process. All locks end with their transaction, so that
they work through PgBouncer in transaction mode. A transaction takes them in this order:

    lock       shared by                           exclusive for
    prune                                          pruning (tried)
    work                                           each try of one batch, or of one claim
    import     each batch of the import,           ending the import, taking it over, beginning
               a request to cancel it              or taking over an undo of it
    client     each batch, beginning an import,    an atomic import, disabling or removing the
               a person's change to a project      client, pruning shared objects (tried)
    project                                        each batch (tried), a person's change to it
    labels     labelling a version                 deleting versions of the client (pruning)

A batch never waits for a project while it holds one: it commits the projects that it got and tries
the others again. So two imports of the same projects cannot deadlock, whatever their order.
A transaction that holds the client exclusively needs no project locks.

If a connection ends while its COMMIT is in flight, its backend may work on: it may wait for a
standby, and nobody sees yet what it wrote. The lock of the work makes the next try wait for it.
"""

import math
from collections.abc import Iterable
from hashlib import blake2b
from typing import Final

import asyncpg

from service.model import normalize_id
from service.storage import Connection
from service.storage.citus.second_phase import wait_for_second_phases
from service.storage.clients import list_running_imports
from service.storage.queries import Queries

_SQL = Queries("advisory_locks")
_TRANSACTIONS = Queries("transactions")

_BEGIN: Final = "BEGIN ISOLATION LEVEL READ COMMITTED"
"""Under a higher default level, the statements after the locks would read the data as it was before
the wait for the locks."""

IMPORT_LOCK_WAIT: Final = 1.0
"""Seconds to wait for an import's batches before their backends are terminated. The batches of this
process have ended by then, and another process that still has some is dead."""

IMPORT_LOCK_IDLE: Final = 5.0
"""Seconds that a transaction with an import's exclusive lock may be idle. Its statements are quick,
so a process that is idle for longer has stopped."""

LABELS_LOCK_WAIT: Final = 30.0
"""Seconds that pruning waits for requests that are labelling a version, which take a moment."""


def import_key(client_id: int, import_id: int) -> int:
    """Return the key of an import's lock."""
    return _hash("import", client_id, import_id)


def client_key(client_id: int) -> int:
    """Return the key of a client's lock."""
    return _hash("client", client_id)


def project_key(client_id: int, external_id: str) -> int:
    """Return the key of a project's lock."""
    return project_keys(client_id, (external_id,))[0]


def project_keys(client_id: int, external_ids: Iterable[str]) -> list[int]:
    """Return the keys of the locks of projects."""
    key = f"project\0{client_id}\0"
    return [_digest(key + normalize_id(external_id)) for external_id in external_ids]


def batch_key(client_id: int, import_id: int, attempt: int, index: int) -> int:
    """Return the key of the work of a batch; ``index`` is that of its first item."""
    return _hash("batch", client_id, import_id, attempt, index)


def claim_key(nonce: bytes) -> int:
    """Return the key of the work of a claim."""
    return _hash("claim", nonce.hex())


def labels_key(client_id: int) -> int:
    """Return the key of the lock of a client's labels."""
    return _hash("labels", client_id)


def prune_key() -> int:
    """Return the key of the lock of the one process that prunes."""
    return _hash("prune")


def _hash(*parts: object) -> int:
    return _digest("\0".join(map(str, parts)))


def _digest(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big", signed=True)


async def share_client(
    conn: Connection,
    client_id: int,
    *,
    work: int | None = None,
    import_id: int | None = None,
    exclusive: bool = False,
    lock_timeout: float,
    idle_timeout: float | None = None,
    begin: bool = False,
) -> None:
    """Share the locks of a client and, if given, of an import; and configure the transaction.

    Args:
        conn: in a transaction that has taken no lock.
        work: the key of the transaction's work; its lock is taken first.
        exclusive: hold the client's lock exclusively instead.
        lock_timeout: seconds to wait for each lock of the transaction.
        idle_timeout: seconds that the transaction may be idle; None for the server's setting.
        begin: begin the transaction too, in the same round trip. The caller ends it.

    Raises:
        asyncpg.LockNotAvailableError: a lock was not free in time.
    """
    shared = "pg_advisory_xact_lock_shared('{}')"
    held = "pg_advisory_xact_lock('{}')"
    locks = [] if work is None else [held.format(work)]
    if import_id is not None:
        locks.append(shared.format(import_key(client_id, import_id)))
    locks.append((held if exclusive else shared).format(client_key(client_id)))
    text = _TRANSACTIONS.share_client.format(
        lock_timeout=_milliseconds(lock_timeout),
        idle_timeout="current_setting('idle_in_transaction_session_timeout')"
        if idle_timeout is None
        else f"'{_milliseconds(idle_timeout)}'",
        locks=", ".join(locks),
    )
    await conn.execute(f"{_BEGIN};\n{text}" if begin else text)


async def lock_work(conn: Connection, work: int, lock_timeout: float) -> None:
    """Hold the lock of some work, once the backends of its earlier tries have ended.

    Args:
        conn: in a transaction.
        lock_timeout: seconds to wait for each lock of the transaction.

    Raises:
        asyncpg.LockNotAvailableError: an earlier try did not end in time.
    """
    await end_lost_try(conn, work)
    await conn.execute(_SQL.lock_within, work, _milliseconds(lock_timeout))


async def end_lost_try(conn: Connection, work: int) -> None:
    """Terminate the backend of an earlier try that waits for bytes of a connection that is lost.

    If the network drops a connection silently, the server would keep its locks for hours.
    """
    await conn.execute(_SQL.terminate_lost, work)


async def lock_client(conn: Connection, client_id: int) -> None:
    """Hold a client's lock exclusively; wait as long as it takes."""
    await conn.execute(_SQL.lock, client_key(client_id))


async def try_client_lock(conn: Connection, client_id: int) -> bool:
    """Hold a client's lock exclusively, if it is free."""
    free: bool = await conn.fetchval(_SQL.try_lock, client_key(client_id))
    return free


async def lock_import(conn: Connection, client_id: int, import_id: int, attempt: int) -> None:
    """Hold an import's lock exclusively, even if batches of the attempt keep sharing it.

    Waits in the lock's queue, and terminates the backends that share the lock for longer than
    ``IMPORT_LOCK_WAIT``. On Citus, it also waits for batches that left the lock before the second
    phase of their commit.

    Args:
        conn: in a transaction that has taken no lock; it may be idle for ``IMPORT_LOCK_IDLE``.
        attempt: the attempt that is over.
    """
    key = import_key(client_id, import_id)
    times = (_milliseconds(IMPORT_LOCK_WAIT), _milliseconds(IMPORT_LOCK_IDLE))
    row = await conn.fetchrow(_SQL.try_lock_import, key, *times)
    assert row is not None
    if not row["is_held"]:
        await _wait_for_import(conn, client_id, import_id, attempt)
    if row["has_citus"]:
        await wait_for_second_phases(conn, client_id)


async def _wait_for_import(conn: Connection, client_id: int, import_id: int, attempt: int) -> None:
    key = import_key(client_id, import_id)
    while True:
        try:
            async with conn.transaction():  # a savepoint, which survives the time-out
                await conn.execute(_SQL.lock, key)
                return
        except asyncpg.LockNotAvailableError:
            # A batch of a later attempt that ends nevertheless is repeated.
            if await conn.fetchval(_SQL.is_attempt, client_id, import_id, attempt):
                await conn.execute(_SQL.terminate_holders, key)


async def lock_undone(
    conn: Connection, client_id: int, import_id: int, lock_timeout: float
) -> None:
    """Hold the exclusive lock of an import that an undo names.

    Args:
        conn: in a transaction that holds no lock of a later import.
        lock_timeout: seconds to wait for each lock of the transaction.

    Raises:
        asyncpg.LockNotAvailableError: the lock was not free in time.
    """
    await conn.execute(
        _SQL.lock_within, import_key(client_id, import_id), _milliseconds(lock_timeout)
    )


async def share_import(conn: Connection, client_id: int, import_id: int) -> None:
    """Share an import's lock, so that the import does not end before the transaction does."""
    await conn.execute(_SQL.share, import_key(client_id, import_id))


async def lock_project(conn: Connection, client_id: int, external_id: str) -> None:
    """Hold a project's lock; wait up to the transaction's lock time-out.

    Raises:
        asyncpg.LockNotAvailableError: the lock was not free in time.
    """
    await conn.execute(_SQL.lock, project_key(client_id, external_id))


async def try_prune_lock(conn: Connection) -> bool:
    """Hold the lock of the process that prunes, if it is free; and configure the transaction."""
    free: bool = await conn.fetchval(_SQL.try_prune, prune_key())
    return free


async def share_labels(conn: Connection, client_id: int) -> None:
    """Share the lock of a client's labels, so that no version is pruned while it gets one.

    Take it last: pruning waits for it.

    Raises:
        asyncpg.LockNotAvailableError: pruning held it for longer than the lock time-out.
    """
    await conn.execute(_SQL.share, labels_key(client_id))


async def lock_labels(conn: Connection, client_id: int) -> None:
    """Hold the lock of a client's labels, so that no version gets one while it is pruned.

    Raises:
        asyncpg.LockNotAvailableError: a request held it for longer than ``LABELS_LOCK_WAIT``.
    """
    await conn.execute(_SQL.lock_within, labels_key(client_id), _milliseconds(LABELS_LOCK_WAIT))


async def find_lock_holder(conn: Connection, client_id: int, external_id: str) -> int | None:
    """Return the id of the client's running import that holds a project's lock, if one does."""
    running = await list_running_imports(conn, client_id)
    keys = {import_key(client_id, import_id): import_id for import_id in running}
    key = await conn.fetchval(_SQL.find_holder, project_key(client_id, external_id), list(keys))
    return keys.get(key)


def _milliseconds(seconds: float) -> str:
    return str(math.ceil(seconds * 1000))
