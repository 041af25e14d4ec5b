"""Writes an atomic import: once its upload is complete, all projects in one transaction, or none.

    write all ─┬─ every project is accepted ────────────────▶ committed
               ├─ a conflict rule refuses a project ────────▶ store the outcomes
               └─ the database refuses one: find which one ─▶ store the outcomes

The outcomes of an import that was rolled back go into a second transaction. Both hold the client's
lock exclusively, so that no project needs a lock: a server has room for some thousands of locks,
and a file may have a million projects.
"""

from collections.abc import Callable
from functools import partial

from service.codes import ErrorCode
from service.imports import outcomes
from service.imports.conflict_rules import Failure, Outcome
from service.imports.lease import Lease, check_lease
from service.imports.pipeline.batch import Batch, BatchItem
from service.imports.pipeline.copy import copy_results
from service.imports.pipeline.fair_scheduler import Queue
from service.imports.pipeline.staged_batches import StagedBatches
from service.imports.pipeline.transaction import (
    WritePlan,
    has_outcomes,
    insert_shared,
    lease_transaction,
    make_plan,
    write_plan,
)
from service.imports.pipeline.writer import split
from service.model import Project, Refusal
from service.storage import Connection, Pool, watchdog
from service.storage.db_errors import Remedy, remedy_for
from service.storage.retry import with_retries

MAX_TRIES = 3
"""Times to write everything again if the project that the database refused is not found."""

_NOT_IMPORTED = Failure(
    ErrorCode.NOT_IMPORTED,
    "The import is all or nothing, and another of its projects or files failed",
    {},
)


class _Refused(Exception):
    """A project is refused, so nothing may be written."""


class AtomicWriter:
    """Writes the staged batches of one import.

    Args:
        pool: the connections.
        queue: the import's queue for the slots of all writers; one slot is held throughout.
        lease: the import.
        staged: its batches.
        retry_timeout: seconds to retry while the database is unavailable.
        report_progress: called with the number of projects done.
    """

    def __init__(
        self,
        pool: Pool,
        queue: Queue,
        lease: Lease,
        staged: StagedBatches,
        *,
        retry_timeout: float,
        report_progress: Callable[[int], None],
    ) -> None:
        self._pool = pool
        self._queue = queue
        self._lease = lease
        self._staged = staged
        self._retry_timeout = retry_timeout
        self._report_progress = report_progress
        self._keep = not lease.options.dry_run
        self._culprits: dict[int, Refusal] = {}
        self._batch = Batch()

    async def write(self) -> bool:
        """Write all projects, or else the outcomes that give the reason.

        Returns:
            Whether all projects are committed; in a dry run, whether they would be.

        Raises:
            LeaseLost: another process ended the import or took it over.
            Unavailable: the database stayed unavailable, or the client's lock was not free in time.
            Exception: a fault of the service.
        """
        async with self._queue.slot():
            for _ in range(MAX_TRIES):
                if await self._write_all() and (self._keep or await self._store_outcomes(True)):
                    return True
                if await self._store_outcomes(False):
                    return False
            raise RuntimeError("all projects are refused together, but no project is refused alone")

    async def _write_all(self) -> bool:
        if self._staged.refused or self._culprits:
            return False
        try:
            await with_retries(self._pool, self._try_all, self._retry_timeout)
        except _Refused:
            return False
        except Exception as exc:
            if remedy_for(exc) is not Remedy.SPLIT:
                raise
            for culprit in await self._find_culprits(self._batch.items):
                self._culprits[culprit.index] = culprit
            return False
        return True

    async def _try_all(self, conn: Connection, again: bool) -> None:
        async with lease_transaction(conn, self._lease, exclusive=True, keep=self._keep):
            await check_lease(conn, self._lease)
            if again and await has_outcomes(conn, self._lease):
                return
            done = 0
            for batch in self._staged.read():
                self._batch = batch
                if batch.shared:
                    await insert_shared(conn, self._lease, batch.shared)
                plan = await make_plan(conn, self._lease, batch.items)
                if plan.failed:
                    raise _Refused
                await write_plan(conn, self._lease, plan)
                done += len(batch.items)
                watchdog.reset()
                self._report_progress(done)

    async def _find_culprits(self, items: list[BatchItem]) -> list[Refusal]:
        """Find the items whose rows the database refuses: try each part and roll it back."""
        culprits = [item for item in items if isinstance(item, Refusal)]
        projects: list[BatchItem] = [item for item in items if isinstance(item, Project)]
        if not projects:
            return culprits
        try:
            await with_retries(self._pool, partial(self._try, projects), self._retry_timeout)
        except Exception as exc:
            if remedy_for(exc) is not Remedy.SPLIT:
                raise
            for part in split(projects, exc):
                culprits += await self._find_culprits(part)
        return culprits

    async def _try(self, projects: list[BatchItem], conn: Connection, _again: bool) -> None:
        async with lease_transaction(conn, self._lease, exclusive=True, keep=False):
            await check_lease(conn, self._lease)
            await write_plan(conn, self._lease, await make_plan(conn, self._lease, projects))

    async def _store_outcomes(self, accepted: bool) -> bool:
        """Store the outcomes.

        Args:
            accepted: every project was accepted.

        Returns:
            Whether the outcomes agree with ``accepted``: a lock may have been taken or released
            since then.
        """
        try:
            await with_retries(
                self._pool, partial(self._write_outcomes, accepted), self._retry_timeout
            )
        except _Refused:
            return False
        return True

    async def _write_outcomes(self, accepted: bool, conn: Connection, again: bool) -> None:
        async with lease_transaction(conn, self._lease, exclusive=True):
            await check_lease(conn, self._lease)
            if again and await has_outcomes(conn, self._lease):
                return
            failed = done = 0
            for batch in self._staged.read():
                items = [self._culprits.get(item.index, item) for item in batch.items]
                plan = await make_plan(conn, self._lease, items)
                failed += len(plan.failed)
                if accepted:
                    _add_created(plan)
                else:
                    _fail_accepted(plan, items)
                await copy_results(conn, self._lease, plan.results)
                done += len(items)
                watchdog.reset()
                self._report_progress(done)
            if accepted == bool(failed):
                raise _Refused


def _add_created(plan: WritePlan) -> None:
    """Add the outcomes of the projects that a dry run would create."""
    for project in plan.created:
        plan.results[project.index] = outcomes.imported_row(project, Outcome.CREATED, None, 1)


def _fail_accepted(plan: WritePlan, items: list[BatchItem]) -> None:
    """Replace the outcomes of accepted projects: they fail because another project failed."""
    for item in items:
        if item.index not in plan.failed:
            plan.results[item.index] = outcomes.failed_row(item, _NOT_IMPORTED)
