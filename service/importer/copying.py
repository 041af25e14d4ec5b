"""Rows into their tables by COPY in text format, and whose row it was that the database refused."""

import re
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from dataclasses import dataclass

import asyncpg

from service.db import Connection
from service.importer import outcomes
from service.importer.batches import Owner
from service.importer.faults import RowRefused
from service.model import PROJECT_COLUMNS, Project
from service.rows import COLUMNS, Table, copy_line, keyed

KEY_COLUMNS = ("client_id", "project_id", "version")
VERSION_COLUMNS = (
    *KEY_COLUMNS,
    "import_id",
    "created_by",
    "content_hash",
    "shared_objects",
    *PROJECT_COLUMNS,
)
STEP = 256 * 1024
"""Rows are sent in messages of about this many bytes."""

_AT_LINE = re.compile(r"^COPY \w+, line (\d+)")


@dataclass(frozen=True, slots=True)
class Written:
    """A project, and the version of it that a batch writes."""

    project: Project
    project_id: int
    version: int


@dataclass(frozen=True, slots=True)
class _Part:
    """One item's share of a COPY: how many rows, and their text."""

    index: int
    rows: int
    blocks: Iterable[bytes]


async def copy_versions(conn: Connection, owner: Owner, written: Sequence[Written]) -> None:
    """Write new versions with all their children.

    Raises:
        RowRefused: the database refused a row.
        asyncpg.PostgresError: the database refused for another reason.
    """
    parts = [_Part(w.project.index, 1, [_version_row(owner, w)]) for w in written]
    await _copy(conn, "project_versions", VERSION_COLUMNS, parts)
    for table in Table:
        parts = [
            _Part(w.project.index, w.project.rows.count(table), _child_rows(owner, w, table))
            for w in written
            if w.project.rows.count(table)
        ]
        if parts:
            await _copy(conn, table, (*KEY_COLUMNS, *COLUMNS[table]), parts)


async def copy_results(conn: Connection, owner: Owner, rows: Sequence[outcomes.Row]) -> None:
    """Write outcomes; raises as ``copy_versions`` does."""
    key = (owner.client_id, owner.import_id, owner.attempt)
    parts = [
        _Part(row.index, 1, [copy_line((*key, *outcomes.values(row))) + b"\n"]) for row in rows
    ]
    await _copy(conn, "import_results", outcomes.COLUMNS, parts)


async def _copy(
    conn: Connection, table: str, columns: Iterable[str], parts: Sequence[_Part]
) -> None:
    try:
        await conn.copy_to_table(
            table, source=_messages(parts), columns=list(columns), format="text"
        )
    except asyncpg.PostgresError as exc:
        at = _AT_LINE.match(exc.context or "")
        if at is None:
            raise
        raise RowRefused(_index_at(int(at[1]), parts)) from exc


def _index_at(line: int, parts: Sequence[_Part]) -> int:
    for part in parts:
        line -= part.rows
        if line <= 0:
            return part.index
    return parts[-1].index


async def _messages(parts: Iterable[_Part]) -> AsyncIterator[bytes]:
    pending: list[bytes] = []
    size = 0
    for part in parts:
        for block in part.blocks:
            pending.append(block)
            size += len(block)
            if size >= STEP:
                yield b"".join(pending)
                pending.clear()
                size = 0
    if pending:
        yield b"".join(pending)


def _child_rows(owner: Owner, written: Written, table: Table) -> Iterator[bytes]:
    key = b"%d\t%d\t%d\t" % (owner.client_id, written.project_id, written.version)
    return (keyed(block, key) for block in written.project.rows.blocks(table))


def _version_row(owner: Owner, written: Written) -> bytes:
    project = written.project
    shared = ",".join(f'"\\\\x{digest.hex()}"' for digest in project.shared)
    key = copy_line(
        (
            owner.client_id,
            written.project_id,
            written.version,
            owner.import_id,
            owner.subject,
            f"\\x{project.content_hash.hex()}",
            f"{{{shared}}}",
        )
    )
    return b"%b\t%b\n" % (key, project.row)
