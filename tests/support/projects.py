"""Projects as a reader would produce them, for tests of the stages after the reader."""

import asyncio
from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

import asyncpg

from service.imports.lease import Lease
from service.imports.record import ImportEnd, ImportRequest, begin_import, end_import
from service.model import Project, Warnings
from service.spool.copy_rows import CopyRows, copy_line
from service.spool.spool import Spool
from service.storage import Pool
from service.tables import COLUMNS, PROJECT_COLUMNS, Table
from tests.support.native import FILE_START

CLIENT = 1


def project(
    external_id: str,
    index: int = 0,
    *,
    name: str = "Plan",
    tasks: int = 2,
    read_at: int | None = None,
    source: str = "native",
    percent: str = "50",
) -> Project:
    """A project of ``tasks`` tasks in a chain; ``percent`` may be one that PostgreSQL refuses."""
    rows = CopyRows(1 << 20, Spool().share())
    for number in range(tasks):
        task = _row(
            COLUMNS[Table.TASKS][1:],
            task_id=f"T{number}",
            kind="activity",
            name=f"Task {number}",
            percent_complete=percent,
            milestone="f",
            summary="f",
        )
        rows.add(Table.TASKS, task)
        if number:
            link = (f"T{number - 1}", f"T{number}", "FS", "PT0S", "{}")
            rows.add(Table.DEPENDENCIES, copy_line(link))
    row = _row(PROJECT_COLUMNS, name=name, source=source)
    digest = blake2b(row, digest_size=32)
    for table in Table:
        for block in rows.blocks(table):
            digest.update(block)
    return Project(
        index,
        10 * index + 1,
        external_id,
        name,
        source,
        read_at,
        row,
        rows,
        digest.digest(),
        (),
        tasks,
        Warnings(),
    )


def _row(columns: Sequence[str], **values: str) -> bytes:
    """One row of COPY text; other columns than those with values are empty."""
    values["attributes"] = "{}"
    return copy_line([values.get(column) for column in columns])


async def begun(pool: Pool, subject: str = "tester") -> Lease:
    """An import of client 1 that has begun."""
    request = ImportRequest(CLIENT, subject, "request-1")
    async with pool.acquire() as conn:
        import_id = await begin_import(conn, request, 5)
    assert import_id is not None
    return Lease(CLIENT, import_id, 1, request.nonce, subject, lock_timeout=5, idle_timeout=10)


async def finish(pool: Pool, lease: Lease, state: str = "completed") -> None:
    """End an import that runs."""
    async with pool.acquire() as conn:
        assert await end_import(conn, lease, ImportEnd(state)) is not None


async def until(pool: Pool, query: str) -> Any:
    """Ask the server until the query's first value is true, and return it."""
    async with asyncio.timeout(20):
        while not (value := await pool.fetchval(query)):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    return value


async def fetch_results(pool: Pool, lease: Lease) -> list[asyncpg.Record]:
    return await pool.fetch(
        "SELECT * FROM import_results WHERE client_id = 1 AND import_id = $1 ORDER BY index",
        lease.import_id,
    )


REQUEST = ImportRequest(CLIENT, "tester", "request-1")


HEAD = FILE_START.encode() + b"\n"


TAIL = b"</projects>\n"


def project_line(name: str, tasks: int = 2, text: str = "") -> bytes:
    """One native project on a line of its own."""
    rows = "".join(
        f'<task id="T{n}"><name>Task {n}</name><notes>{text}</notes></task>' for n in range(tasks)
    )
    return f'<project id="{name}"><name>{name}</name><tasks>{rows}</tasks></project>\n'.encode()
