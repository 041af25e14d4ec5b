"""Lists a client's projects, and the versions of a project."""

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Any, Final, NamedTuple

from service.codes import ErrorCode
from service.errors import Unavailable
from service.projects.records import PAGE_ROWS, SQL, Page, Query, RunQuery, bind_query
from service.storage import APPLICATION_NAME, Connection
from service.storage.citus.second_phase import limit_by_second_phases

_CUT: Final = (ErrorCode.MALFORMED_XML, ErrorCode.FILE_TOO_LARGE)
"""In an import of an earlier release: errors after which the rest of the file was not read."""


_IDS: Final = 20_000
"""Ids that a query returns. A list of more changed projects examines all projects instead."""


DateRange = tuple[date | None, date | None]


class CompleteImport(NamedTuple):
    """An import whose outcomes list every project of its files."""

    import_id: int
    attempt: int


class IncompleteImport(Exception):
    """The outcomes of an import do not list every project of its file; the text states why."""


@dataclass(frozen=True, slots=True)
class ProjectQuery:
    """Conditions for the list of projects; None does not restrict it.

    Attributes:
        archived: True for archived projects only, False for active ones only.
        external_id: the external id of the only project.
        text: part of the external id, the name, the title or the code, in any case.
        source: format of the original file.
        start: first and last day of the project's start; None for an open end.
        finish: the same for its finish.
        warnings: whether reading the current version gave warnings.
        changed: the current version was created at or after the first time and before the second.
        missing_from: the file of this import does not have the project.
    """

    archived: bool | None = False
    external_id: str | None = None
    text: str | None = None
    source: str | None = None
    start: DateRange = (None, None)
    finish: DateRange = (None, None)
    warnings: bool | None = None
    changed: tuple[datetime, datetime] | None = None
    missing_from: CompleteImport | None = None


async def read_current_version(conn: Connection, client_id: int, project_id: int) -> int | None:
    """Return a project's current version, or None if the client does not have the project."""
    rows = await bind_query(SQL.current, client_id, project_id, settings=SQL.follow_keys)(conn)
    return rows[0]["version"] if rows else None


async def list_versions(
    run_query: RunQuery, client_id: int, project_id: int, after: int, limit: int
) -> Page:
    """Return the versions of a project after one of them, oldest first.

    Returns:
        Rows with ``version``, and the version as JSON in ``line``.
    """
    values = (client_id, project_id, after, limit)
    return await run_query(bind_query(SQL.versions, *values, settings=SQL.follow_keys))


async def list_projects(
    run_query: RunQuery, client_id: int, query: ProjectQuery, after: int, limit: int
) -> Page:
    """Return the projects after one of them, in the order of their ids.

    Returns:
        Rows with ``project_id``, and the project as JSON in ``line``.
    """
    page: list[Any] = []
    async for candidates in _list_candidates(run_query, client_id, query, after):
        rows = limit - len(page)
        page += await read_projects(run_query, client_id, query, candidates, after, rows)
        if len(page) == limit:
            break
    return page


async def read_projects(
    run_query: RunQuery,
    client_id: int,
    query: ProjectQuery,
    ids: list[int] | None,
    after: int = -1,
    limit: int = PAGE_ROWS,
) -> Page:
    """Return the projects with the given ids, or all for None, as ``list_projects`` does.

    Args:
        query: ``external_id``, ``changed`` and ``missing_from`` are not examined for ``ids``.
    """
    values: list[Any] = [client_id, after, limit]
    bind = partial(bind_arguments, values)
    if ids is None:
        projects, settings = SQL.list_all, SQL.merge_keys
    else:
        projects, settings = bind(SQL.list_some, ids), SQL.follow_keys
    conditions = "\n".join(list_conditions(query, bind))
    text = SQL.list.format(projects=projects, conditions=conditions, title=SQL.title)
    return await run_query(bind_query(text, *values, settings=settings))


def bind_arguments(values: list[Any], text: str, *arguments: Any, **texts: str) -> str:
    """Add arguments to the values of a query; return a part of its text with their numbers."""
    places = [f"${len(values) + number}" for number, _ in enumerate(arguments, 1)]
    values.extend(arguments)
    return text.format(*places, **texts)


