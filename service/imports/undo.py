"""An import undone: each project that it changed is put back, as a new version.

    nobody has changed it since     what it became
    created by the import           archived: what it said stays, as a version
    updated by it                   what it said before, row by row, copied on the server

    changed since                   VERSION_CONFLICT
    locked by another subject       LOCKING_CONFLICT
    the version before is pruned    NOT_IMPORTED

It is an import of its own, with outcomes; so it can be undone as well.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any, Final

import asyncpg

from service.codes import ErrorCode
from service.imports import outcomes
from service.imports.conflict_rules import Failure, Outcome, lock_failure
from service.imports.fingerprint import NO_FILE, upload_fingerprint
from service.imports.pipeline.base import Pipeline
from service.imports.pipeline.batch import BatchItem, Lease, Reversal
from service.imports.pipeline.copy import copy_results
from service.imports.pipeline.fair_scheduler import Queue
from service.imports.pipeline.transaction import (
    WritePlan,
    check_lease,
    drop_written,
    lease_transaction,
    try_project_locks,
)
from service.imports.pipeline.writer import Writer
from service.model import Refusal
from service.observability.metrics import Stage
from service.settings import Settings
from service.spool.disk_set import DiskSet
from service.spool.spool import Spool
from service.storage import Connection, Pool, watchdog
from service.storage.queries import Queries
from service.storage.retry import with_retries
from service.tables import COLUMNS, PROJECT_COLUMNS, Table

_SQL = Queries("undo")

AT_A_TIME: Final = 20_000
"""Rows of one project copied by a statement; tasks in a batch, about."""

PRUNED: Final = Failure(
    ErrorCode.NOT_IMPORTED, "The version before is no longer kept", {"retryable": False}
)


class UndoPipeline(Pipeline):
    """The stages of an import that undoes another.

    Args:
        owner: in whose name it writes.
        pool: the connections.
        writing: its place among the writers of all imports.
        spool: of which it has a share.
        settings: limits, times and sizes.
    """

    def __init__(
        self,
        owner: Lease,
        *,
        pool: Pool,
        writing: Queue,
        spool: Spool,
        settings: Settings,
    ) -> None:
        super().__init__()
        assert owner.options.undo is not None
        self._owner = owner
        self._undone = owner.options.undo
        self._pool = pool
        self._settings = settings
        self._spool = spool.share(settings.import_spool_bytes)
        self._writer = Writer(
            pool,
            writing,
            owner,
            lock_timeout=settings.lock_timeout,
            retry_timeout=settings.retry_timeout,
            land=land,
        )

    async def run(self) -> None:
        batches = self._batches()
        turn = asyncio.Lock()

        async def write() -> None:
            while self.fault is None:
                async with turn:
                    batch = await anext(batches, None)
                if batch is None:
                    return
                await self._writer.land(batch)
                self.done += len(batch)

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(self._settings.writers):
                    group.create_task(write())
        except ExceptionGroup as failures:
            self.halt(failures.exceptions[0])

    def fingerprint(self, notes: str | None) -> bytes | None:
        return upload_fingerprint(NO_FILE, notes, self._owner.options)

    def close(self) -> None:
        self._spool.close()

    async def _batches(self) -> AsyncIterator[list[Reversal]]:
        batch: list[Reversal] = []
        index = tasks = 0
        async for row in self._changes():
            created = row["outcome"] == Outcome.CREATED
            batch.append(
                Reversal(index, row["external_id"], row["name"], row["project_id"], created)
            )
            index += 1
            tasks += row["tasks"]
            if len(batch) == self._settings.batch_projects or tasks > AT_A_TIME:
                yield batch
                batch = []
                tasks = 0
        if batch:
            yield batch

    async def _changes(self) -> AsyncIterator[asyncpg.Record]:
        """Each project that the import changed, once: its last attempt comes first."""
        with DiskSet(self._spool) as seen:
            for attempt in range(await self._attempts(), 0, -1):
                after = -1
                while rows := await self._page(attempt, after):
                    after = rows[-1]["index"]
                    for row in rows:
                        if seen.add(b"%d" % row["project_id"], 0) is None:
                            yield row

    async def _attempts(self) -> int:
        async def read(conn: Connection, _again: bool) -> int:
            attempts: int = await conn.fetchval(_SQL.attempts, self._owner.client_id, self._undone)
            return attempts

        return await with_retries(self._pool, read, self._settings.retry_timeout)

    async def _page(self, attempt: int, after: int) -> Sequence[asyncpg.Record]:
        async def read(conn: Connection, _again: bool) -> Sequence[asyncpg.Record]:
            key = (self._owner.client_id, self._undone, attempt)
            rows: Sequence[asyncpg.Record] = await conn.fetch(
                _SQL.changes, *key, after, outcomes.PAGE
            )
            return rows

        return await with_retries(self._pool, read, self._settings.retry_timeout)


@dataclass(frozen=True, slots=True)
class _Copy:
    """A project's next version, and the one that it repeats; ``away`` archives it."""

    item: Reversal
    version: int
    following: int
    away: bool


