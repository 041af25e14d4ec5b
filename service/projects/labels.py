"""Labels of versions: pruning keeps a version with a label, however old it becomes."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from service.errors import Conflict, no_version
from service.projects.locks import ProjectRequest, project_transaction
from service.storage import Connection
from service.storage.advisory_locks import share_labels
from service.storage.queries import Queries

_SQL = Queries("labels")


class Label(NamedTuple):
    """The label of a version, since when it has it, and who set it."""

    label: str
    created_at: datetime
    created_by: str


@dataclass(slots=True)
class LabelRequest:
    """A request to label a version, or to remove its label.

    A label changes nothing of the project, so the lock of another user does not refuse it. An
    earlier try may have committed, and others may have changed the label since then: a later try
    that finds another label than the first one did has had its effect.

    Attributes:
        label: the label to set; None to remove the one that the version has.
    """

    project: ProjectRequest
    version: int
    label: str | None
    _found: Label | None = None
    _result: Label | None = None

    async def run(self, conn: Connection) -> tuple[Label | None, bool]:
        """Set or remove the label. A version that has the label already stays as it is.

        Returns:
            The label, and whether the version had none before.

        Raises:
            NotFound: the project has no such version.
            Conflict: another version of the project has the label, or an import is writing the
                project.
        """
        tried = self.project.tried
        async with project_transaction(conn, self.project):
            await share_labels(conn, self.project.client_id)
            key = (*self.project.key, self.version)
            if not await conn.fetchval(_SQL.has_version, *key):
                if tried and self.label is None:  # its label was removed, and pruning followed
                    return None, False
                raise no_version(self.project.project_id, self.version)
            row = await conn.fetchrow(_SQL.read_label, *key)
            found = None if row is None else Label(*row)
            if not tried:
                self._found = found
            elif found != self._found:
                return self._result, self._found is None
            if found is None or self.label != found.label:
                await self._change(conn, key)
            else:
                self._result = found
            return self._result, found is None

    async def _change(self, conn: Connection, key: tuple[int, int, int]) -> None:
        if self.label is None:
            await conn.execute(_SQL.delete_label, *key)
            return
        other = await conn.fetchval(_SQL.find_version, *self.project.key, self.label)
        if other is not None:
            raise Conflict("Another version has the label", fields={"version": other})
        row = await conn.fetchrow(_SQL.set_label, *key, self.label, self.project.subject)
        assert row is not None
        self._result = Label(*row)
