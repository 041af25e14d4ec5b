"""Lists a client's projects, and the versions of a project."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from service.codes import ErrorCode
from service.projects.records import SQL, Page, RunQuery, bind_query
from service.storage import Connection

_CUT: Final = (ErrorCode.MALFORMED_XML, ErrorCode.FILE_TOO_LARGE)
"""Errors after which the rest of the file was not read."""


@dataclass(frozen=True, slots=True)
class CompleteImport:
    """An import whose outcomes list every project of its file."""

    import_id: int
    attempt: int


class IncompleteImport(Exception):
    """The outcomes of an import do not list every project of its file; the text states why."""


@dataclass(frozen=True, slots=True)
class ProjectQuery:
    """Conditions for the list of projects; None does not restrict it.

    Attributes:
        archived: True for archived projects only, False for active ones only.
        text: part of the external id, the name or the code, in any case.
        source: format of the original file.
        changed: the current version was created at or after the first time and before the second.
        missing_from: the file of this import does not have the project.
    """

    archived: bool | None = False
    text: str | None = None
    source: str | None = None
    changed: tuple[datetime, datetime] | None = None
    missing_from: CompleteImport | None = None


async def read_current_version(conn: Connection, client_id: int, project_id: int) -> int | None:
    """Return a project's current version, or None if the client does not have the project."""
    version: int | None = await conn.fetchval(SQL.current, client_id, project_id)
    return version


async def list_versions(
    run_query: RunQuery, client_id: int, project_id: int, after: int, limit: int
) -> Page:
    """Return the versions of a project after one of them, oldest first.

    Returns:
        Rows with ``version``, and the version as JSON in ``line``.
    """
    return await run_query(bind_query(SQL.versions, client_id, project_id, after, limit))


async def list_projects(
    run_query: RunQuery, client_id: int, query: ProjectQuery, after: int, limit: int
) -> Page:
    """Return the projects after one of them, in the order of their ids.

    Returns:
        Rows with ``project_id``, and the project as JSON in ``line``.
    """
    values: list[Any] = [client_id, after, limit]
    conditions: list[str] = []

    def add(condition: str, *arguments: Any) -> None:
        places = [f"${len(values) + number}" for number, _ in enumerate(arguments, 1)]
        conditions.append(condition.format(*places))
        values.extend(arguments)

    if query.archived is not None:
        add(SQL.archived if query.archived else SQL.active)
    if query.text is not None:
        add(SQL.has_text, query.text)
    if query.source is not None:
        add(SQL.from_source, query.source)
    if query.changed is not None:
        add(SQL.changed_between, *query.changed)
    if query.missing_from is not None:
        add(SQL.missing_from, query.missing_from.import_id, query.missing_from.attempt)
    return await run_query(bind_query(SQL.list.format(conditions="\n".join(conditions)), *values))


async def read_watermark(conn: Connection) -> datetime:
    """Return a time before which no further version will appear."""
    mark: datetime = await conn.fetchval(SQL.watermark)
    return mark


async def find_complete_import(
    conn: Connection, client_id: int, import_id: int
) -> CompleteImport | None:
    """Return an import to compare the projects with, or None if the client does not have it.

    Raises:
        IncompleteImport: its outcomes do not list every project of its file.
    """
    row = await conn.fetchrow(SQL.completeness, client_id, import_id)
    if row is None:
        return None
    if row["state"] != "completed":
        raise IncompleteImport(f"The import is {row['state']}, not completed")
    if not row["kept"]:
        raise IncompleteImport("The outcomes of the import are no longer kept")
    if row["last_error"] in _CUT:
        raise IncompleteImport("The file of the import was not read to its end")
    return CompleteImport(import_id, row["attempt"])
