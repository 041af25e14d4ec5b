"""Import jobs: tasks that outlive their request and that a shutdown waits for."""

import asyncio
import contextlib
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Final, Generic, TypeVar

import structlog
from aiohttp import hdrs, web

from service.errors import Conflict, InternalError, RequestTimeout, ServiceError, Unavailable
from service.http.auth.permissions import Caller
from service.http.middleware import REQUEST_ID, send_continue, traceparent
from service.http.responses import retry_after
from service.http.upload.body import BodyReader, ClientGone, TransferBroken
from service.http.upload.form import FormReader, Receipt
from service.http.upload.options import parse_idempotency_key
from service.http.upload.small_upload import SmallUpload, fits_fast_path
from service.http.user_agent import classify_user_agent
from service.imports.ending import SHUTTING_DOWN
from service.imports.fast_path.held_upload import HeldUpload
from service.imports.fast_path.importer import FastPath
from service.imports.idempotency import KeyClaim
from service.imports.key_conflict import ImportInProgress, KeyConflict
from service.imports.lease import Lease
from service.imports.manager import ImportManager
from service.imports.options import ImportOptions
from service.imports.outcomes import Tally
from service.imports.record import ImportRequest
from service.imports.replay import Replay
from service.imports.undo import UndoSession
from service.imports.upload import FileSink, UploadSink
from service.observability import metrics, tracing
from service.settings import Settings

_log = structlog.get_logger(__name__)

S = TypeVar("S", bound=UploadSink | UndoSession | Replay)


def parse_request(request: web.Request, caller: Caller, options: ImportOptions) -> ImportRequest:
    """Return who asks for an import, and with which options.

    Raises:
        BadRequest: the idempotency key is malformed.
    """
    return ImportRequest(
        caller.client_id,
        caller.subject,
        request[REQUEST_ID],
        traceparent(request) or tracing.traceparent(),
        options,
        parse_idempotency_key(request),
    )


class ImportJob(ABC, Generic[S]):
    """An import that a request asks for, from its admission to its end.

    Args:
        request: who asks for the import, and with which options.
        manager: admits and opens the import.

    Attributes:
        received: set once the job needs nothing more from the client, or has failed.
        lease: the import, once it has begun.
        is_replay: whether the job compares its upload with a completed import of the same key.
        outcomes: the stored outcomes, if the job has them at hand.
    """

    def __init__(self, request: ImportRequest, manager: ImportManager) -> None:
        self.received = asyncio.Event()
        self.lease: Lease | None = None
        self.is_replay = False
        self.outcomes: Sequence[Mapping[str, Any]] | None = None
        self._request = request
        self._manager = manager

    @abstractmethod
    def _open(self) -> AbstractAsyncContextManager[S]:
        """Open the session that does the import's work."""

    @abstractmethod
    async def _complete(self, session: S) -> Tally:
        """Do the work, and return its result."""

    async def run(self) -> Tally:
        """Run the import to its end.

        Raises:
            ServiceError: the import was refused or failed. Once it has begun, the error has
                ``import_id`` and ``Location``.
            ConnectionError: the client is gone.
        """
        try:
            async with self._manager.admitted(self._request):
                return await self._run_admitted()
        except KeyConflict as exc:
            fields = {"import_id": exc.import_id, **exc.fields}
            error = Conflict(exc.details, fields=fields)
            error.headers[hdrs.LOCATION] = import_location(self._request.client_id, exc.import_id)
            if isinstance(exc, ImportInProgress):
                error.headers[hdrs.RETRY_AFTER] = retry_after()
            raise error from None
        except (ServiceError, ConnectionError):
            raise
        except Exception as exc:  # log it here: the request may be answered or gone
            _log.error("import failed", exc_info=exc)
            raise InternalError() from exc
        finally:
            self.received.set()

    async def _run_admitted(self) -> Tally:
        async with self._open() as session:
            self.lease = session.lease
            self.is_replay = isinstance(session, Replay)
            with (
                structlog.contextvars.bound_contextvars(import_id=session.id),
                tracing.import_span(session.id, self._request.client_id),
            ):
                tally = await self._run_to_end(session)
                tracing.add_attributes(**tally.counts)
                return tally

    async def _run_to_end(self, session: S) -> Tally:
        """Run the import, and end its row as the fault requires if there is one."""
        try:
            return await self._complete(session)
        except ClientGone as exc:
            await session.interrupt(RequestTimeout("The client went away before the upload's end"))
            raise ConnectionError("the client is gone") from exc
        except ServiceError as exc:
            raise await self._end(session, exc) from exc.__cause__
        except asyncio.CancelledError:  # only ``JobRegistry.drain`` cancels a job
            raise await self._end(session, Unavailable(SHUTTING_DOWN)) from None
        except Exception as exc:
            _log.error("import failed", exc_info=exc)
            raise await self._end(session, InternalError()) from exc

    async def _end(self, session: S, error: ServiceError) -> ServiceError:
        """End the import unless it has ended; add its id and location to the error."""
        if isinstance(error, RequestTimeout | TransferBroken | Unavailable):
            error = await session.interrupt(error)
        else:
            error = await session.fail(error)
        error.fields.setdefault("import_id", session.id)
        error.headers[hdrs.LOCATION] = import_location(self._request.client_id, session.id)
        return error


