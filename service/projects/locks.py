"""Locks that people take on a project: while one holds, nobody else changes the project."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import asyncpg

from service.errors import Conflict, NotFound
from service.imports.lock_holder import find_lock_holder
from service.storage import Connection
from service.storage.advisory_locks import client_key, project_key
from service.storage.queries import Queries

_SQL = Queries("locks")


class Lock(NamedTuple):
    """Who holds a project, since when and until when."""

    holder: str
    acquired_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class LockRequest:
    """Whose project it is that somebody wants to change.

    ``patience`` is the longest wait for whoever is writing it, ``silence`` the longest pause inside
    a transaction, both in seconds.
    """

    client_id: int
    project_id: int
    subject: str
    patience: float
    silence: float


async def find_lock(conn: Connection, client_id: int, project_id: int) -> Lock | None:
    """The lock on a project, or None.

    Raises:
        NotFound: the client has no such project.
    """
    if await conn.fetchval(_SQL.external_id, client_id, project_id) is None:
        raise NotFound
    row = await conn.fetchrow(_SQL.current, client_id, project_id, None)
    return None if row is None else Lock(*row[:3])


async def take_lock(conn: Connection, claim: LockRequest, seconds: int) -> tuple[Lock, bool]:
    """Take the lock, or extend one's own, from now on.

    Returns:
        the lock, and whether it is a new one.

    Raises:
        NotFound: the client has no such project.
        Conflict: somebody else holds it, or an import is writing the project.
    """
    async with project_transaction(conn, claim):
        mine = await check_unlocked(conn, claim)
        key = (claim.client_id, claim.project_id, claim.subject)
        row = await conn.fetchrow(_SQL.take, *key, seconds, mine is not None)
        assert row is not None
        return Lock(*row), mine is None


async def release_lock(conn: Connection, claim: LockRequest, *, break_for: str | None) -> None:
    """Give the lock back; it is no fault if there is none.

    Args:
        break_for: why the lock of somebody else is ended, which is recorded; None where it may
            not be.

    Raises:
        NotFound: the client has no such project.
        Conflict: somebody else holds it, or an import is writing the project.
    """
    key = (claim.client_id, claim.project_id)
    async with project_transaction(conn, claim):
        found = await conn.fetchrow(_SQL.current, *key, claim.subject)
        if found is not None and found["of_another"]:
            if break_for is None:
                raise _locked(Lock(*found[:3]))
            what = (found["holder"], found["expires_at"], claim.subject, break_for)
            await conn.execute(_SQL.record_break, *key, *what)
        await conn.execute(_SQL.give_back, *key)


@asynccontextmanager
async def project_transaction(conn: Connection, claim: LockRequest) -> AsyncIterator[None]:
    """A transaction in which nobody else writes the project; what it reads must come after.

    Raises:
        NotFound: the client has no such project.
        Conflict: an import is writing the project, and was for longer than the patience.
        asyncpg.LockNotAvailableError: the client's lock was held for as long.
    """
    async with conn.transaction(isolation="read_committed"):
        await conn.execute(
            _SQL.share_client,
            client_key(claim.client_id),
            f"{claim.patience * 1000:.0f}",
            f"{claim.silence * 1000:.0f}",
        )
        external_id = await conn.fetchval(_SQL.external_id, claim.client_id, claim.project_id)
        if external_id is None:
            raise NotFound
        await _hold(conn, claim.client_id, external_id)
        yield


async def check_unlocked(conn: Connection, claim: LockRequest) -> Lock | None:
    """The claimant's own lock on the project, or None.

    Raises:
        Conflict: somebody else holds it.
    """
    row = await conn.fetchrow(_SQL.current, claim.client_id, claim.project_id, claim.subject)
    if row is None:
        return None
    if row["of_another"]:
        raise _locked(Lock(*row[:3]))
    return Lock(*row[:3])


async def _hold(conn: Connection, client_id: int, external_id: str) -> None:
    other = None
    try:
        async with conn.transaction():  # a savepoint: what failed inside, the question survives
            await conn.execute(_SQL.hold_project, project_key(client_id, external_id))
            return
    except asyncpg.LockNotAvailableError:
        other = await find_lock_holder(conn, client_id, external_id)
    raise Conflict(fields={"import_id": other})


def _locked(lock: Lock) -> Conflict:
    """As outcomes tell it."""
    until = lock.expires_at.isoformat()
    return Conflict(fields={"locked_by": lock.holder, "locked_until": until})