class _Pruned(Exception):
    """A version was pruned while it was copied; the transaction is rolled back."""


async def land(
    conn: Connection, owner: Lease, items: Sequence[BatchItem], recheck: bool
) -> list[BatchItem]:
    """Put a batch back; as ``transaction.land``."""
    while True:
        try:
            return await _land(conn, owner, items, recheck)
        except _Pruned:  # then it is refused this time
            continue


async def _land(
    conn: Connection, owner: Lease, items: Sequence[BatchItem], recheck: bool
) -> list[BatchItem]:
    async with lease_transaction(conn, owner, projects=len(items)) as watch:
        watch.switch_to(Stage.COMPARE)
        held, contested = await try_project_locks(conn, owner, items)
        await check_lease(conn, owner)
        if recheck:
            held = await drop_written(conn, owner, held)
        plan = WritePlan()
        copies = await _decide(conn, owner, held, plan)
        watch.switch_to(Stage.WRITE)
        if copies:
            await _write(conn, owner, copies, plan)
            if len(await _kept(conn, owner, copies)) < len(copies):
                raise _Pruned
        if plan.results:
            await copy_results(conn, owner, plan.results)
    return contested


async def _decide(
    conn: Connection, owner: Lease, items: Sequence[BatchItem], plan: WritePlan
) -> list[_Copy]:
    ids = [item.project_id for item in items if isinstance(item, Reversal)]
    key = (owner.client_id, ids, owner.options.undo, owner.subject)
    there = {row["project_id"]: row for row in await conn.fetch(_SQL.standing, *key)}
    copies = []
    for item in items:
        if isinstance(item, Refusal):
            plan.refuse(item, Failure(item.code, item.message, item.extra))
        elif isinstance(item, Reversal):
            verdict = _verdict(item, there.get(item.project_id))
            if isinstance(verdict, Failure):
                plan.refuse(item, verdict)
            else:
                copies.append(verdict)
    if not copies:
        return []
    kept = await _kept(conn, owner, copies)
    for copy in copies:
        if copy.item.project_id not in kept:
            plan.refuse(copy.item, PRUNED)
    return [copy for copy in copies if copy.item.project_id in kept]


async def _kept(conn: Connection, owner: Lease, copies: Sequence[_Copy]) -> set[int]:
    """The projects whose version to be copied is there."""
    ids = [copy.item.project_id for copy in copies]
    rows = await conn.fetch(_SQL.kept, owner.client_id, ids, [copy.version for copy in copies])
    return {row["project_id"] for row in rows}


def _verdict(item: Reversal, row: Any) -> _Copy | Failure:
    if row is not None and row["locked_by"] is not None:
        return lock_failure(row["locked_by"], row["locked_until"])
    if row is None or not row["ours"]:
        found = None if row is None else row["version"]
        message = "The project was changed after the import that is undone"
        return Failure(ErrorCode.VERSION_CONFLICT, message, {"current_version": found})
    if row["before"] is not None:
        return _Copy(item, row["before"], row["version"] + 1, away=False)
    if item.created or row["begun"]:
        return _Copy(item, row["version"], row["version"] + 1, away=True)
    return PRUNED


async def _write(conn: Connection, owner: Lease, copies: Sequence[_Copy], plan: WritePlan) -> None:
    ids = [copy.item.project_id for copy in copies]
    versions = [copy.version for copy in copies]
    following = [copy.following for copy in copies]
    key = (owner.client_id, ids, versions, following)
    away = [copy.away for copy in copies]
    own = _SQL.copy_versions.format(columns=_listed(PROJECT_COLUMNS))
    await conn.execute(own, *key, away, owner.import_id, owner.subject)
    tasks = await _copy_children(conn, Table.TASKS, *key)
    for table in (table for table in Table if table is not Table.TASKS):
        await _copy_children(conn, table, *key)
    names = [copy.item.external_id for copy in copies]
    await conn.execute(_SQL.move_pointers, owner.client_id, ids, names, following)
    for copy in copies:
        number = tasks[copy.item.project_id]
        plan.results[copy.item.index] = outcomes.restored_row(copy.item, copy.following, number)


async def _copy_children(conn: Connection, table: Table, *key: Any) -> Counter[int]:
    """Copy a table's rows in pieces; how many each project has."""
    query = _SQL.copy_children.format(table=table.value, columns=_listed(COLUMNS[table]))
    copied: Counter[int] = Counter()
    for first in count(0, AT_A_TIME):
        rows = await conn.fetch(query, *key, first, first + AT_A_TIME)
        watchdog.reset()
        if not rows:
            break
        copied.update({row["project_id"]: row["number"] for row in rows})
    return copied


def _listed(columns: Sequence[str]) -> str:
    return ", ".join(columns)
