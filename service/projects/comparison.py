"""Compares two versions of a project: the records that were added, removed or changed."""

from collections.abc import AsyncIterator, Sequence
from typing import Final, NamedTuple

from service.projects.records import SQL, VersionGone, VersionKey
from service.storage import Connection, watchdog
from service.storage.queries import Queries
from service.tables import COLUMNS, MEMBERS, PROJECT_COLUMNS, Table

_SQL: Final = Queries("compare")
_PREFETCH: Final = 50


class Kind(NamedTuple):
    """Records of one kind.

    Attributes:
        source: query for the rows of one version.
        columns: columns that are compared, beside ``attributes``.
        key: expressions of type text that match the records of two versions.
        identity: columns that identify a record in the result.
    """

    source: str
    columns: Sequence[str]
    key: Sequence[str]
    identity: Sequence[str]


def _records(table: Table, key: Sequence[str], identity: Sequence[str]) -> Kind:
    source = _SQL.records.replace("{table}", table)
    return Kind(source, COLUMNS[table][1:-1], key, identity)


_LINK: Final = ("predecessor_id", "successor_id", "type")
_BASELINE_TASK: Final = ("number", "kind", "task_id")
_PART: Final = ("element", "attributes ->> 'ObjectId'", "attributes ->> 'UID'")
_OBJECT: Final = ("element", "object_id")

KINDS: Final = {
    "project": Kind(_SQL.project, PROJECT_COLUMNS[:-1], (), ()),
    MEMBERS[Table.TASKS]: _records(Table.TASKS, ("kind", "task_id"), ("kind", "task_id", "name")),
    MEMBERS[Table.DEPENDENCIES]: _records(Table.DEPENDENCIES, _LINK, _LINK),
    MEMBERS[Table.RESOURCES]: _records(Table.RESOURCES, ("resource_id",), ("resource_id", "name")),
    MEMBERS[Table.ASSIGNMENTS]: _records(
        Table.ASSIGNMENTS, ("task_id", "resource_id"), ("task_id", "resource_id")
    ),
    MEMBERS[Table.BASELINES]: _records(Table.BASELINES, ("number",), ("number", "name")),
    MEMBERS[Table.BASELINE_TASKS]: _records(
        Table.BASELINE_TASKS, _BASELINE_TASK, (*_BASELINE_TASK, "name")
    ),
    MEMBERS[Table.PARTS]: _records(Table.PARTS, _PART, ("element",)),
    "shared_objects": Kind(_SQL.shared, _OBJECT, _OBJECT, _OBJECT),
}


async def compare_versions(conn: Connection, old: VersionKey, new: int) -> AsyncIterator[bytes]:
    """Yield a JSON object, in blocks, that lists the differences by kind of record.

    Both versions are read as they are at one moment. The connection is in use until the last block.

    Args:
        conn: a connection outside any transaction.
        old: version to compare with.
        new: version whose differences are listed.

    Raises:
        VersionGone: one of the two does not exist.
        asyncpg.PostgresError: the database failed.
    """
    client_id, project_id, version = old
    async with conn.transaction(isolation="repeatable_read", readonly=True):
        await conn.execute(SQL.set_style)
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


def _query(kind: Kind) -> str:
    key = f"jsonb_build_array({', '.join(kind.key)})::text"
    return _SQL.differences.format(
        key=f'({key}) COLLATE "C"',
        content=f"(SELECT c FROM (SELECT {', '.join(kind.columns)}) AS c)",
        old_identity=_identity("old", kind.identity),
        new_identity=_identity("new", kind.identity),
        old=kind.source.format(version="$3"),
        new=kind.source.format(version="$4"),
    )


def _identity(side: str, columns: Sequence[str]) -> str:
    members = ", ".join(f"'{name}', to_jsonb({side}.content) -> '{name}'" for name in columns)
    return f"jsonb_build_object({members})"
