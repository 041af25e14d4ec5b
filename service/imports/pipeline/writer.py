"""Writes batches: retries after faults, isolates refused rows, waits for contested projects."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import structlog

from service.codes import ErrorCode
from service.imports.lease import Lease
from service.imports.pipeline import transaction
from service.imports.pipeline.batch import Batch, BatchItem, Reversal
from service.imports.pipeline.fair_scheduler import Queue
from service.model import Project, Refusal
from service.observability import metrics
from service.storage import Connection, Pool
from service.storage.advisory_locks import batch_key, end_lost_try, find_lock_holder
from service.storage.db_errors import (
    DUPLICATE,
    OutOfLockMemory,
    Remedy,
    RowRefused,
    describe_refusal,
    remedy_for,
    sqlstate,
)
from service.storage.queries import Queries
from service.storage.retry import backoff, complete, with_retries

_SQL = Queries("writer")
_log = structlog.get_logger()

WriteBatch = Callable[
    [Connection, Lease, Sequence[BatchItem], int, bool], Coroutine[Any, Any, list[BatchItem]]
]


@dataclass(slots=True)
class _Work:
    """A batch, over all its tries and parts.

    Attributes:
        key: names the lock of which each try waits for the one before.
        recheck: a try ended without an answer: each later one first looks for stored outcomes.
        waiting_since: by index, the time since which a project is contested.
    """

    key: int
    recheck: bool = False
    waiting_since: dict[int, float] = field(default_factory=dict)


class Writer:
    """Writes the batches of one import; several tasks may use it at the same time.

    Args:
        pool: the connections.
        queue: the import's queue for the slots of all writers. Each transaction takes a slot; the
            wait for it counts against no deadline, because the database is not at fault.
        lease: the import.
        lock_timeout: seconds to wait for a project that another import is writing.
        retry_timeout: seconds to retry a batch while the database is unavailable.
        write_batch: writes one batch in one transaction, as ``transaction.write_batch`` does.
    """

    def __init__(
        self,
        pool: Pool,
        queue: Queue,
        lease: Lease,
        *,
        lock_timeout: float,
        retry_timeout: float,
        write_batch: WriteBatch = transaction.write_batch,
    ) -> None:
        self._pool = pool
        self._queue = queue
        self._lease = lease
        self._lock_timeout = lock_timeout
        self._retry_timeout = retry_timeout
        self._write_batch = write_batch

    async def store_shared(self, batch: Batch) -> None:
        """Store the shared objects that must be in the database before the batch.

        Raises:
            LeaseLost: another process ended the import or took it over.
            Unavailable: the database stayed unavailable.
        """

        async def attempt(conn: Connection, _recheck: bool) -> None:
            await complete(transaction.store_shared(conn, self._lease, batch.shared))

        async with self._queue.slot():
            await with_retries(self._pool, attempt, self._retry_timeout)

    async def write_batch(self, items: Sequence[BatchItem]) -> None:
        """Write the outcome of every item, and the projects that are accepted.

        A cancellation takes effect between transactions.

        Raises:
            LeaseLost: another process ended the import or took it over.
            Unavailable: the database stayed unavailable; what was not committed is not stored.
            Exception: a fault of the service, as ``db_errors.REMEDIES`` classifies it.
        """
        if not items:  # the batch has shared objects only
            return
        lease = self._lease
        key = batch_key(lease.client_id, lease.import_id, lease.attempt, items[0].index)
        work = _Work(key)
        await self._write(list(items), work)
        metrics.observe_project_locks(work.waiting_since)

    async def _write(self, items: list[BatchItem], work: _Work) -> None:
        """Write the items, in parts if the database refuses some.

        Two versions with one number can only be those of a transaction that Citus had committed in
        its first phase, when its locks were free and it was invisible. The second phase, for which
        the duplicate waited, makes it visible to another try.
        """
        pauses = backoff()
        repeated = False
        while True:
            try:
                contested = await self._transact(items, work)
            except Exception as exc:
                if remedy_for(exc) is not Remedy.SPLIT:
                    raise
                if not repeated and sqlstate(exc) == DUPLICATE:
                    repeated = work.recheck = True
                    continue
                for part in split(items, exc):
                    await self._write(part, work)
                return
            if not contested:
                return
            metrics.PROJECTS_PUT_OFF.inc(len(contested))
            items = await self._refuse_overdue(contested, work.waiting_since)
            await asyncio.sleep(next(pauses))

    async def _transact(self, items: list[BatchItem], work: _Work) -> list[BatchItem]:
        """Write the items in one transaction; return those whose project is contested."""

        async def attempt(conn: Connection, again: bool) -> list[BatchItem]:
            if again:
                work.recheck = True
                work.waiting_since.clear()  # the wait for the database counts for no project
                await end_lost_try(conn, work.key)
            batch = (items, work.key, work.recheck)
            try:
                return await complete(self._write_batch(conn, self._lease, *batch))
            except asyncpg.OutOfMemoryError as exc:
                if len(items) == 1:
                    raise
                raise OutOfLockMemory from exc

        requested_at = time.monotonic()
        async with self._queue.slot():
            waited = time.monotonic() - requested_at
            for index in work.waiting_since:
                work.waiting_since[index] += waited
            return await with_retries(self._pool, attempt, self._retry_timeout)

    async def _refuse_overdue(
        self, contested: list[BatchItem], waiting_since: dict[int, float]
    ) -> list[BatchItem]:
        """Replace the projects that waited too long by refusals that name the lock's holder.

        If the holder is suspected to be dead, the project waits once more: a dead import is ended
        soon, and its locks with it.
        """
        now = time.monotonic()
        items: list[BatchItem] = []
        for item in contested:
            since = waiting_since.setdefault(item.index, now)
            if isinstance(item, Refusal) or now - since <= self._lock_timeout:
                items.append(item)
                continue
            holder, suspected = await self._find_holder(item.external_id)
            if suspected:
                waiting_since[item.index] = now
                items.append(item)
            else:
                items.append(self._refuse_locked(item, holder))
        return items

    async def _find_holder(self, external_id: str) -> tuple[int | None, bool]:
        """Return the import that holds a project's lock, and whether it is suspected to be dead."""
        client_id = self._lease.client_id

        async def find(conn: Connection, _again: bool) -> tuple[int | None, bool]:
            holder = await find_lock_holder(conn, client_id, external_id)
            return holder, bool(await conn.fetchval(_SQL.is_suspected, client_id, holder))

        return await with_retries(self._pool, find, self._retry_timeout)

    def _refuse_locked(self, project: Project | Reversal, holder: int | None) -> Refusal:
        name = "another transaction" if holder is None else f"import {holder}"
        message = f"The project was being written by {name} for over {self._lock_timeout:g} s"
        return _refuse(project, ErrorCode.LOCKING_CONFLICT, message, import_id=holder)


def split(items: list[BatchItem], exc: Exception) -> list[list[BatchItem]]:
    """Divide a batch that failed; a single item becomes a refusal.

    Raises:
        Exception: ``exc``, if the single item is a refusal already.
    """
    if len(items) == 1:
        if isinstance(items[0], Refusal):
            raise exc
        code, message = describe_refusal(exc)
        # Only the class of the fault: the database's message quotes what was uploaded.
        fault = type(exc.__cause__ or exc).__name__
        _log.warning("the database refused a project", code=code, fault=fault)
        return [[_refuse(items[0], code, message)]]
    if isinstance(exc, RowRefused):
        culprit = [item for item in items if item.index == exc.index]
        return [culprit, [item for item in items if item.index != exc.index]]
    middle = len(items) // 2
    return [items[:middle], items[middle:]]


def _refuse(project: Project | Reversal, code: ErrorCode, message: str, **extra: object) -> Refusal:
    return Refusal(
        project.index, project.line, project.external_id, project.name, code, message, extra
    )
