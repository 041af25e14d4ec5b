"""Archives a project: it keeps all its versions, and the next import activates it again."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from service.errors import Conflict
from service.projects.locks import ProjectRequest, check_unlocked, project_transaction
from service.storage import Connection
from service.storage.queries import Queries
from service.storage.version_copy import VersionCopy, copy_versions

_SQL = Queries("locks")


class Archived(NamedTuple):
    """The version at which a project is archived, and since when."""

    version: int
    archived_at: datetime


@dataclass(slots=True)
class ArchiveRequest:
    """A request to archive a project.

    Attributes:
        version: archive only this version; None for the version that the first try finds.
    """

    project: ProjectRequest
    version: int | None = None

    async def run(self, conn: Connection) -> Archived:
        """Archive the project as a new version. An archived project stays as it is.

        Raises:
            NotFound: the client has no such project.
            Conflict: another subject holds a lock on it, an import is writing it, or another
                version than the one that is meant is current.
        """
        async with project_transaction(conn, self.project):
            row = await conn.fetchrow(_SQL.read_pointer, *self.project.key)
            assert row is not None
            version, archived_at = row
            if self.version not in (None, version):
                return await self._find_effect(conn, version)
            await check_unlocked(conn, self.project)
            self.version = version
            if archived_at is None:
                version += 1
                archived_at = await self._archive(conn, version)
            return Archived(version, archived_at)

    async def _archive(self, conn: Connection, version: int) -> datetime:
        project = self.project
        copy = VersionCopy(project.project_id, version - 1, version, archive=True)
        await copy_versions(
            conn, project.client_id, [copy], import_id=None, subject=project.subject
        )
        archived_at: datetime = await conn.fetchval(_SQL.archive_project, *project.key, version)
        return archived_at

    async def _find_effect(self, conn: Connection, current: int) -> Archived:
        """Return what archiving the version that is meant has done before."""
        row = await conn.fetchrow(_SQL.find_archived, *self.project.key, self.version)
        if row is None:
            raise Conflict("Version conflict", fields={"current_version": current})
        return Archived(*row)
