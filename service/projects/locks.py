"""Locks that people take on projects: until a lock ends, no other user changes the project."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import asyncpg

from service.errors import Conflict, no_project
from service.storage import Connection
from service.storage.advisory_locks import find_lock_holder, lock_project, share_client
from service.storage.queries import Queries

_SQL = Queries("locks")


class Lock(NamedTuple):
    """Who holds a project, since when and until when."""

    holder: str
    acquired_at: datetime
    expires_at: datetime


@dataclass(slots=True)
class ProjectRequest:
    """A user's request to change a project.

    The answer to a COMMIT can be lost. The request is then tried again, perhaps after others have
    changed the project. It remembers what its first try meant, so that it has one effect.

    Attributes:
        lock_timeout: seconds to wait for a transaction that is writing the project.
        idle_timeout: seconds that the transaction may be idle.
        notifies: archiving and restoring the project send an event.
        tried: an earlier try may have committed.
    """

    client_id: int
    project_id: int
    subject: str
    lock_timeout: float
    idle_timeout: float
    notifies: bool = False
    tried: bool = False

    @property
    def key(self) -> tuple[int, int]:
        """The key of the project."""
        return self.client_id, self.project_id


async def read_lock(conn: Connection, client_id: int, project_id: int) -> Lock | None:
    """Return the lock on a project, or None.

    Raises:
        NotFound: the client has no such project.
    """
    if await conn.fetchval(_SQL.read_external_id, client_id, project_id) is None:
        raise no_project(project_id)
    row = await conn.fetchrow(_SQL.read_lock, client_id, project_id, None)
    return None if row is None else Lock(*row[:3])


@dataclass(slots=True)
class TakeRequest:
    """A request to take a lock for some seconds from now, or to extend the subject's own lock."""

    project: ProjectRequest
    seconds: int
    _result: tuple[Lock, bool] | None = None

    async def run(self, conn: Connection) -> tuple[Lock, bool]:
        """Take the lock, unless an earlier try has taken it.

        Returns:
            The lock, and whether it is new.

        Raises:
            NotFound: the client has no such project.
            Conflict: another subject holds a lock, or an import is writing the project.
        """
        async with project_transaction(conn, self.project):
            if self._result is not None and await self._has_taken(conn, *self._result):
                return self._result
            current = await check_unlocked(conn, self.project)
            values = (self.project.subject, self.seconds, current is not None)
            row = await conn.fetchrow(_SQL.take_lock, *self.project.key, *values)
            assert row is not None
            self._result = Lock(*row), current is None
            return self._result

    async def _has_taken(self, conn: Connection, lock: Lock, new: bool) -> bool:
        taken: bool = await conn.fetchval(_SQL.was_taken, *self.project.key, *lock, new)
        return taken


@dataclass(slots=True)
class ReleaseRequest:
    """A request to release the subject's own lock, or to break that of another subject.

    Attributes:
        break_reason: why another subject's lock is broken, which is recorded; None if it may not be
            broken.
        acquired_at: release only the lock that was taken at this time; None for the lock that the
            first try finds.
    """

    project: ProjectRequest
    break_reason: str | None
    acquired_at: datetime | None = None

    async def run(self, conn: Connection) -> None:
        """Release the lock that is meant; without effect if it has ended.

        Raises:
            NotFound: the client has no such project.
            Conflict: another subject holds a lock, or an import is writing the project.
        """
        meant = self.project.tried or self.acquired_at is not None
        key = self.project.key
        async with project_transaction(conn, self.project):
            row = await conn.fetchrow(_SQL.read_lock, *key, self.project.subject)
            if row is None or (meant and row["acquired_at"] != self.acquired_at):
                return
            self.acquired_at = row["acquired_at"]
            if row["of_another"]:
                await self._record_break(conn, Lock(*row[:3]))
            await conn.execute(_SQL.release_lock, *key)

    async def _record_break(self, conn: Connection, lock: Lock) -> None:
        if self.break_reason is None:
            raise _locked_conflict(lock)
        values = (lock.holder, lock.expires_at, self.project.subject, self.break_reason)
        await conn.execute(_SQL.record_break, *self.project.key, *values)


@asynccontextmanager
async def project_transaction(conn: Connection, request: ProjectRequest) -> AsyncIterator[None]:
    """A transaction in which nobody else writes the project; read the project inside it.

    Raises:
        NotFound: the client has no such project.
        Conflict: an import was writing the project for longer than the lock time-out.
        asyncpg.LockNotAvailableError: the client's lock was not free in time, or an earlier try of
            the request may still be running.
    """
    async with conn.transaction(isolation="read_committed"):
        await share_client(
            conn,
            request.client_id,
            lock_timeout=request.lock_timeout,
            idle_timeout=request.idle_timeout,
        )
        external_id = await conn.fetchval(_SQL.read_external_id, *request.key)
        if external_id is None:
            raise no_project(request.project_id)
        await _lock_project(conn, request, external_id)
        if request.tried:
            await conn.execute(_SQL.await_standby, *request.key)
        yield
        request.tried = True


async def check_unlocked(conn: Connection, request: ProjectRequest) -> Lock | None:
    """Return the subject's own lock on the project, or None.

    Raises:
        Conflict: another subject holds a lock.
    """
    row = await conn.fetchrow(_SQL.read_lock, *request.key, request.subject)
    if row is None:
        return None
    if row["of_another"]:
        raise _locked_conflict(Lock(*row[:3]))
    return Lock(*row[:3])


async def _lock_project(conn: Connection, request: ProjectRequest, external_id: str) -> None:
    try:
        async with conn.transaction():  # a savepoint, so that the next query works after a time-out
            await lock_project(conn, request.client_id, external_id)
            return
    except asyncpg.LockNotAvailableError:
        holder = await find_lock_holder(conn, request.client_id, external_id)
        if holder is None and request.tried:  # perhaps its own earlier try, which can still commit
            raise
    raise Conflict(fields={"import_id": holder})


def _locked_conflict(lock: Lock) -> Conflict:
    """Return the error with the fields that an outcome has too."""
    until = lock.expires_at.isoformat()
    return Conflict(fields={"locked_by": lock.holder, "locked_until": until})
