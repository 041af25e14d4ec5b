"""A project is put away: it stays, with all its versions, and an import revives it."""

from datetime import datetime
from typing import NamedTuple

from service.projects.locks import LockRequest, check_unlocked, project_transaction
from service.storage import Connection, watchdog
from service.storage.queries import Queries
from service.tables import COLUMNS, PROJECT_COLUMNS, Table

_SQL = Queries("locks")

AT_A_TIME = 20_000
"""Rows that one statement copies."""


class Archived(NamedTuple):
    """The version that the project has come to, and since when it is archived."""

    version: int
    archived_at: datetime


async def archive_project(conn: Connection, claim: LockRequest) -> Archived:
    """Archive a project, as a version of its own; one that is archived already stays as it is.

    Raises:
        NotFound: the client has no such project.
        Conflict: somebody else holds a lock on it, or an import is writing it.
    """
    key = (claim.client_id, claim.project_id)
    async with project_transaction(conn, claim):
        await check_unlocked(conn, claim)
        row = await conn.fetchrow(_SQL.pointer, *key)
        assert row is not None
        version, archived_at = row
        if archived_at is None:
            await _copy(conn, *key, version, claim.subject)
            version += 1
            archived_at = await conn.fetchval(_SQL.archive, *key, version)
        return Archived(version, archived_at)


async def _copy(
    conn: Connection, client_id: int, project_id: int, version: int, subject: str
) -> None:
    """Write the next version, which says the same; on the server, row by row."""
    key = (client_id, project_id, version)
    own = _SQL.copy_version.format(columns=", ".join(PROJECT_COLUMNS))
    await conn.execute(own, *key, subject)
    for table in Table:
        columns = ", ".join(COLUMNS[table])
        query = _SQL.copy_children.format(table=table.value, columns=columns)
        last = await conn.fetchval(_SQL.last_child.format(table=table.value), *key)
        for start in range(0, -1 if last is None else last + 1, AT_A_TIME):
            await conn.execute(query, *key, start, start + AT_A_TIME)
            watchdog.reset()
