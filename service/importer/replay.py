"""An upload that was there before: read and compared, then answered as it was then."""

import asyncio
import contextlib
from collections.abc import Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TypeVar

from service.db import Connection, Pool
from service.db.queries import Queries
from service.errors import FileRefused, FileTooLarge, InternalError, OtherUpload, ServiceError
from service.importer.batches import Owner
from service.importer.endings import Stopped
from service.importer.fingerprint import Fingerprint
from service.importer.outcomes import Tally, tally
from service.importer.retries import retrying
from service.model import FileWarning
from service.settings import Settings
from service.xml.inflate import Inflated
from service.xml.limits import Limits
from service.xml.pipe import Pipe

_SQL = Queries("imports")

T = TypeVar("T")


class Replay:
    """Takes an upload as an ``Import`` does, and changes nothing.

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
        self, owner: Owner, fingerprint: bytes, pool: Pool, limits: Limits, settings: Settings
    ) -> None:
        self.id = owner.import_id
        self.owner = owner
        self._fingerprint = fingerprint
        self._pool = pool
        self._retry_timeout = settings.retry_timeout
        self._loop = asyncio.get_running_loop()
        self._pipe = Pipe(settings.pipe_bytes, self._loop)
        self._given = Fingerprint(Inflated(self._pipe, limits), limits.max_file_bytes)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="replay")
        self._work = self._loop.run_in_executor(self._thread, self._read)

    def describe(self, *, filename: str | None, charset: str | None) -> None:
        """As ``Import.describe``: neither counts."""

    async def feed(self, chunk: bytes) -> None:
        """Take the file's next bytes."""
        await self._pipe.write(chunk)

    async def unless_ended(self, feeding: Coroutine[object, object, T]) -> T:
        """As ``Import.unless_ended``: it has ended long ago."""
        return await feeding

    def break_off(self, fault: FileRefused | FileTooLarge) -> None:
        """As ``Import.break_off``."""
        self._pipe.close(fault)

    async def finish(
        self,
        *,
        notes: str | None = None,
        warnings: Sequence[FileWarning] = (),
        cut: bool = False,
    ) -> Tally:
        """After the last byte: how the projects came out then; arguments are as ``Import``'s.

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
            counted = await tally(conn, owner.client_id, owner.import_id, owner.attempt)
            warnings = await conn.fetchval(_SQL.warnings, owner.client_id, owner.import_id)
            return replace(counted, warnings=warnings)

        return await retrying(self._pool, count, self._retry_timeout)

    async def interrupt(self, error: ServiceError) -> None:
        """Nothing runs that could be."""

    async def fail(self, error: ServiceError) -> None:
        """Nothing runs that could."""

    async def close(self) -> None:
        """End the thread."""
        self._pipe.fail(Stopped("failed", InternalError()))
        with contextlib.suppress(Stopped):
            await self._work
        self._thread.shutdown(wait=False)

    def _read(self) -> None:
        try:
            self._given.read_away()
        finally:
            self._pipe.abandon()
