"""What differs between two versions of a project: records added, removed and changed, and how."""

from collections.abc import AsyncIterator, Sequence
from typing import Final, NamedTuple

from service.projects.records import SQL, VersionGone, VersionKey
from service.storage import Connection, watchdog
from service.storage.queries import Queries
from service.tables import COLUMNS, PROJECT_COLUMNS, Table

_SQL: Final = Queries("compare")
_PREFETCH: Final = 50


class _Kind(NamedTuple):
    """Records of one kind.

    Attributes:
        source: what gives the rows of one version.
        columns: what is compared, beside ``attributes``.
        key: expressions of text by which a record of one version is found in the other.
        shown: columns that tell which one it is.
    """

    source: str
    columns: Sequence[str]
    key: Sequence[str]
    shown: Sequence[str]


def _children(table: Table, key: Sequence[str], shown: Sequence[str]) -> _Kind:
    source = _SQL.records.replace("{table}", table)
    return _Kind(source, COLUMNS[table][1:-1], key, shown)


KINDS: Final = {
    "project": _Kind(_SQL.project, PROJECT_COLUMNS[:-1], (), ()),
    "tasks": _children(Table.TASKS, ("kind", "task_id"), ("kind", "task_id", "name")),
    "dependencies": _children(
        Table.DEPENDENCIES,
        ("predecessor_id", "successor_id", "type"),
        ("predecessor_id", "successor_id", "type"),
    ),
    "resources": _children(Table.RESOURCES, ("resource_id",), ("resource_id", "name")),
    "assignments": _children(
        Table.ASSIGNMENTS, ("task_id", "resource_id"), ("task_id", "resource_id")
    ),
    "parts": _children(
        Table.PARTS,
        ("element", "attributes ->> 'ObjectId'", "attributes ->> 'UID'"),
        ("element",),
    ),
    "shared_objects": _Kind(
        _SQL.shared, ("element", "object_id"), ("element", "object_id"), ("element", "object_id")
    ),
}


async def differences(conn: Connection, old: VersionKey, new: int) -> AsyncIterator[bytes]:
    """A JSON object, in blocks: the list of what differs, by kind of record.

    All is read as it is at one moment. It keeps the connection until it is read to its end.

    Args:
        conn: a connection outside any transaction.
        old: the version compared with.
        new: the version that is told of.

    Raises:
        Gone: one of the two is not there.
        asyncpg.PostgresError: the database failed.
    """
    client_id, project_id, version = old
    async with conn.transaction(isolation="repeatable_read", readonly=True):
        await conn.execute(SQL.speak)
        for number in (version, new):
            if not await conn.fetchval(SQL.kept, client_id, project_id, number):
                raise VersionGone
        yield b'{"from":%d,"to":%d' % (version, new)
        for name, kind in KINDS.items():
            yield b',"%b":[' % name.encode()
            comma = b""
            query = _query(kind)
            rows = conn.cursor(query, client_id, project_id, version, new, prefetch=_PREFETCH)
            async for row in rows:
                yield comma + row["line"].encode()
                comma = b","
                watchdog.reset()
            yield b"]"
        yield b"}"


def _query(kind: _Kind) -> str:
    columns = ", ".join(kind.columns)
    key = f"jsonb_build_array({', '.join(kind.key)})::text"
    return _SQL.differences.format(
        key=f'({key}) COLLATE "C"',
        said=f"(SELECT c FROM (SELECT {columns}) AS c)",
        old_identity=_identity("old", kind.shown),
        new_identity=_identity("new", kind.shown),
        old=kind.source.format(version="$3"),
        new=kind.source.format(version="$4"),
    )


def _identity(side: str, shown: Sequence[str]) -> str:
    members = ", ".join(f"'{column}', to_jsonb({side}.said) -> '{column}'" for column in shown)
    return f"jsonb_build_object({members})"
