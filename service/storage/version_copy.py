"""Copies versions of projects on the server: for an undo, to archive, and to restore."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import Final

from service.storage import Connection, watchdog
from service.storage.queries import Queries
from service.tables import COLUMNS, PROJECT_COLUMNS, Table

_SQL = Queries("version_copy")

ROWS_AT_A_TIME: Final = 20_000
"""Records of one project that a statement copies."""


@dataclass(frozen=True, slots=True)
class VersionCopy:
    """A copy to make of a project's version ``source`` as version ``target``.

    Attributes:
        archive: whether the copy is archived; None for as the source is.
    """

    project_id: int
    source: int
    target: int
    archive: bool | None = None


async def copy_versions(
    conn: Connection,
    client_id: int,
    copies: Sequence[VersionCopy],
    *,
    import_id: int | None,
    subject: str,
) -> Counter[int]:
    """Copy versions with all their records.

    Args:
        conn: in a transaction that holds the projects' locks.
        import_id: the import that writes the new versions, if one does.
        subject: who writes them.

    Returns:
        The number of tasks of each project.
    """
    ids = [copy.project_id for copy in copies]
    key = (client_id, ids, [copy.source for copy in copies], [copy.target for copy in copies])
    archive = [copy.archive for copy in copies]
    query = _SQL.copy_versions.format(columns=", ".join(PROJECT_COLUMNS))
    now = await conn.fetchval(_SQL.read_time)
    await conn.execute(query, *key, archive, import_id, subject, now)
    records = {table: await _copy_records(conn, table, key) for table in Table}
    return records[Table.TASKS]


async def find_versions(
    conn: Connection, client_id: int, copies: Sequence[VersionCopy]
) -> set[int]:
    """Return the projects whose source version is stored; others were pruned."""
    ids = [copy.project_id for copy in copies]
    sources = [copy.source for copy in copies]
    rows = await conn.fetch(_SQL.find_versions, client_id, ids, sources)
    return {row["project_id"] for row in rows}


async def _copy_records(
    conn: Connection, table: Table, key: tuple[int, list[int], list[int], list[int]]
) -> Counter[int]:
    """Copy a table's records; return how many each project has."""
    query = _SQL.copy_records.format(table=table.value, columns=", ".join(COLUMNS[table]))
    copied: Counter[int] = Counter()
    for first in count(0, ROWS_AT_A_TIME):
        rows = await conn.fetch(query, *key, first, first + ROWS_AT_A_TIME)
        watchdog.reset()
        if not rows:
            break
        copied.update({row["project_id"]: row["number"] for row in rows})
    return copied
