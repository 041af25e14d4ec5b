"""A running import: its work as one task, and exactly one end of its row.

An import ends in one of three ways: its work completes; ``interrupt``, ``fail``, ``cancel`` or
``lose_lease`` stops it; or its work fails. In each case the row is closed before the caller learns
of the end.
"""

import asyncio
import contextlib
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import structlog

from service.errors import Conflict, ServiceError
from service.imports.ending import CANCELLED, ImportStopped, ending_for
from service.imports.lease import Lease, LeaseLost
from service.imports.outcomes import Tally
from service.imports.record import EndedImport, ImportEnd, complete_import, end_import
from service.model import FileWarning
from service.observability import metrics
from service.observability.metrics import Cause
from service.settings import Settings
from service.storage import Connection, Pool
from service.storage.retry import with_retries

_log = structlog.get_logger(__name__)

ROLLED_BACK = "The import is all or nothing, and a project of it failed"


class ImportSession(ABC):
    """One running import; subclasses do the work.

    Args:
        lease: the import.
        pool: the connections.
        settings: times.

    Attributes:
        id: the import's ``import_id``.
        lease: the import.
        ending: the row is being closed, or is closed.
        ended: the row is closed.
    """

    def __init__(self, lease: Lease, pool: Pool, settings: Settings) -> None:
        self.id = lease.import_id
        self.lease = lease
        self.ending = False
        self.ended = False
        self._pool = pool
        self._retry_timeout = settings.retry_timeout
        self._work: asyncio.Task[bool] | None = None
        self._fault: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._conclusion: asyncio.Task[ServiceError] | None = None
        self._closing = asyncio.Lock()

    @property
    def bytes_read(self) -> int:
        """Bytes of the file, as its part holds it, that the parser has read."""
        return 0

    @property
    @abstractmethod
    def projects_done(self) -> int:
        """Outcomes written so far."""

    @abstractmethod
    async def _run(self) -> bool:
        """Do the import's work.

        Returns:
            Whether the projects are committed; False if an atomic import was rolled back.
        """

    @abstractmethod
    def _close_files(self) -> None:
        """Delete the import's working files."""

    @abstractmethod
    def _describe_upload(self, notes: str | None) -> Mapping[str, Any]:
        """Return the fields of ``ImportEnd`` that describe the upload."""

    async def interrupt(self, error: ServiceError) -> ServiceError:
        """Do as ``fail``, but for a temporary reason, so that a later try may succeed."""
        return await self._stop_and_wait(ImportStopped("interrupted", error))

    async def fail(self, error: ServiceError) -> ServiceError:
        """Stop the import: committed projects stay, and nothing more is written.

        Returns once the row is closed and no thread, task or connection of the import is left. Has
        no effect once the import has ended.

        Returns:
            The error for the uploader: ``error``, unless the import was stopped or cancelled
            before.
        """
        return await self._stop_and_wait(ImportStopped("failed", error))

    def cancel(self) -> None:
        """Stop the import because a subject cancelled it."""
        self._stop(ImportStopped("cancelled", Conflict(CANCELLED)))

    def lose_lease(self) -> None:
        """Stop the import because another process ended it or took it over."""
        self._stop(LeaseLost())

    async def _stop_and_wait(self, reason: ImportStopped) -> ServiceError:
        if self.ended:
            return reason.error
        self._stop(reason)
        return await self._conclude()

    def _stop(self, reason: Exception) -> None:
        self._set_fault(reason)
        if self._work is not None:
            self._work.cancel()

    def _set_fault(self, fault: BaseException) -> None:
        """Set why the import ends before its work completes; the first reason counts."""
        if not self._fault.done():
            self._fault.set_exception(fault)
            self._fault.exception()  # so that asyncio does not report it as never retrieved

    def _start(self) -> asyncio.Task[bool]:
        """Start the work, unless it has started."""
        if self._work is None:
            self._work = asyncio.create_task(self._run_to_fault(), name=f"import {self.id}")
        return self._work

    async def _run_to_fault(self) -> bool:
        if self._fault.done():
            return False
        try:
            return await self._run()
        except BaseExceptionGroup as faults:
            self._set_fault(faults.exceptions[0])
        except asyncio.CancelledError:  # by ``_stop``, which has set the fault
            pass
        except BaseException as exc:
            self._set_fault(exc)
        return False

    async def _finish_work(self) -> bool:
        """Wait for the work; return whether the projects are committed.

        Raises:
            ServiceError: the import ended before; its row is closed.
        """
        work = self._start()
        await asyncio.wait([work])
        if self._fault.done():
            raise await self._conclude()
        return work.result()

    async def _complete(
        self,
        committed: bool,
        notes: str | None = None,
        warnings: Sequence[FileWarning] = (),
    ) -> Tally:
        """Close the row of an import whose work is done.

        Raises:
            ServiceError: another process ended the import or took it over, or the database stayed
                unavailable.
        """
        state, cause = ("completed", None) if committed else ("failed", ROLLED_BACK)
        by = Cause.NONE if committed else Cause.CLIENT
        end = self._describe_end(state, cause, notes, warnings)

        async def close(conn: Connection, _again: bool) -> EndedImport | None:
            return await complete_import(conn, self.lease, end, self.projects_done)

        try:
            async with self._closing:
                ended = await self._close_row(end, by, close)
        except ServiceError as exc:
            self._set_fault(exc)
            raise await self._conclude() from exc
        if ended is None:
            self._set_fault(LeaseLost())
            raise await self._conclude()
        return ended.tally

    async def _conclude(self) -> ServiceError:
        """Close the row for the fault, once; return the error for the caller."""
        if self._conclusion is None:
            self._conclusion = asyncio.create_task(self._close_for_fault())
        return await asyncio.shield(self._conclusion)

    async def _close_for_fault(self) -> ServiceError:
        if self._work is not None:
            await asyncio.wait([self._work])
        fault = self._fault.exception()
        assert fault is not None
        ending = ending_for(fault)
        error = ending.error
        end = self._describe_end(ending.state, ending.cause)

        async def close(conn: Connection, _again: bool) -> EndedImport | None:
            return await end_import(conn, self.lease, end)

        async with self._closing:
            with contextlib.suppress(ServiceError):
                ended = await self._close_row(end, ending.by, close)
                if ended is not None:
                    if ended.state == "cancelled":  # perhaps although it was interrupted
                        error = Conflict(CANCELLED)
                    error.fields["counts"] = ended.tally.counts
        error.fields["import_id"] = self.id
        return error

    def _describe_end(
        self,
        state: str,
        cause: str | None,
        notes: str | None = None,
        warnings: Sequence[FileWarning] = (),
    ) -> ImportEnd:
        return ImportEnd(state, cause, notes, warnings=warnings, **self._describe_upload(notes))

    async def _close_row(
        self,
        end: ImportEnd,
        by: Cause,
        close: Callable[[Connection, bool], Awaitable[EndedImport | None]],
    ) -> EndedImport | None:
        """Close the row; return None if the lease is lost: who ended the import has counted it."""
        self._close_files()
        self.ending = True
        ended = await with_retries(self._pool, close, self._retry_timeout)
        self.ended = True
        if ended is not None:
            metrics.count_end(ended.state, by)
            _log.info("import.ended", state=ended.state, bytes=end.bytes_read, **ended.tally.counts)
        return ended
