"""An upload that was there before: read and compared, then answered as it was then."""

import asyncio
import contextlib
from collections.abc import Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TypeVar

from service.errors import FileRefused, FileTooLarge, InternalError, OtherUpload, ServiceError
from service.formats.compression import InflatedSource
from service.formats.limits import Limits
from service.imports.ending import ImportStopped
from service.imports.fingerprint import FingerprintReader
from service.imports.outcomes import Tally, count_outcomes
from service.imports.pipeline.batch import Lease
from service.imports.pipeline.pipe import Pipe
from service.model import FileWarning
from service.settings import Settings
from service.storage import Connection, Pool
from service.storage.queries import Queries
from service.storage.retry import with_retries

_SQL = Queries("imports")

T = TypeVar("T")


class Replay:
    """Takes an upload as an ``ImportSession`` does, and changes nothing.

    Args:
        owner: the import that it repeats, which is completed.
        fingerprint: of what was uploaded then.
        pool: the connections.
        limits: of a file.
        settings: sizes and times.

    Attributes:
        id: the import's ``import_id``.
    """

    def __init__(
        self, owner: Lease, fingerprint: bytes, pool: Pool, limits: Limits, settings: Settings
    ) -> None:
        self.id = owner.import_id
        self.owner = owner
        self._fingerprint = fingerprint
        self._pool = pool
        self._retry_timeout = settings.retry_timeout
        self._loop = asyncio.get_running_loop()
        self._pipe = Pipe(settings.pipe_bytes, self._loop)
        self._given = FingerprintReader(InflatedSource(self._pipe, limits), limits.max_file_bytes)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="replay")
        self._work = self._loop.run_in_executor(self._thread, self._read)

    def describe(self, *, filename: str | None, charset: str | None) -> None:
        """As ``ImportSession.describe``: neither counts."""

    async def feed(self, chunk: bytes) -> None:
        """Take the file's next bytes."""
        await self._pipe.write(chunk)

    async def unless_ended(self, feeding: Coroutine[object, object, T]) -> T:
        """As ``ImportSession.unless_ended``: it has ended long ago."""
        return await feeding

    def break_off(self, fault: FileRefused | FileTooLarge) -> None:
        """As ``ImportSession.break_off``."""
        self._pipe.close(fault)

    async def finish(
        self,
        *,
        notes: str | None = None,
        warnings: Sequence[FileWarning] = (),
        cut: bool = False,
    ) -> Tally:
        """After the last byte: how the projects came out then; arguments as there.

        Raises:
            OtherUpload: this is not what was uploaded then.
            Unavailable: the database stays away.
        """
        self._pipe.close()
        await self._work
        if self._given.of(notes, self.owner.options) != self._fingerprint:
            raise OtherUpload

        async def count(conn: Connection, _again: bool) -> Tally:
            owner = self.owner
            counted = await count_outcomes(conn, owner.client_id, owner.import_id, owner.attempt)
            warnings = await conn.fetchval(_SQL.warnings, owner.client_id, owner.import_id)
            return replace(counted, warnings=warnings)

        return await with_retries(self._pool, count, self._retry_timeout)

    async def interrupt(self, error: ServiceError) -> None:
        """Nothing runs that could be."""

    async def fail(self, error: ServiceError) -> None:
        """Nothing runs that could."""

    async def close(self) -> None:
        """End the thread."""
        self._pipe.fail(ImportStopped("failed", InternalError()))
        with contextlib.suppress(ImportStopped):
            await self._work
        self._thread.shutdown(wait=False)

    def _read(self) -> None:
        try:
            self._given.read_away()
        finally:
            self._pipe.abandon()