def list_conditions(query: ProjectQuery, bind: Callable[..., str]) -> Iterator[str]:
    """Yield the conditions of a query on a project and its version.

    Args:
        bind: adds arguments to the values of the query; see ``bind_arguments``.
    """
    if query.archived is not None:
        yield _archived(query.archived)
    if query.text is not None:
        yield bind(SQL.has_text, query.text, title=SQL.title)
    if query.source is not None:
        yield bind(SQL.from_source, query.source)
    for condition, day in (
        (SQL.starts_from, query.start[0]),
        (SQL.starts_until, query.start[1]),
        (SQL.finishes_from, query.finish[0]),
        (SQL.finishes_until, query.finish[1]),
    ):
        if day is not None:
            yield bind(condition, day)
    if query.warnings is not None:
        yield SQL.with_warnings if query.warnings else SQL.without_warnings
    if query.changed is not None:
        yield bind(SQL.changed_between, *query.changed)


async def _list_candidates(
    run_query: RunQuery, client_id: int, query: ProjectQuery, after: int
) -> AsyncIterator[list[int] | None]:
    """Yield the ids among which the projects are, some at a time, or None for all projects."""
    ids: list[int] = []
    only: set[int] | None = None
    if query.external_id is not None:
        bound = bind_query(
            SQL.find_by_external_id, client_id, query.external_id, settings=SQL.follow_keys
        )
        only = {each for each in await _list_ids(run_query, bound) if each > after}
        if not only or query.missing_from is None:
            yield [*only]
            return
    if query.missing_from is not None:
        archived = "" if query.archived is None else _archived(query.archived)
        text = SQL.list_missing.format(archived=archived)
        while True:
            values = (client_id, after, *query.missing_from, _IDS)
            ids = await _list_ids(run_query, bind_query(text, *values, settings=SQL.hash_rows))
            for some in _split([each for each in ids if only is None or each in only]):
                yield some
            if len(ids) < _IDS:
                return
            after = ids[-1]
    if query.changed is not None:
        bound = bind_query(
            SQL.list_changed, client_id, *query.changed, _IDS, settings=SQL.follow_keys
        )
        ids = await _list_ids(run_query, bound)
        if len(ids) < _IDS:
            for some in _split(sorted({each for each in ids if each > after})):
                yield some
            return
    yield None


def _archived(archived: bool) -> str:
    return SQL.archived if archived else SQL.active


async def _list_ids(run_query: RunQuery, query: Query) -> list[int]:
    return [row["project_id"] for row in await run_query(query)]


def _split(ids: list[int]) -> Iterator[list[int]]:
    for first in range(0, len(ids), PAGE_ROWS):
        yield ids[first : first + PAGE_ROWS]


async def read_watermark(conn: Connection, client_id: int | None = None) -> datetime:
    """Return a time before which no further version will appear.

    Args:
        client_id: whose versions these are. Without, a transaction of Citus is not noticed whose
            second phase was lost.

    Raises:
        Unavailable: the database hides transactions of the service, so that there is no such time.
    """
    mark: datetime | None = await conn.fetchval(SQL.watermark, APPLICATION_NAME)
    if mark is None:
        raise Unavailable("The database hides transactions that can change projects; see /readyz")
    return mark if client_id is None else await limit_by_second_phases(conn, client_id, mark)


async def find_complete_import(
    conn: Connection, client_id: int, import_id: int
) -> CompleteImport | None:
    """Return an import to compare the projects with, or None if the client does not have it.

    Raises:
        IncompleteImport: its outcomes do not list every project of its files.
    """
    query = bind_query(SQL.completeness, client_id, import_id, settings=SQL.follow_keys)
    rows = await query(conn)
    if not rows:
        return None
    (row,) = rows
    if row["state"] != "completed":
        raise IncompleteImport(f"The import is {row['state']}, not completed")
    if not row["kept"]:
        raise IncompleteImport("The outcomes of the import are no longer kept")
    if row["files_failed"] or (row["files_failed"] is None and row["last_error"] in _CUT):
        raise IncompleteImport("A file of the import was not read to its end, or has no project")
    if row["files_failed"] is not None and row["cut_short"]:
        raise IncompleteImport("The upload was cut short, so files may be missing")
    return CompleteImport(import_id, row["attempt"])
