"""Archives a project, and restores it: all its versions stay, and each change is a new version."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from service.errors import Conflict
from service.projects.locks import ProjectRequest, check_unlocked, project_transaction
from service.storage import Connection
from service.storage.events import archive_event, notify
from service.storage.queries import Queries
from service.storage.version_copy import VersionCopy, copy_versions

_SQL = Queries("locks")


class Archived(NamedTuple):
    """The version at which a project is archived or active, and since when it is archived."""

    version: int
    archived_at: datetime | None


@dataclass(slots=True)
class ArchiveRequest:
    """A request to archive a project, or to restore an archived one.

    Attributes:
        archive: False to restore it.
        version: change only this version; None for the version that the first try finds.
    """

    project: ProjectRequest
    archive: bool
    version: int | None = None

    async def run(self, conn: Connection) -> Archived:
        """Make a new version that is archived or active. A project that is so already stays.

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
            if (archived_at is not None) != self.archive:
                version += 1
                archived_at = await self._add_version(conn, version)
            return Archived(version, archived_at)

    async def _add_version(self, conn: Connection, version: int) -> datetime | None:
        project = self.project
        copy = VersionCopy(project.project_id, version - 1, version, archive=self.archive)
        await copy_versions(
            conn, project.client_id, [copy], import_id=None, subject=project.subject
        )
        archived_at: datetime | None = await conn.fetchval(_SQL.move_pointer, *project.key, version)
        if project.notifies:
            await notify(conn, [archive_event(*project.key, version, archive=self.archive)])
        return archived_at

    async def _find_effect(self, conn: Connection, current: int) -> Archived:
        """Return what the same request for the version that is meant has done before."""
        query = _SQL.find_archived if self.archive else _SQL.find_restored
        row = await conn.fetchrow(query, *self.project.key, self.version)
        if row is None:
            raise Conflict("Version conflict", fields={"current_version": current})
        return Archived(*row)
