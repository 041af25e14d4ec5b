"""COPY in text format: writes rows, and finds the project whose row the database refused."""

import asyncio
import contextlib
import itertools
import re
from binascii import hexlify
from collections.abc import AsyncIterator, Coroutine, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

import asyncpg

from service.imports import outcomes
from service.imports.lease import Lease
from service.model import Project
from service.observability import metrics
from service.spool.copy_rows import copy_line, prefix_rows
from service.storage import Connection, watchdog
from service.storage.db_errors import RowRefused
from service.storage.queries import Queries
from service.tables import COLUMNS, PROJECT_COLUMNS, Table

KEY_COLUMNS = ("client_id", "project_id", "version")
VERSION_COLUMNS = (
    *KEY_COLUMNS,
    "import_id",
    "created_by",
    "content_hash",
    "shared_objects",
    "task_count",
    "warning_count",
    "progress",
    *PROJECT_COLUMNS,
)
_SQL = Queries("writer")
MESSAGE_BYTES = 256 * 1024
"""Approximate size of the messages in which rows are sent."""

_AT_LINE = re.compile(r"^COPY \w+, line (\d+)")


class NewVersion(NamedTuple):
    """A project and the version that a batch writes."""

    project: Project
    project_id: int
    version: int


async def copy_versions(conn: Connection, lease: Lease, written: Sequence[NewVersion]) -> None:
    """Write new versions with all their records.

    The records come first, because the row of a version has its progress.

    Raises:
        RowRefused: the database refused a row.
        asyncpg.PostgresError: the database refused for another reason.
    """
    keys = [b"%d\t%d\t%d\t" % (lease.client_id, item.project_id, item.version) for item in written]
    keyed = [(item.project, key) for item, key in zip(written, keys, strict=True)]
    for table in Table:
        if with_rows := [each for each in keyed if each[0].rows.count(table)]:
            shares = ((project.index, project.rows.count(table)) for project, _ in with_rows)
            blocks = _child_rows(with_rows, table)
            await _copy(conn, table, (*KEY_COLUMNS, *COLUMNS[table]), blocks, shares)
    progress = await _read_progress(conn, lease, written)
    rows = _version_rows(lease, written, progress)
    shares = ((item.project.index, 1) for item in written)
    await _copy(conn, "project_versions", VERSION_COLUMNS, rows, shares)


async def _read_progress(
    conn: Connection, lease: Lease, written: Sequence[NewVersion]
) -> dict[int, Decimal | None]:
    """Return the progress of the projects with tasks, by id; None if they do not state it."""
    with_tasks = [item for item in written if item.project.tasks]
    if not with_tasks:
        return {}
    query = _SQL.read_progress.format(progress=_SQL.progress)
    ids = [item.project_id for item in with_tasks]
    rows = await conn.fetch(query, lease.client_id, ids, [item.version for item in with_tasks])
    watchdog.reset()
    return {row["project_id"]: row["progress"] for row in rows}


async def copy_results(conn: Connection, lease: Lease, results: Mapping[int, bytes]) -> None:
    """Write the rows of outcomes, by index; raises as ``copy_versions``."""
    key = b"%d\t%d\t%d\t" % (lease.client_id, lease.import_id, lease.attempt)
    blocks = [prefix_rows(b"".join(results.values()), key)]
    await _copy(conn, "import_results", outcomes.COLUMNS, blocks, ((index, 1) for index in results))


async def _copy(
    conn: Connection,
    table: str,
    columns: Sequence[str],
    blocks: Iterable[bytes],
    shares: Iterable[tuple[int, int]],
) -> None:
    """Copy blocks of rows; ``shares`` has, in order, each item's index and number of rows."""
    messages = _messages(blocks)
    first = next(messages, b"")
    second = next(messages, None)
    # asyncpg would take bytes for the name of a file.
    source: Any = memoryview(first) if second is None else _send(first, second, messages)
    try:
        copying = conn.copy_to_table(table, source=source, columns=columns, format="text")
        await (copying if second is None else _unless_lost(conn, copying))
    except asyncpg.PostgresError as exc:
        at = _AT_LINE.match(exc.context or "")
        index = _index_at(int(at[1]), shares) if at else None
        if index is None:
            raise
        raise RowRefused(index) from exc


async def _unless_lost(conn: Connection, copying: Coroutine[Any, Any, str]) -> None:
    """Wait for a COPY of several messages, but no longer than its connection lives.

    asyncpg alone waits forever if the connection is lost while it accepts no more data.
    """
    task = asyncio.current_task()
    assert task is not None
    waiting, lost = True, False

    def stop(_: object) -> None:
        nonlocal lost
        if waiting:
            lost = True
            task.cancel()

    conn.add_termination_listener(stop)
    try:
        await copying
    except asyncio.CancelledError:
        if lost and not task.uncancel():
            raise asyncpg.ConnectionDoesNotExistError("the connection was lost in a COPY") from None
        raise
    finally:
        waiting = False
        with contextlib.suppress(asyncpg.InterfaceError):  # the connection is lost
            conn.remove_termination_listener(stop)


def _index_at(line: int, shares: Iterable[tuple[int, int]]) -> int | None:
    """Return the item of a line; the database may report a fault at the line after the last one."""
    for index, rows in shares:
        line -= rows
        if line <= 0:
            return index
    return None


async def _send(first: bytes, second: bytes, following: Iterator[bytes]) -> AsyncIterator[bytes]:
    for message in itertools.chain((first, second), following):
        watchdog.reset()
        yield message


def _messages(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Join or split blocks to messages; asyncpg copies each message twice."""
    pending: list[bytes] = []
    size = 0
    for block in blocks:
        pending.append(block)
        size += len(block)
        if size < MESSAGE_BYTES:
            continue
        joined = b"".join(pending)
        whole = size - size % MESSAGE_BYTES
        for at in range(0, whole, MESSAGE_BYTES):
            metrics.DATABASE_BYTES.inc(MESSAGE_BYTES)
            yield joined[at : at + MESSAGE_BYTES]
        pending = [joined[whole:]]
        size -= whole
    if size:
        metrics.DATABASE_BYTES.inc(size)
        yield b"".join(pending)


def shared_objects(project: Project) -> bytes:
    """Return the column ``shared_objects`` of a project's version as COPY text."""
    return b"{%b}" % b",".join(rb'"\\\\x%b"' % hexlify(digest) for digest in project.shared)


def figures(project: Project) -> bytes:
    """Return the columns ``task_count`` and ``warning_count`` as COPY text."""
    return b"%d\t%d" % (project.tasks, project.warnings.count)


def _version_rows(
    lease: Lease, written: Iterable[NewVersion], progress: Mapping[int, Decimal | None]
) -> Iterator[bytes]:
    client = lease.client_id
    origin = copy_line((lease.import_id, lease.subject))
    for project, project_id, version in written:
        digest = hexlify(project.content_hash)
        key = b"%d\t%d\t%d\t%b" % (client, project_id, version, origin)
        known = progress.get(project_id)
        done = rb"\N" if known is None else str(known).encode()
        values = key, digest, shared_objects(project), figures(project), done, project.row
        yield b"%b\t\\\\x%b\t%b\t%b\t%b\t%b\n" % values


def _child_rows(keyed: Iterable[tuple[Project, bytes]], table: Table) -> Iterator[bytes]:
    for project, key in keyed:
        for block in project.rows.blocks(table):
            yield prefix_rows(block, key)
