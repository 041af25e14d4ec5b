"""An atomic import: after the last byte, all of its projects in one transaction, or none.

    write all ─┬─ no project is refused ─────────────────────▶ landed
               ├─ one is refused by what is there ───────────▶ tell each outcome
               └─ one is refused by the database: find which ─▶ tell each outcome

Outcomes are told in a transaction of their own. Both hold the client's lock alone, so that no
project needs a lock of its own: a server has room for some thousands of locks, and a file may have
a million projects.
"""

from collections.abc import Callable
from functools import partial

from service.codes import ErrorCode
from service.imports import outcomes
from service.imports.conflict_rules import Failure, Outcome
from service.imports.pipeline.batch import Batch, BatchItem, Lease
from service.imports.pipeline.copy import copy_results
from service.imports.pipeline.fair_scheduler import Queue
from service.imports.pipeline.staged_batches import StagedBatches
from service.imports.pipeline.transaction import (
    WritePlan,
    check_lease,
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

TRIES = 3
"""How often all is written anew where what refused it cannot be found again."""

_INNOCENT = Failure(
    ErrorCode.NOT_IMPORTED, "The import is all or nothing, and another of its projects failed", {}
)


class _Refused(Exception):
    """A project is refused, so that nothing may be written."""


class Atomic:
    """Lands what is held.

    Args:
        pool: the connections.
        seat: the import's among all writers; one turn is held throughout.
        owner: the import.
        held: its batches.
        retry_timeout: how long it is tried while the database is away, in seconds.
        progress: told how many projects are through, and raises where the import is to stop.
    """

    def __init__(
        self,
        pool: Pool,
        seat: Queue,
        owner: Lease,
        held: StagedBatches,
        *,
        retry_timeout: float,
        progress: Callable[[int], None],
    ) -> None:
        self._pool = pool
        self._seat = seat
        self._owner = owner
        self._held = held
        self._retry_timeout = retry_timeout
        self._progress = progress
        self._keep = not owner.options.dry_run
        self._culprits: dict[int, Refusal] = {}
        self._batch = Batch()

    async def land(self) -> bool:
        """Write everything, or the outcomes that say why nothing is there.

        Returns:
            Whether all has landed; in a dry run, whether it would.

        Raises:
            Fenced: the import is no longer ours.
            Unavailable: the database stayed away, or the client's lock was not to be had.
            Exception: a fault of ours, or what ``progress`` raised.
        """
        async with self._seat.awaited():
            tries = 0
            while True:
                if await self._written() and (self._keep or await self._told(landed=True)):
                    return True
                if await self._told(landed=False):
                    return False
                tries += 1
                if tries == TRIES:
                    raise RuntimeError("the projects are refused together, but none alone")

    async def _written(self) -> bool:
        if self._held.refused or self._culprits:
            return False
        try:
            await with_retries(self._pool, self._write, self._retry_timeout)
        except _Refused:
            return False
        except Exception as exc:
            if remedy_for(exc) is not Remedy.SPLIT:
                raise
            for culprit in await self._find(self._batch.items):
                self._culprits[culprit.index] = culprit
            return False
        return True

    async def _write(self, conn: Connection, again: bool) -> None:
        async with lease_transaction(conn, self._owner, alone=True, keep=self._keep):
            await check_lease(conn, self._owner)
            if again and await has_outcomes(conn, self._owner):
                return
            done = 0
            for batch in self._held.batches():
                self._batch = batch
                if batch.shared:
                    await insert_shared(conn, self._owner, batch.shared)
                plan = await make_plan(conn, self._owner, batch.items)
                if plan.failed:
                    raise _Refused
                await write_plan(conn, self._owner, plan)
                done += len(batch.items)
                watchdog.reset()
                self._progress(done)

    async def _find(self, entries: list[BatchItem]) -> list[Refusal]:
        """Whose row it is that the database refuses: each part is tried and rolled back."""
        found = [entry for entry in entries if isinstance(entry, Refusal)]
        projects: list[BatchItem] = [entry for entry in entries if isinstance(entry, Project)]
        if not projects:
            return found
        try:
            await with_retries(self._pool, partial(self._try, projects), self._retry_timeout)
        except Exception as exc:
            if remedy_for(exc) is not Remedy.SPLIT:
                raise
            for part in split(projects, exc):
                found += await self._find(part)
        return found

    async def _try(self, projects: list[BatchItem], conn: Connection, _again: bool) -> None:
        async with lease_transaction(conn, self._owner, alone=True, keep=False):
            await check_lease(conn, self._owner)
            await write_plan(conn, self._owner, await make_plan(conn, self._owner, projects))

    async def _told(self, *, landed: bool) -> bool:
        """Store the outcomes.

        Returns:
            Whether they bear out what was found: a lock may have gone, or come, since then.
        """
        try:
            await with_retries(self._pool, partial(self._tell, landed), self._retry_timeout)
        except _Refused:
            return False
        return True

    async def _tell(self, landed: bool, conn: Connection, again: bool) -> None:
        async with lease_transaction(conn, self._owner, alone=True):
            await check_lease(conn, self._owner)
            if again and await has_outcomes(conn, self._owner):
                return
            failed = done = 0
            for batch in self._held.batches():
                items = [self._culprits.get(item.index, item) for item in batch.items]
                plan = await make_plan(conn, self._owner, items)
                failed += len(plan.failed)
                if landed:
                    _foresee(plan)
                else:
                    _spare_none(plan, items)
                await copy_results(conn, self._owner, plan.results)
                done += len(items)
                watchdog.reset()
                self._progress(done)
            if landed == bool(failed):
                raise _Refused


def _foresee(plan: WritePlan) -> None:
    """Add the outcomes of what a dry run would create."""
    for project in plan.created:
        plan.results[project.index] = outcomes.landed_row(project, Outcome.CREATED, None, 1)


def _spare_none(plan: WritePlan, items: list[BatchItem]) -> None:
    """Have every project that is not refused itself say that another one is."""
    for item in items:
        if item.index not in plan.failed:
            plan.results[item.index] = outcomes.failed_row(item, _INNOCENT)