class UploadJob(ImportJob[UploadSink]):
    """The import of an upload; ``received`` is set once its body is read.

    Args:
        web_request: the HTTP request, whose body is the upload.
        boundary: boundary of the body's parts.
        request: who asks for the import, and with which options.
        manager: admits and opens the import.
        settings: limits and times.
    """

    def __init__(
        self,
        web_request: web.Request,
        boundary: str,
        request: ImportRequest,
        manager: ImportManager,
        settings: Settings,
    ) -> None:
        super().__init__(request, manager)
        self._web_request = web_request
        self._boundary = boundary
        self._settings = settings
        self._small: SmallUpload | None = None
        self._complete_at: float | None = None
        """When the upload was complete, by the monotonic clock."""

    def _open(self) -> AbstractAsyncContextManager[UploadSink]:
        return self._manager.open(self._request)

    async def _run_admitted(self) -> Tally:
        fast_path = self._manager.fast_path
        if fast_path and fits_fast_path(self._web_request, self._request.options, self._settings):
            if self._request.key is not None and not self._web_request.content.is_eof():
                await self._manager.refuse_running(self._request)  # before the body arrives
            held = HeldUpload()
            self._small = SmallUpload(held, self._receive(held))
            try:
                tally = await self._import_small(fast_path, self._small)
                return tally if tally is not None else await super()._run_admitted()
            finally:
                await self._small.close()
        return await super()._run_admitted()

    async def _import_small(self, fast_path: FastPath, small: SmallUpload) -> Tally | None:
        """Import an upload that arrives at once; return None if it takes the long way."""
        started = time.monotonic()
        try:
            if (receipt := await small.arrive()) is None:
                metrics.SMALL_UPLOADS.labels("long").inc()
                return None
            self._complete_at = time.monotonic()
            stored = await fast_path.run(
                self._request,
                small.held,
                notes=receipt.notes,
                warnings=receipt.warnings,
                started=started,
            )
        except asyncio.CancelledError:  # only ``JobRegistry.drain`` cancels a job
            raise Unavailable(SHUTTING_DOWN) from None
        if stored is None:
            return None
        self.received.set()
        self.lease = self._manager.lease(self._request, KeyClaim(stored.import_id))
        self.outcomes = stored.outcomes
        with tracing.import_span(stored.import_id, self._request.client_id):
            tracing.add_attributes(**stored.tally.counts)
        metrics.ANSWER_SECONDS.observe(time.monotonic() - self._complete_at)
        self._count(stored.tally)
        return stored.tally

    async def _complete(self, session: UploadSink) -> Tally:
        settings = self._settings
        small = self._small
        receiving = self._receive(session) if small is None else small.receive_into(session)
        try:
            async with asyncio.timeout(settings.upload_timeout):
                receipt = await session.while_running(receiving)
        except TimeoutError as exc:
            error = f"The upload took longer than {settings.upload_timeout:g} seconds"
            raise RequestTimeout(error) from exc
        self.received.set()
        since = time.monotonic() if self._complete_at is None else self._complete_at
        tally = await session.finish(
            notes=receipt.notes, warnings=receipt.warnings, cut=receipt.cut
        )
        metrics.ANSWER_SECONDS.observe(time.monotonic() - since)
        if not self._request.options.dry_run:
            self._count(tally)
        return tally

    async def _receive(self, sink: FileSink) -> Receipt:
        """Read the form, and feed the file to the sink."""
        with contextlib.suppress(ConnectionError):  # reading the body finds out
            await send_continue(self._web_request)
        body = BodyReader(self._web_request, self._settings)
        return await FormReader(body, self._boundary, sink, self._settings).receive()

    def _count(self, tally: Tally) -> None:
        agent = self._web_request.headers.get(hdrs.USER_AGENT, "")
        metrics.count_projects(tally.counts, classify_user_agent(agent))


class UndoJob(ImportJob[UndoSession | Replay]):
    """The undo of an import; it has no upload to receive.

    Args:
        request: who asks for the undo, and of which import.
        manager: admits and opens the undo.
    """

    def _open(self) -> AbstractAsyncContextManager[UndoSession | Replay]:
        return self._manager.open_undo(self._request)

    async def _complete(self, session: UndoSession | Replay) -> Tally:
        self.received.set()
        return await session.finish()


class JobRegistry:
    """The import jobs of this process.

    Args:
        grace: seconds that jobs may take to end once the service shuts down.
    """

    def __init__(self, grace: float) -> None:
        self._grace = grace
        self._tasks: set[asyncio.Task[Tally]] = set()

    def begin(self, job: ImportJob[Any]) -> asyncio.Task[Tally]:
        """Run a job as a task."""
        task = asyncio.create_task(job.run())
        self._tasks.add(task)
        task.add_done_callback(self._forget)
        return task

    def _forget(self, task: asyncio.Task[Tally]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # the request that would retrieve it may be gone

    async def drain(self) -> None:
        """Wait for the running jobs, and interrupt those that are left after the grace period.

        Cancel this to end the grace period. ``ImportManager.drain`` refuses new imports meanwhile.
        """
        started = time.monotonic()
        _log.info("drain.begun", imports=len(self._tasks))
        try:
            if self._tasks:
                await asyncio.wait(self._tasks, timeout=self._grace)
        finally:
            interrupted = await _cancel(self._tasks)
            seconds = round(time.monotonic() - started, 3)
            _log.info("drain.ended", seconds=seconds, interrupted=interrupted)


async def _cancel(tasks: Iterable[asyncio.Task[Tally]]) -> int:
    """Cancel tasks, wait for their ends, and return how many did not complete."""
    left = [*tasks]
    for task in left:
        task.cancel()
    if left:
        await asyncio.wait(left)
    return sum(task.cancelled() or task.exception() is not None for task in left)


JOBS: Final = web.AppKey("uploads", JobRegistry)


def import_location(client_id: int, import_id: int) -> str:
    """Return the path of an import."""
    return f"/api/v2/clients/{client_id}/imports/{import_id}"
