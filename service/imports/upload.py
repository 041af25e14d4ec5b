"""The import of an upload, from its first byte to its end."""

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from service.errors import FileRefused, FileTooLarge, ServiceError
from service.imports.lease import Lease
from service.imports.outcomes import Tally
from service.imports.pipeline.fair_scheduler import Queue
from service.imports.pipeline.pipe import FilePart, Pipe, PipeAborted
from service.imports.pipeline.upload_pipeline import UploadPipeline
from service.imports.session import ImportSession
from service.model import FileWarning
from service.settings import Settings
from service.spool.spool import Spool
from service.storage import Pool

T = TypeVar("T")


class FileSink(Protocol):
    """A consumer of the files of an upload."""

    async def begin_file(self, part: FilePart) -> None:
        """Begin the next file; otherwise as ``feed``."""

    async def feed(self, chunk: bytes) -> None:
        """Take the next bytes of the file, and wait while the consumer is busy.

        Raises:
            ServiceError: the import has ended and its row is closed. The import was stopped, or the
                database stays unavailable.
        """

    async def break_off(self, fault: FileRefused | FileTooLarge) -> None:
        """End the file at this byte because of a fault; what came before counts.

        Raises as ``feed``. Another file can follow.
        """


class UploadSink(FileSink, Protocol):
    """A session that imports an upload, or a replay that compares it.

    Attributes:
        id: the import's ``import_id``.
        lease: the import.
    """

    id: int
    lease: Lease

    async def while_running(self, receiving: Coroutine[Any, Any, T]) -> T:
        """Run ``receiving``, which feeds the sink, but no longer than the import runs.

        Raises:
            ServiceError: as ``feed``, as soon as the import has ended.
            Exception: the exception of ``receiving``.
        """

    async def finish(
        self,
        *,
        notes: str | None = None,
        warnings: Sequence[FileWarning] = (),
        cut: bool = False,
    ) -> Tally:
        """Wait until all files are written, and close the import.

        Args:
            notes: the uploader's notes.
            warnings: warnings about the upload beside the files.
            cut: the upload ended without its closing boundary.

        Raises:
            ServiceError: as ``feed``; also if the only file has no projects (``FileRefused``,
                ``FileTooLarge``).
        """

    async def interrupt(self, error: ServiceError) -> ServiceError:
        """Stop the import for a temporary reason, so a later try may succeed.

        Returns:
            The error for the uploader.
        """

    async def fail(self, error: ServiceError) -> ServiceError:
        """Stop the import; otherwise as ``interrupt``."""


class UploadSession(ImportSession):
    """Imports an upload; an ``UploadSink``.

    Args:
        lease: the import.
        pool: the connections.
        writing: the import's queue for the slots of all writers.
        parsing: the import's queue for the slots of all parsing threads.
        spool: the working files of the process.
        settings: limits, times and sizes.
    """

    def __init__(
        self,
        lease: Lease,
        pool: Pool,
        *,
        writing: Queue,
        parsing: Queue,
        spool: Spool,
        settings: Settings,
    ) -> None:
        super().__init__(lease, pool, settings)
        self._filename: str | None = None
        self._begun = False
        self._pipe = Pipe(settings.pipe_bytes, asyncio.get_running_loop())
        self._pipeline = UploadPipeline(
            lease,
            self._pipe,
            pool=pool,
            writing=writing,
            parsing=parsing,
            spool=spool,
            settings=settings,
            report_fault=self._set_fault,
        )

    @property
    def bytes_read(self) -> int:
        return self._pipe.taken

    @property
    def projects_done(self) -> int:
        return self._pipeline.projects_done

    async def begin_file(self, part: FilePart) -> None:
        if not self._begun:
            self._begun, self._filename = True, part.name
        await self._put(self._pipe.begin_file(part))

    async def feed(self, chunk: bytes) -> None:
        await self._put(self._pipe.write(chunk))

    async def break_off(self, fault: FileRefused | FileTooLarge) -> None:
        await self._put(self._pipe.break_off(fault))

    async def _put(self, writing: Coroutine[Any, Any, None]) -> None:
        self._start()
        try:
            await writing
        except PipeAborted:
            raise await self._conclude() from None

    async def while_running(self, receiving: Coroutine[Any, Any, T]) -> T:
        task = asyncio.create_task(receiving)
        try:
            first_of: set[asyncio.Future[Any]] = {task, self._fault}
            await asyncio.wait(first_of, return_when=asyncio.FIRST_COMPLETED)
        finally:
            task.cancel()
            await asyncio.wait({task})
        if self._fault.done():
            raise await self._conclude()
        return task.result()

    async def finish(
        self,
        *,
        notes: str | None = None,
        warnings: Sequence[FileWarning] = (),
        cut: bool = False,
    ) -> Tally:
        self._pipe.close()
        self._pipeline.complete_upload()
        committed = await self._finish_work()
        warnings = [*warnings, *self._pipeline.warnings(cut=cut)]
        return await self._complete(committed, notes, warnings)

    async def _run(self) -> bool:
        return await self._pipeline.run()

    def _set_fault(self, fault: BaseException) -> None:
        super()._set_fault(fault)
        self._pipe.abort()

    def _close_files(self) -> None:
        self._pipeline.close()

    def _describe_upload(self, notes: str | None) -> Mapping[str, Any]:
        return {
            "filename": self._filename,
            "dialect": self._pipeline.format,
            "files": self._pipeline.files,
            "bytes_read": self.bytes_read,
            "fingerprint": self._pipeline.fingerprint(notes),
        }
