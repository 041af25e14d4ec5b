"""Archives a project: it keeps all its versions, and the next import activates it again."""

from datetime import datetime
from typing import NamedTuple

from service.projects.locks import ProjectRequest, check_unlocked, project_transaction
from service.storage import Connection
from service.storage.queries import Queries
from service.storage.version_copy import VersionCopy, copy_versions

_SQL = Queries("locks")


class Archived(NamedTuple):
    """The version at which a project is archived, and since when."""

    version: int
    archived_at: datetime


async def archive_project(conn: Connection, request: ProjectRequest) -> Archived:
    """Archive a project as a new version. An archived project stays as it is.

    Raises:
        NotFound: the client has no such project.
        Conflict: another subject holds a lock on it, or an import is writing it.
    """
    key = (request.client_id, request.project_id)
    async with project_transaction(conn, request):
        await check_unlocked(conn, request)
        row = await conn.fetchrow(_SQL.read_pointer, *key)
        assert row is not None
        version, archived_at = row
        if archived_at is None:
            copy = VersionCopy(request.project_id, version, version + 1, archive=True)
            await copy_versions(
                conn, request.client_id, [copy], import_id=None, subject=request.subject
            )
            version += 1
            archived_at = await conn.fetchval(_SQL.archive_project, *key, version)
        return Archived(version, archived_at)
