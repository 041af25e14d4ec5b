"""An import from its first byte to its stored end.

It ends in one of three ways: ``finish`` after the last byte, ``interrupt``, ``fail`` or ``cancel``
where somebody wants it to end, or a failure on the way. In each case its row is closed before its
caller is told.
"""

import asyncio
import contextlib
from collections.abc import Coroutine, Sequence
from typing import TypeVar

import structlog

from service.errors import Conflict, FileRefused, FileTooLarge, ServiceError
from service.imports.ending import ImportStopped, ending_for
from service.imports.outcomes import Tally
from service.imports.pipeline.base import Pipeline
from service.imports.pipeline.batch import Lease
from service.imports.record import ImportEnd, cancel_cause, end_import
from service.model import FileWarning
from service.observability import metrics
from service.settings import Settings
from service.storage import Connection, Pool
from service.storage.db_errors import LeaseLost
from service.storage.retry import with_retries

_log = structlog.get_logger(__name__)

CANCELLED = "Import cancelled"
ROLLED_BACK = "The import is all or nothing, and a project of it failed"

T = TypeVar("T")


class ImportSession:
    """One running import.

    Args:
        owner: in whose name it writes.
        pool: the connections.
        stages: do the work.
        settings: times.

    Attributes:
        id: its ``import_id``.
        ended: its row is closed.
    """

    def __init__(self, owner: Lease, pool: Pool, stages: Pipeline, settings: Settings) -> None:
        self.id = owner.import_id
        self.owner = owner
        self.ended = False
        self._pool = pool
        self._stages = stages
        self._retry_timeout = settings.retry_timeout
        self._filename: str | None = None
        self._work: asyncio.Task[None] | None = None
        self._landing: asyncio.Task[bool] | None = None
        self._conclusion: asyncio.Task[ServiceError] | None = None
        self._closing = asyncio.Lock()

    @property
    def bytes_read(self) -> int:
        """Bytes of the file, as its part holds it, that the reader has taken so far."""
        return self._stages.bytes_read

    @property
    def projects_done(self) -> int:
        """Outcomes written so far."""
        return self._stages.done

    def describe(self, *, filename: str | None, charset: str | None) -> None:
        """What the upload says of the file; before its first byte."""
        self._filename = filename
        self._stages.describe(charset)

    async def feed(self, chunk: bytes) -> None:
        """Take the file's next bytes, waiting while the stages behind have enough to do.

        After a fault late in the file the bytes are dropped, and ``finish`` tells.

        Raises:
            ServiceError: the import has ended, and its row is closed: there can be no project in
                the file (``FileRefused``, ``FileTooLarge``), it was stopped, the database stays
                away.
        """
        self._started()
        await self._stages.take(chunk)
        if self._stages.fault is not None:
            raise await self._conclude(self._stages.fault)

    async def unless_ended(self, feeding: Coroutine[object, object, T]) -> T:
        """Run what feeds the import, but no longer than the import itself.

        Raises:
            ServiceError: as from ``feed``, as soon as the import has ended.
            Exception: what ``feeding`` raised.
        """
        task = asyncio.create_task(feeding)
        halted = asyncio.create_task(self._stages.halted.wait())
        try:
            await asyncio.wait({task, halted}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            halted.cancel()
            task.cancel()
            await asyncio.wait({task, halted})
        if self._stages.fault is not None:
            raise await self._conclude(self._stages.fault)
        return task.result()

    def break_off(self, fault: FileRefused | FileTooLarge) -> None:
        """The file gives out here, for a fault of its own: what came before counts.

        Feed no more; ``finish`` tells.
        """
        self._stages.break_off(fault)

    async def finish(
        self,
        *,
        notes: str | None = None,
        warnings: Sequence[FileWarning] = (),
        cut: bool = False,
    ) -> Tally:
        """After the file's last byte: wait until all of it has landed, and close the import.

        Args:
            notes: the uploader's.
            warnings: what was noticed in the upload beside the file.
            cut: the upload ended without its closing boundary.

        Returns:
            How the projects came out.

        Raises:
            ServiceError: as from ``feed``.
        """
        stages = self._stages
        stages.complete()
        await asyncio.wait([self._started()])
        if stages.fault is None:
            self._landing = asyncio.create_task(stages.land_held())
            await asyncio.wait([self._landing])
        if stages.fault is not None:
            raise await self._conclude(stages.fault)
        assert self._landing is not None
        warnings = [*warnings, *stages.warnings(cut=cut)]
        state, cause = ("completed", None) if self._landing.result() else ("failed", ROLLED_BACK)
        async with self._closing:
            tally = await self._end(state, cause=cause, notes=notes, warnings=warnings)
        if tally is None:
            raise await self._conclude(LeaseLost())
        return tally

    async def interrupt(self, error: ServiceError) -> None:
        """End the import for a reason that a later try may not meet; as ``fail`` otherwise."""
        await self._stop(ImportStopped("interrupted", error))

    async def fail(self, error: ServiceError) -> None:
        """End the import now: what has landed stays, what is under way is dropped.

        Returns once no thread, task or connection of it is left and its row is closed. Whoever
        waits in ``feed`` or ``finish`` is told ``error``. Without effect once the import has ended.
        """
        await self._stop(ImportStopped("failed", error))

    def cancel(self, by: str) -> None:
        """Somebody wants it to end: whoever feeds it is told, once its row is closed."""
        self._stages.halt(ImportStopped("cancelled", Conflict(CANCELLED), cancel_cause(by)))

    def disown(self) -> None:
        """The import was ended or taken over elsewhere: write nothing more."""
        self._stages.halt(LeaseLost())

    async def _stop(self, reason: ImportStopped) -> None:
        if not self.ended:
            self._stages.halt(reason)
            await self._conclude(reason)

    def _started(self) -> asyncio.Task[None]:
        if self._work is None:
            self._work = asyncio.create_task(self._stages.run(), name=f"import {self.id}")
        return self._work

    async def _conclude(self, fault: BaseException) -> ServiceError:
        """Close the row for a fault, once, and give back what the caller is told."""
        if self._conclusion is None:
            self._conclusion = asyncio.create_task(self._close(fault))
        return await asyncio.shield(self._conclusion)

    async def _close(self, fault: BaseException) -> ServiceError:
        running = (self._started(), self._landing)
        await asyncio.wait([task for task in running if task is not None])
        ending = ending_for(fault)
        ending.error.fields["import_id"] = self.id
        async with self._closing:
            with contextlib.suppress(ServiceError):
                tally = await self._end(ending.state, cause=ending.cause)
                if tally is not None:
                    ending.error.fields["counts"] = tally.counts
        return ending.error

    async def _end(
        self,
        state: str,
        *,
        cause: str | None = None,
        notes: str | None = None,
        warnings: Sequence[FileWarning] = (),
    ) -> Tally | None:
        stages = self._stages
        stages.close()
        how = ImportEnd(
            state,
            cause,
            notes,
            self._filename,
            stages.dialect,
            self.bytes_read,
            warnings,
            stages.fingerprint(notes) if self.owner.keyed else None,
        )

        async def close(conn: Connection, _again: bool) -> Tally | None:
            return await end_import(conn, self.owner, how)

        tally = await with_retries(self._pool, close, self._retry_timeout)
        self.ended = True
        metrics.IMPORTS_ENDED.labels(state).inc()
        if tally is not None:
            _log.info("import.ended", state=state, bytes=how.bytes_read, **tally.counts)
        return tally
