"""The undo of an import: restores each project that the import changed, as a new version.

    current version            result
    written by the import      the previous version, copied on the server; without one, archived
    written by this undo       unchanged: an earlier attempt restored the project
    changed since              VERSION_CONFLICT
    locked by another subject  LOCKING_CONFLICT
    previous version is pruned NOT_IMPORTED

An undo is an import with outcomes, so it can be undone too.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import Any, Final

import asyncpg

from service.codes import ErrorCode
from service.errors import Conflict, Unavailable
from service.imports import outcomes
from service.imports.conflict_rules import Failure, Outcome, lock_failure
from service.imports.ending import NO_ROOM, ImportStopped
from service.imports.fingerprint import NO_FILE, upload_fingerprint
from service.imports.lease import Lease
from service.imports.outcomes import Tally
from service.imports.pipeline.batch import Batch, BatchItem, Reversal
from service.imports.pipeline.copy import copy_results
from service.imports.pipeline.fair_scheduler import Queue
from service.imports.pipeline.staged_batches import StagedBatches
from service.imports.pipeline.transaction import (
    WritePlan,
    drop_written,
    lease_transaction,
    lock_projects,
)
from service.imports.pipeline.writer import Writer
from service.imports.session import ImportSession
from service.model import Refusal
from service.observability.metrics import Stage
from service.settings import Settings
from service.spool.disk_set import DiskSet
from service.spool.spool import Spool, TooLarge
from service.storage import Connection, Pool
from service.storage.queries import Queries
from service.storage.retry import with_retries
from service.storage.version_copy import VersionCopy, copy_versions, find_versions

_SQL = Queries("undo")

BATCH_TASKS: Final = 20_000
"""Approximate number of tasks in a batch."""

OUTCOMES_PRUNED: Final = "The outcomes of the import are no longer kept, so it cannot be undone"

PRUNED: Final = Failure(
    ErrorCode.NOT_IMPORTED, "The previous version is no longer kept", {"retryable": False}
)


class UndoSession(ImportSession):
    """Undoes the import that ``lease.options.undo`` names.

    Args:
        lease: the undo, which is an import too.
        pool: the connections.
        writing: the undo's queue for the slots of all writers.
        spool: the working files of the process, of which the undo gets a share.
        settings: limits, times and sizes.
    """

    def __init__(
        self, lease: Lease, pool: Pool, *, writing: Queue, spool: Spool, settings: Settings
    ) -> None:
        super().__init__(lease, pool, settings)
        assert lease.options.undo is not None
        self._undone = lease.options.undo
        self._done = 0
        self._settings = settings
        self._spool = spool.share(settings.import_spool_bytes)
        writing.upload_complete = True
        self._writer = Writer(
            pool,
            writing,
            lease,
            lock_timeout=settings.lock_timeout,
            retry_timeout=settings.retry_timeout,
            write_batch=write_batch,
        )

    @property
    def projects_done(self) -> int:
        return self._done

    async def finish(self) -> Tally:
        """Undo the import.

        Raises:
            ServiceError: the undo was stopped or failed; its row is closed.
        """
        return await self._complete(await self._finish_work())

    async def _run(self) -> bool:
        try:
            staged = await self._stage_changes()
        except TooLarge as exc:
            raise Unavailable(NO_ROOM) from exc
        batches = staged.read()

        async def write() -> None:
            for batch in batches:
                try:
                    await self._writer.write_batch(batch.items)
                except Exception as exc:
                    self._set_fault(exc)  # at once: the other writers may take a while to end
                    raise
                self._done += len(batch.items)

        async with asyncio.TaskGroup() as tasks:
            for _ in range(self._settings.writers):
                tasks.create_task(write())
        return True

    def _close_files(self) -> None:
        self._spool.close()

    def _describe_upload(self, notes: str | None) -> Mapping[str, Any]:
        if not self.lease.keyed:
            return {}
        return {"fingerprint": upload_fingerprint(NO_FILE, notes, self.lease.options)}

    async def _stage_changes(self) -> StagedBatches:
        """List all projects that the import changed before the first is restored.

        Raises:
            ImportStopped: outcomes of the import were pruned.
        """
        staged = StagedBatches(self._spool)
        batch = Batch()
        index = tasks = 0
        async with aclosing(self._changes()) as changes:
            async for row in changes:
                created = row["outcome"] == Outcome.CREATED
                batch.add(
                    Reversal(index, row["external_id"], row["name"], row["project_id"], created)
                )
                index += 1
                tasks += row["tasks"]
                if len(batch.items) == self._settings.batch_projects or tasks > BATCH_TASKS:
                    staged.add(batch)
                    batch = Batch()
                    tasks = 0
        if batch.items:
            staged.add(batch)
        return staged

    async def _changes(self) -> AsyncGenerator[asyncpg.Record, None]:
        """Yield each project that the import changed once; its last attempt comes first.

        Raises:
            ImportStopped: outcomes of the import were pruned by the end of the list.
        """
        last, _ = await self._read_import()
        changed = 0
        with DiskSet(self._spool) as seen:
            for attempt in range(last, 0, -1):
                after = -1
                while rows := await self._list_changes(attempt, after):
                    after = rows[-1]["index"]
                    changed += len(rows) if attempt == last else 0
                    for row in rows:
                        if seen.add(b"%d" % row["project_id"], 0) is None:
                            yield row
        _, expected = await self._read_import()
        if expected not in (None, changed):  # earlier versions of the service set no mark
            raise ImportStopped("failed", Conflict(OUTCOMES_PRUNED))

    async def _read_import(self) -> tuple[int, int | None]:
        """Return the import's last attempt, and how many projects that changed.

        Raises:
            ImportStopped: outcomes of the import were pruned.
        """

        async def read(conn: Connection, _again: bool) -> asyncpg.Record | None:
            return await conn.fetchrow(_SQL.read_import, self.lease.client_id, self._undone)

        undone = await with_retries(self._pool, read, self._settings.retry_timeout)
        if undone is None or undone["pruned"]:
            raise ImportStopped("failed", Conflict(OUTCOMES_PRUNED))
        return undone["attempt"], undone["changed"]

    async def _list_changes(self, attempt: int, after: int) -> Sequence[asyncpg.Record]:
        async def read(conn: Connection, _again: bool) -> Sequence[asyncpg.Record]:
            key = (self.lease.client_id, self._undone, attempt)
            rows: Sequence[asyncpg.Record] = await conn.fetch(
                _SQL.list_changes, *key, after, outcomes.PAGE
            )
            return rows

        return await with_retries(self._pool, read, self._settings.retry_timeout)


class _Pruned(Exception):
    """A version was pruned while it was copied; the transaction is rolled back."""


async def write_batch(
    conn: Connection, lease: Lease, items: Sequence[BatchItem], work: int, recheck: bool
) -> list[BatchItem]:
    """Restore a batch of projects; otherwise as ``transaction.write_batch``."""
    while True:
        try:
            return await _try_batch(conn, lease, items, work, recheck)
        except _Pruned:  # the next try refuses the project
            continue


async def _try_batch(
    conn: Connection, lease: Lease, items: Sequence[BatchItem], work: int, recheck: bool
) -> list[BatchItem]:
    async with lease_transaction(conn, lease, work=work, projects=len(items)) as watch:
        watch.switch_to(Stage.COMPARE)
        locked, contested = await lock_projects(conn, lease, items)
        if recheck:
            locked = await drop_written(conn, lease, locked)
        plan = WritePlan()
        copies = await _plan_copies(conn, lease, locked, plan)
        watch.switch_to(Stage.WRITE)
        if copies:
            await _write_copies(conn, lease, copies, plan)
            if len(await find_versions(conn, lease.client_id, [*copies.values()])) < len(copies):
                raise _Pruned
        if plan.results:
            await copy_results(conn, lease, plan.results)
    return contested


async def _plan_copies(
    conn: Connection, lease: Lease, items: Sequence[BatchItem], plan: WritePlan
) -> dict[Reversal, VersionCopy]:
    """Decide on each item; return the copies of those that are restored."""
    ids = [item.project_id for item in items if isinstance(item, Reversal)]
    key = (lease.client_id, ids, lease.options.undo, lease.subject, lease.import_id)
    current = {row["project_id"]: row for row in await conn.fetch(_SQL.read_current, *key)}
    copies: dict[Reversal, VersionCopy] = {}
    for item in items:
        if isinstance(item, Refusal):
            plan.refuse(item, Failure(item.code, item.message, item.extra))
        elif isinstance(item, Reversal):
            decision = _decide(item, current.get(item.project_id))
            if isinstance(decision, Failure):
                plan.refuse(item, decision)
            elif isinstance(decision, bytes):
                plan.results[item.index] = decision
            else:
                copies[item] = decision
    if not copies:
        return {}
    stored = await find_versions(conn, lease.client_id, [*copies.values()])
    for item in copies:
        if item.project_id not in stored:
            plan.refuse(item, PRUNED)
    return {item: copy for item, copy in copies.items() if item.project_id in stored}


def _decide(item: Reversal, current: Any) -> VersionCopy | Failure | bytes:
    """Return the copy that restores the project, its failure, or the row of its outcome."""
    if current is not None and current["locked_by"] is not None:
        return lock_failure(current["locked_by"], current["locked_until"])
    if current is not None and current["restored_tasks"] is not None:
        numbers = (current["version"], current["restored_tasks"])
        return outcomes.restored_row(item, Outcome.UNCHANGED, *numbers)
    if current is None or not current["by_import"]:
        version = None if current is None else current["version"]
        message = "The project was changed after the import that is undone"
        return Failure(ErrorCode.VERSION_CONFLICT, message, {"current_version": version})
    target = current["version"] + 1
    if current["gap"]:  # another writer may have made the version that is missing
        return PRUNED
    if current["before"] is not None:
        return VersionCopy(item.project_id, current["before"], target)
    if item.created or current["created"]:
        return VersionCopy(item.project_id, current["version"], target, archive=True)
    return PRUNED


async def _write_copies(
    conn: Connection, lease: Lease, copies: Mapping[Reversal, VersionCopy], plan: WritePlan
) -> None:
    tasks = await copy_versions(
        conn,
        lease.client_id,
        [*copies.values()],
        import_id=lease.import_id,
        subject=lease.subject,
    )
    await conn.execute(
        _SQL.move_pointers,
        lease.client_id,
        [copy.project_id for copy in copies.values()],
        [item.external_id for item in copies],
        [copy.target for copy in copies.values()],
    )
    for item, copy in copies.items():
        number = tasks[item.project_id]
        plan.results[item.index] = outcomes.restored_row(item, Outcome.UPDATED, copy.target, number)
