"""A repeated upload: compared with the import of its key, then answered as that import was."""

import asyncio
import contextlib
from collections.abc import Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, TypeVar

from service.errors import FileRefused, FileTooLarge, OtherUpload, ServiceError
from service.formats.limits import Limits
from service.imports.fingerprint import UploadDigest, upload_fingerprint
from service.imports.lease import Lease
from service.imports.outcomes import Tally, count_outcomes
from service.imports.pipeline.pipe import FilePart, Pipe, PipeAborted
from service.imports.pipeline.upload_files import iterate_files
from service.model import FileCounts, FileWarning
from service.settings import Settings
from service.storage import Connection, Pool
from service.storage.queries import Queries
from service.storage.retry import with_retries

_SQL = Queries("imports")

T = TypeVar("T")


class Replay:
    """An ``UploadSink`` that changes nothing; without a file, it repeats an undo.

    Args:
        lease: the completed import that the upload repeats.
        fingerprint: of the first upload.
        pool: the connections.
        limits: of each file.
        settings: sizes and times.

    Attributes:
        id: the import's ``import_id``.
        lease: the import.
    """

    def __init__(
        self, lease: Lease, fingerprint: bytes, pool: Pool, limits: Limits, settings: Settings
    ) -> None:
        self.id = lease.import_id
        self.lease = lease
        self._fingerprint = fingerprint
        self._pool = pool
        self._retry_timeout = settings.retry_timeout
        self._loop = asyncio.get_running_loop()
        self._pipe = Pipe(settings.pipe_bytes, self._loop)
        self._limits = limits
        self._max_files = settings.max_files
        self._digest = UploadDigest(limits.max_file_bytes)
        self._thread: ThreadPoolExecutor | None = None
        self._reading: asyncio.Future[None] | None = None

    async def begin_file(self, part: FilePart) -> None:
        if self._reading is None:
            self._thread = ThreadPoolExecutor(1, thread_name_prefix="replay")
            self._reading = self._loop.run_in_executor(self._thread, self._read)
        await self._pipe.begin_file(part)

    async def feed(self, chunk: bytes) -> None:
        await self._pipe.write(chunk)

    async def break_off(self, fault: FileRefused | FileTooLarge) -> None:
        await self._pipe.break_off(fault)

    async def while_running(self, receiving: Coroutine[Any, Any, T]) -> T:
        """Await ``receiving``: the import has completed, so it cannot end meanwhile."""
        return await receiving

    async def finish(
        self,
        *,
        notes: str | None = None,
        warnings: Sequence[FileWarning] = (),
        cut: bool = False,
    ) -> Tally:
        """Compare the upload with the first one, and return the result of the first one.

        Raises:
            OtherUpload: the two uploads differ.
            Unavailable: the database stays unavailable.
        """
        if self._reading is not None:
            self._pipe.close()
            await self._reading
        if (
            upload_fingerprint(self._digest.digest(), notes, self.lease.options)
            != self._fingerprint
        ):
            raise OtherUpload

        async def read(conn: Connection, _again: bool) -> Tally:
            lease = self.lease
            counted = await count_outcomes(conn, lease.client_id, lease.import_id, lease.attempt)
            row = await conn.fetchrow(_SQL.read_end, lease.client_id, lease.import_id)
            assert row is not None
            read, failed = row["files_read"], row["files_failed"]
            files = None if read is None else FileCounts(read, failed)
            return replace(counted, warnings=row["warnings"], files=files)

        return await with_retries(self._pool, read, self._retry_timeout)

    async def interrupt(self, error: ServiceError) -> ServiceError:
        """Return the error, because nothing runs."""
        return error

    async def fail(self, error: ServiceError) -> ServiceError:
        """Return the error, because nothing runs."""
        return error

    async def close(self) -> None:
        """End the thread."""
        if self._reading is not None and self._thread is not None:
            self._pipe.abort()
            with contextlib.suppress(PipeAborted):
                await self._reading
            self._thread.shutdown(wait=False)

    def _read(self) -> None:
        try:
            files = iterate_files(self._pipe, self._limits, self._max_files, lambda: None)
            for file in files:
                self._digest.hash_file(file.source)
                self._digest.read_rest()
        finally:
            self._pipe.abandon()
