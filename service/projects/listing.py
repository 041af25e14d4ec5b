"""Which projects there are, and at which version."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from service.codes import ErrorCode
from service.projects.records import SQL, Rows, RunQuery, fetching
from service.storage import Connection

_CUT: Final = (ErrorCode.MALFORMED_XML, ErrorCode.FILE_TOO_LARGE)


@dataclass(frozen=True, slots=True)
class Mentioned:
    """An import whose outcomes tell every project that its file had."""

    import_id: int
    attempt: int


class NotWhole(Exception):
    """What an import did not mention cannot be told; the text says why."""


@dataclass(frozen=True, slots=True)
class ProjectQuery:
    """Which projects are asked for; None asks for all.

    Attributes:
        archived: True for archived ones alone, False for active ones alone.
        text: in the external id, name or code, small or capital.
        source: the dialect that they came from.
        changed: their current version was made from the first moment on, before the second.
        missing_from: they were not mentioned there.
    """

    archived: bool | None = False
    text: str | None = None
    source: str | None = None
    changed: tuple[datetime, datetime] | None = None
    missing_from: Mentioned | None = None


async def current_version(conn: Connection, client_id: int, project_id: int) -> int | None:
    """The version that a project is at, or None where the client has no such project."""
    current: int | None = await conn.fetchval(SQL.current, client_id, project_id)
    return current


async def list_versions(
    ask: RunQuery, client_id: int, project_id: int, after: int, limit: int
) -> Rows:
    """The versions kept of a project behind one, oldest first: ``version``, ``line`` as JSON."""
    return await ask(fetching(SQL.versions, client_id, project_id, after, limit))


async def list_projects(
    ask: RunQuery, client_id: int, wanted: ProjectQuery, after: int, limit: int
) -> Rows:
    """Projects in the order of their ids, behind one: ``project_id``, and ``line`` as JSON."""
    values: list[Any] = [client_id, after, limit]
    conditions: list[str] = []

    def add(condition: str, *given: Any) -> None:
        places = [f"${len(values) + number}" for number, _ in enumerate(given, 1)]
        conditions.append(condition.format(*places))
        values.extend(given)

    if wanted.archived is not None:
        add(SQL.archived if wanted.archived else SQL.active)
    if wanted.text is not None:
        add(SQL.having, wanted.text)
    if wanted.source is not None:
        add(SQL.from_source, wanted.source)
    if wanted.changed is not None:
        add(SQL.changed, *wanted.changed)
    if (mentioned := wanted.missing_from) is not None:
        add(SQL.not_mentioned, mentioned.import_id, mentioned.attempt)
    return await ask(fetching(SQL.list.format(conditions="\n".join(conditions)), *values))


async def watermark(conn: Connection) -> datetime:
    """Before it, nothing comes to light any more."""
    mark: datetime = await conn.fetchval(SQL.watermark)
    return mark


async def find_mentioning_import(
    conn: Connection, client_id: int, import_id: int
) -> Mentioned | None:
    """An import to compare with, or None where the client has no such import.

    Raises:
        NotWhole: its outcomes do not tell all that its file had.
    """
    row = await conn.fetchrow(SQL.mentioned, client_id, import_id)
    if row is None:
        return None
    if row["state"] != "completed":
        raise NotWhole(f"The import is {row['state']}, not completed")
    if not row["kept"]:
        raise NotWhole("The outcomes of the import are no longer kept")
    if row["last_error"] in _CUT:
        raise NotWhole("The file of the import was not read to its end")
    return Mentioned(import_id, row["attempt"])
