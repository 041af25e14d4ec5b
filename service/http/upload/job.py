"""Import jobs: tasks that outlive their request and that a shutdown waits for."""

import asyncio
import contextlib
from abc import ABC, abstractmethod
from contextlib import AbstractAsyncContextManager
from typing import Any, Final, Generic, TypeVar

import structlog
from aiohttp import hdrs, web

from service.errors import Conflict, InternalError, RequestTimeout, ServiceError, Unavailable
from service.http.auth.permissions import Caller
from service.http.middleware import REQUEST_ID, send_continue, traceparent
from service.http.responses import retry_after
from service.http.upload.body import BodyReader, ClientGone, TransferBroken
from service.http.upload.form import FormReader
from service.http.upload.options import parse_idempotency_key
from service.http.user_agent import classify_user_agent
from service.imports.ending import SHUTTING_DOWN
from service.imports.key_conflict import ImportInProgress, KeyConflict
from service.imports.lease import Lease
from service.imports.manager import ImportManager
from service.imports.options import ImportOptions
from service.imports.outcomes import Tally
from service.imports.record import ImportRequest
from service.imports.replay import Replay
from service.imports.undo import UndoSession
from service.imports.upload import UploadSink
from service.observability import metrics, tracing
from service.settings import Settings

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

    Attributes:
        received: set once the job needs nothing more from the client, or has failed.
        lease: the import, once it has begun.
    """

    def __init__(self, request: ImportRequest) -> None:
        self.received = asyncio.Event()
        self.lease: Lease | None = None
        self._request = request

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
            async with self._open() as session:
                self.lease = session.lease
                with (
                    structlog.contextvars.bound_contextvars(import_id=session.id),
                    tracing.import_span(session.id, self._request.client_id),
                ):
                    tally = await self._run_to_end(session)
                    tracing.add_attributes(**tally.counts)
                    return tally
        except KeyConflict as exc:
            fields = {"import_id": exc.import_id, **exc.fields}
            error = Conflict(exc.details, fields=fields)
            error.headers[hdrs.LOCATION] = import_location(self._request.client_id, exc.import_id)
            if isinstance(exc, ImportInProgress):
                error.headers[hdrs.RETRY_AFTER] = retry_after()
            raise error from None
        finally:
            self.received.set()

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
        manager: opens the import.
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
        super().__init__(request)
        self._web_request = web_request
        self._boundary = boundary
        self._manager = manager
        self._settings = settings

    def _open(self) -> AbstractAsyncContextManager[UploadSink]:
        return self._manager.open(self._request)

    async def _complete(self, session: UploadSink) -> Tally:
        settings = self._settings
        body = BodyReader(self._web_request, settings)
        form = FormReader(body, self._boundary, session, settings)
        try:
            async with asyncio.timeout(settings.upload_timeout):
                with contextlib.suppress(ConnectionError):  # reading the body finds out
                    await send_continue(self._web_request)
                receipt = await session.while_running(form.receive())
        except TimeoutError as exc:
            error = f"The upload took longer than {settings.upload_timeout:g} seconds"
            raise RequestTimeout(error) from exc
        self.received.set()
        tally = await session.finish(
            notes=receipt.notes, warnings=receipt.warnings, cut=receipt.cut
        )
        if not self._request.options.dry_run:
            agent = self._web_request.headers.get(hdrs.USER_AGENT, "")
            metrics.count_projects(tally.counts, classify_user_agent(agent))
        return tally


class UndoJob(ImportJob[UndoSession | Replay]):
    """The undo of an import; it has no upload to receive.

    Args:
        request: who asks for the undo, and of which import.
        manager: opens the undo.
    """

    def __init__(self, request: ImportRequest, manager: ImportManager) -> None:
        super().__init__(request)
        self._manager = manager

    def _open(self) -> AbstractAsyncContextManager[UndoSession | Replay]:
        return self._manager.open_undo(self._request)

    async def _complete(self, session: UndoSession | Replay) -> Tally:
        self.received.set()
        return await session.finish()


class JobRegistry:
    """The import jobs of this process.

    Args:
        grace: seconds that jobs may take to end once the service shuts down.

    Attributes:
        draining: whether the service is shutting down.
    """

    def __init__(self, grace: float) -> None:
        self.draining = False
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
        self.draining = True
        try:
            if self._tasks:
                await asyncio.wait(self._tasks, timeout=self._grace)
        finally:
            for task in self._tasks:
                task.cancel()
            if self._tasks:
                await asyncio.wait(self._tasks)


JOBS: Final = web.AppKey("uploads", JobRegistry)


def import_location(client_id: int, import_id: int) -> str:
    """Return the path of an import."""
    return f"/api/v2/clients/{client_id}/imports/{import_id}"
