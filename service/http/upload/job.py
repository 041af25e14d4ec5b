"""The imports under way: each a task that no disconnect cancels and that a shutdown awaits."""

import asyncio
from typing import Final

import structlog
from aiohttp import hdrs, web

from service.errors import Conflict, InternalError, RequestTimeout, ServiceError, Unavailable
from service.http.middleware import send_continue
from service.http.responses import retry_after
from service.http.upload.body import BodyReader, ClientGone, TransferBroken
from service.http.upload.form import FormReader
from service.http.user_agent import classify_user_agent
from service.imports.idempotency import ImportInProgress
from service.imports.manager import ImportManager, UploadSink
from service.imports.outcomes import Tally
from service.imports.record import ImportRequest
from service.observability import metrics, tracing
from service.settings import Settings

_SHUTDOWN: Final = "The service is shutting down"


class ImportJob:
    """An import that is asked for, from its admission to its end.

    Args:
        request: who asks for it, and how.
        importer: runs it.

    Attributes:
        received: set once nothing more is wanted of the client, or the import has failed.
        started: the import, once it has begun.
    """

    def __init__(self, request: ImportRequest, importer: ImportManager) -> None:
        self.received = asyncio.Event()
        self.started: UploadSink | None = None
        self._request = request
        self._importer = importer

    async def run(self) -> Tally:
        """See the import to its end.

        Raises:
            ServiceError: it came to none; with ``import_id`` and ``Location`` once there is one.
            ConnectionError: the client is gone.
        """
        try:
            with self._importer.admit(self._request.client_id), metrics.measure_import():
                async with self._importer.start(self._request) as started:
                    self.started = started
                    return await self._told(started)
        except ImportInProgress as running:
            raise import_in_progress(self._request.client_id, running.import_id) from None
        finally:
            self.received.set()

    async def _told(self, started: UploadSink) -> Tally:
        """See the import through, with its id in every record of the log, and its span."""
        with (
            structlog.contextvars.bound_contextvars(import_id=started.id),
            tracing.import_span(started.id, self._request.client_id),
        ):
            tally = await self._see_through(started)
            tracing.add_attributes(**tally.counts)
            return tally

    async def _see_through(self, started: UploadSink) -> Tally:
        """Have the import end as it must, whatever becomes of the upload."""
        try:
            return await self._import(started)
        except ClientGone as exc:
            await started.interrupt(RequestTimeout("The client went away before the upload's end"))
            raise ConnectionError("the client is gone") from exc
        except ServiceError as exc:
            raise await self._ended(started, exc) from exc.__cause__
        except asyncio.CancelledError:  # by ``JobRegistry.drain`` alone
            raise await self._ended(started, Unavailable(_SHUTDOWN)) from None
        except Exception as exc:
            raise await self._ended(started, InternalError()) from exc

    async def _ended(self, started: UploadSink, error: ServiceError) -> ServiceError:
        """End the import, if it has not ended by itself, and have the error tell where it is."""
        if isinstance(error, RequestTimeout | TransferBroken | Unavailable):
            await started.interrupt(error)
        else:
            await started.fail(error)
        error.fields.setdefault("import_id", started.id)
        error.headers[hdrs.LOCATION] = import_location(self._request.client_id, started.id)
        return error

    async def _import(self, started: UploadSink) -> Tally:
        self.received.set()
        return await started.finish()


class UploadJob(ImportJob):
    """An import of an upload: ``received`` is set once its body was read.

    Args:
        web_request: brings the body.
        boundary: of the body's parts.
        request: who asks for the import, and how.
        importer: runs it.
        settings: limits and times.
    """

    def __init__(
        self,
        web_request: web.Request,
        boundary: str,
        request: ImportRequest,
        importer: ImportManager,
        settings: Settings,
    ) -> None:
        super().__init__(request, importer)
        self._web_request = web_request
        self._boundary = boundary
        self._settings = settings

    async def _import(self, started: UploadSink) -> Tally:
        settings = self._settings
        body = BodyReader(self._web_request, settings)
        form = FormReader(body, self._boundary, started, settings)
        try:
            async with asyncio.timeout(settings.upload_timeout):
                await send_continue(self._web_request)
                receipt = await started.unless_ended(form.receive())
        except TimeoutError as exc:
            error = f"The upload took longer than {settings.upload_timeout:g} seconds"
            raise RequestTimeout(error) from exc
        self.received.set()
        tally = await started.finish(
            notes=receipt.notes, warnings=receipt.warnings, cut=receipt.cut
        )
        if not self._request.options.dry_run:
            agent = self._web_request.headers.get(hdrs.USER_AGENT, "")
            metrics.count_projects(tally.counts, classify_user_agent(agent))
        return tally


class JobRegistry:
    """All uploads of this process.

    Args:
        grace: seconds that uploads have to end once the service shuts down.

    Attributes:
        draining: the service shuts down.
    """

    def __init__(self, grace: float) -> None:
        self.draining = False
        self._grace = grace
        self._tasks: set[asyncio.Task[Tally]] = set()

    def begin(self, asked: ImportJob) -> asyncio.Task[Tally]:
        """Run an import.

        Raises:
            Unavailable: the service shuts down.
        """
        if self.draining:
            raise Unavailable(_SHUTDOWN)
        task = asyncio.create_task(asked.run())
        self._tasks.add(task)
        task.add_done_callback(self._forget)
        return task

    def _forget(self, task: asyncio.Task[Tally]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # which nobody may be left to ask for

    async def drain(self) -> None:
        """Let none begin, wait for those under way, and interrupt what is left after the grace.

        Cancelling this ends the grace.
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


def import_in_progress(client_id: int, import_id: int) -> Conflict:
    """What an upload is told whose key is at work."""
    return Conflict(
        "Import in progress",
        fields={"import_id": import_id},
        headers={
            hdrs.LOCATION: import_location(client_id, import_id),
            hdrs.RETRY_AFTER: retry_after(),
        },
    )


def import_location(client_id: int, import_id: int) -> str:
    """Where an import is found."""
    return f"/api/v2/clients/{client_id}/imports/{import_id}"
