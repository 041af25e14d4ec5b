"""Lands batches whatever happens: retries, splits, and comes again for projects that were held."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence

import asyncpg
import structlog

from service.codes import ErrorCode
from service.imports.lock_holder import find_lock_holder
from service.imports.pipeline import transaction
from service.imports.pipeline.batch import Batch, BatchItem, Lease, Reversal
from service.imports.pipeline.fair_scheduler import Queue
from service.model import Project, Refusal
from service.observability import metrics
from service.storage import Connection, Pool
from service.storage.db_errors import (
    OutOfLockMemory,
    Remedy,
    RowRefused,
    describe_refusal,
    remedy_for,
)
from service.storage.retry import backoff, with_retries

_log = structlog.get_logger()

Land = Callable[[Connection, Lease, Sequence[BatchItem], bool], Awaitable[list[BatchItem]]]


class Writer:
    """Writes the batches of one import; several writers work on one import side by side.

    Args:
        pool: the connections.
        seat: the import's among all writers, each of whose transactions takes a turn; waiting for
            one is no fault of the database and counts against no deadline.
        owner: the import.
        lock_timeout: how long a project is waited for that another import is writing, in seconds.
        retry_timeout: how long a batch is tried while the database is away, in seconds.
        land: one batch, one transaction: what it takes and raises, ``transaction.land`` says.
    """

    def __init__(
        self,
        pool: Pool,
        seat: Queue,
        owner: Lease,
        *,
        lock_timeout: float,
        retry_timeout: float,
        land: Land = transaction.write_batch,
    ) -> None:
        self._pool = pool
        self._seat = seat
        self._owner = owner
        self._lock_timeout = lock_timeout
        self._retry_timeout = retry_timeout
        self._land_batch = land

    async def store_shared(self, batch: Batch) -> None:
        """Store the shared objects that must be there before the batch.

        Raises:
            Fenced: the import is no longer ours.
            Unavailable: the database stayed away.
        """

        async def store(conn: Connection, _recheck: bool) -> None:
            await transaction.store_shared(conn, self._owner, batch.shared)

        async with self._seat.awaited():
            await with_retries(self._pool, store, self._retry_timeout)

    async def land(self, entries: Sequence[BatchItem]) -> None:
        """Write every entry's outcome, and with it each project that can land.

        Raises:
            Fenced: the import is no longer ours.
            Unavailable: the database stayed away; what was not committed is not there.
            Exception: a fault of ours, as ``faults.REMEDIES`` has it.
        """
        waiting_since: dict[int, float] = {}
        await self._land(list(entries), waiting_since)
        metrics.observe_project_locks(waiting_since)

    async def _land(self, entries: list[BatchItem], waiting_since: dict[int, float]) -> None:
        pause = backoff()
        while True:
            try:
                contested = await self._transact(entries, waiting_since)
            except Exception as exc:
                if remedy_for(exc) is not Remedy.SPLIT:
                    raise
                for part in split(entries, exc):
                    await self._land(part, waiting_since)
                return
            if not contested:
                return
            metrics.PROJECTS_PUT_OFF.inc(len(contested))
            entries = await self._give_up_on_expired(contested, waiting_since)
            await asyncio.sleep(next(pause))

    async def _transact(
        self, entries: list[BatchItem], waiting_since: dict[int, float]
    ) -> list[BatchItem]:
        async def land(conn: Connection, recheck: bool) -> list[BatchItem]:
            if recheck:
                # The backend of a broken connection may hold the locks a while yet.
                waiting_since.clear()
            try:
                return await self._land_batch(conn, self._owner, entries, recheck)
            except asyncpg.OutOfMemoryError as exc:
                if len(entries) == 1:
                    raise
                raise OutOfLockMemory from exc

        asked = time.monotonic()
        async with self._seat.awaited():
            waited = time.monotonic() - asked
            for index in waiting_since:
                waiting_since[index] += waited
            return await with_retries(self._pool, land, self._retry_timeout)

    async def _give_up_on_expired(
        self, contested: list[BatchItem], waiting_since: dict[int, float]
    ) -> list[BatchItem]:
        """Turn the projects whose time is up into refusals that say what was in the way."""
        now = time.monotonic()
        entries: list[BatchItem] = []
        for entry in contested:
            since = waiting_since.setdefault(entry.index, now)
            if not isinstance(entry, Refusal) and now - since > self._lock_timeout:
                entries.append(await self._locking_conflict(entry))
            else:
                entries.append(entry)
        return entries

    async def _locking_conflict(self, project: Project | Reversal) -> Refusal:
        async def ask(conn: Connection, _recheck: bool) -> int | None:
            return await find_lock_holder(conn, self._owner.client_id, project.external_id)

        other = await with_retries(self._pool, ask, self._retry_timeout)
        who = "another transaction" if other is None else f"import {other}"
        message = f"The project was being written by {who} for over {self._lock_timeout:g} s"
        return _refusal(project, ErrorCode.LOCKING_CONFLICT, message, import_id=other)


def split(entries: list[BatchItem], exc: Exception) -> list[list[BatchItem]]:
    """Divide a batch that failed; the one at fault, where it stands alone, becomes a refusal.

    Raises:
        Exception: ``exc``, where it stands alone and is a refusal already.
    """
    if len(entries) == 1:
        if isinstance(entries[0], Refusal):
            raise exc
        code, message = describe_refusal(exc)
        # By its class alone: what a database says quotes what was uploaded.
        fault = type(exc.__cause__ or exc).__name__
        _log.warning("the database refused a project", code=code, fault=fault)
        return [[_refusal(entries[0], code, message)]]
    if isinstance(exc, RowRefused):
        culprit = [entry for entry in entries if entry.index == exc.index]
        return [culprit, [entry for entry in entries if entry.index != exc.index]]
    middle = len(entries) // 2
    return [entries[:middle], entries[middle:]]


def _refusal(
    project: Project | Reversal, code: ErrorCode, message: str, **extra: object
) -> Refusal:
    return Refusal(
        project.index, project.line, project.external_id, project.name, code, message, extra
    )
