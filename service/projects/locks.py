"""Locks that people take on projects: until a lock ends, no other user changes the project."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import asyncpg

from service.errors import Conflict, NotFound
from service.storage import Connection
from service.storage.advisory_locks import find_lock_holder, lock_project, share_client
from service.storage.queries import Queries

_SQL = Queries("locks")


class Lock(NamedTuple):
    """Who holds a project, since when and until when."""

    holder: str
    acquired_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class ProjectRequest:
    """A user's request to change a project.

    Attributes:
        lock_timeout: seconds to wait for a transaction that is writing the project.
        idle_timeout: seconds that the transaction may be idle.
    """

    client_id: int
    project_id: int
    subject: str
    lock_timeout: float
    idle_timeout: float


async def read_lock(conn: Connection, client_id: int, project_id: int) -> Lock | None:
    """Return the lock on a project, or None.

    Raises:
        NotFound: the client has no such project.
    """
    if await conn.fetchval(_SQL.read_external_id, client_id, project_id) is None:
        raise NotFound
    row = await conn.fetchrow(_SQL.read_lock, client_id, project_id, None)
    return None if row is None else Lock(*row[:3])


async def take_lock(conn: Connection, request: ProjectRequest, seconds: int) -> tuple[Lock, bool]:
    """Take a lock for some seconds from now, or extend the subject's own lock.

    Returns:
        The lock, and whether it is new.

    Raises:
        NotFound: the client has no such project.
        Conflict: another subject holds a lock, or an import is writing the project.
    """
    async with project_transaction(conn, request):
        current = await check_unlocked(conn, request)
        key = (request.client_id, request.project_id, request.subject)
        row = await conn.fetchrow(_SQL.take_lock, *key, seconds, current is not None)
        assert row is not None
        return Lock(*row), current is None


async def release_lock(
    conn: Connection, request: ProjectRequest, *, break_reason: str | None
) -> None:
    """Release the lock; without effect if there is none.

    Args:
        break_reason: why another subject's lock is broken, which is recorded; None if it may not be
            broken.

    Raises:
        NotFound: the client has no such project.
        Conflict: another subject holds a lock, or an import is writing the project.
    """
    key = (request.client_id, request.project_id)
    async with project_transaction(conn, request):
        row = await conn.fetchrow(_SQL.read_lock, *key, request.subject)
        if row is not None and row["of_another"]:
            if break_reason is None:
                raise _locked_conflict(Lock(*row[:3]))
            lock_break = (row["holder"], row["expires_at"], request.subject, break_reason)
            await conn.execute(_SQL.record_break, *key, *lock_break)
        await conn.execute(_SQL.release_lock, *key)


@asynccontextmanager
async def project_transaction(conn: Connection, request: ProjectRequest) -> AsyncIterator[None]:
    """A transaction in which nobody else writes the project; read the project inside it.

    Raises:
        NotFound: the client has no such project.
        Conflict: an import was writing the project for longer than the lock time-out.
        asyncpg.LockNotAvailableError: the client's lock was not free in time.
    """
    async with conn.transaction(isolation="read_committed"):
        await share_client(
            conn,
            request.client_id,
            lock_timeout=request.lock_timeout,
            idle_timeout=request.idle_timeout,
        )
        key = (request.client_id, request.project_id)
        external_id = await conn.fetchval(_SQL.read_external_id, *key)
        if external_id is None:
            raise NotFound
        await _lock_project(conn, request.client_id, external_id)
        yield


async def check_unlocked(conn: Connection, request: ProjectRequest) -> Lock | None:
    """Return the subject's own lock on the project, or None.

    Raises:
        Conflict: another subject holds a lock.
    """
    key = (request.client_id, request.project_id)
    row = await conn.fetchrow(_SQL.read_lock, *key, request.subject)
    if row is None:
        return None
    if row["of_another"]:
        raise _locked_conflict(Lock(*row[:3]))
    return Lock(*row[:3])


async def _lock_project(conn: Connection, client_id: int, external_id: str) -> None:
    try:
        async with conn.transaction():  # a savepoint, so that the next query works after a time-out
            await lock_project(conn, client_id, external_id)
            return
    except asyncpg.LockNotAvailableError:
        holder = await find_lock_holder(conn, client_id, external_id)
    raise Conflict(fields={"import_id": holder})


def _locked_conflict(lock: Lock) -> Conflict:
    """Return the error with the fields that an outcome has too."""
    until = lock.expires_at.isoformat()
    return Conflict(fields={"locked_by": lock.holder, "locked_until": until})
