"""An import from its first byte to its stored end.

    feed → Pipe → the reader's thread (produce) → batches → N writers → outcomes
                  ↑ back-pressure: each stage waits for the next, down to the client's socket

An import ends in one of three ways: ``finish`` after the last byte, ``interrupt`` or ``fail`` where
somebody wants it to end, or a failure on the way, which the next ``feed`` or ``finish`` raises. In
each case its row is closed before its caller is told.
"""

import asyncio
import contextlib
import gc
import traceback
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from service.db import Connection, Pool
from service.errors import FileRefused, FileTooLarge, InternalError, ServiceError
from service.importer.batches import Batch, Owner
from service.importer.endings import Stopped, ending_of
from service.importer.faults import Fenced
from service.importer.lifecycle import End, end
from service.importer.outcomes import Tally
from service.importer.producer import Yielding, limits_of, produce
from service.importer.retries import retrying
from service.importer.turns import Seat
from service.importer.writer import Writer
from service.model import FileWarning, WarningCode
from service.settings import Settings
from service.spool import Spool
from service.xml.inflate import Inflated
from service.xml.pipe import Pipe
from service.xml.reader import Reader

_MANY_BYTES = 1024 * 1024
"""After a file of more the garbage is collected: lxml's parser, and with it all names that it has
read, is in a cycle, and imports make so little other garbage that it would stay for long."""


class Import:
    """One running import.

    Args:
        owner: in whose name it writes.
        pool: the connections.
        writing: its place among the writers of all imports.
        parsing: its place among the parsing threads of all imports.
        spool: of which it has a share.
        settings: limits, times and sizes.

    Attributes:
        id: its ``import_id``.
        ended: its row is closed.
        projects_done: outcomes written so far.
    """

    def __init__(
        self,
        owner: Owner,
        *,
        pool: Pool,
        writing: Seat,
        parsing: Seat,
        spool: Spool,
        settings: Settings,
    ) -> None:
        self.id = owner.import_id
        self.owner = owner
        self.ended = False
        self.projects_done = 0
        self._settings = settings
        self._pool = pool
        self._parsing = parsing
        self._writer = Writer(
            pool,
            writing,
            owner,
            lock_timeout=settings.lock_timeout,
            retry_timeout=settings.retry_timeout,
        )
        self._loop = asyncio.get_running_loop()
        self._pipe = Pipe(settings.pipe_bytes, self._loop)
        self._queue: asyncio.Queue[Batch | None] = asyncio.Queue(settings.writers)
        self._spool = spool.share(settings.import_spool_bytes, self._settle)
        self._reader: Reader | None = None
        self._filename: str | None = None
        self._charset: str | None = None
        self._work: asyncio.Task[None] | None = None
        self._fault: BaseException | None = None
        self._told: ServiceError | None = None
        self._closing = asyncio.Lock()

    @property
    def bytes_read(self) -> int:
        """Bytes of the file, as its part holds it, that the reader has taken so far."""
        return self._pipe.taken

    def describe(self, *, filename: str | None, charset: str | None) -> None:
        """What the upload says of the file; before its first byte."""
        self._filename = filename
        self._charset = charset

    async def feed(self, chunk: bytes) -> None:
        """Take the file's next bytes, waiting while the stages behind have enough to do.

        After a fault late in the file the bytes are dropped, and ``finish`` tells.

        Raises:
            ServiceError: the import has ended, and its row is closed: there can be no project in
                the file (``FileRefused``, ``FileTooLarge``), it was stopped, the database stays
                away.
        """
        work = self._started()
        with contextlib.suppress(Stopped):
            await self._pipe.write(chunk)
        if self._fault is not None:
            await asyncio.wait([work])
            raise await self._conclude(self._fault)

    def break_off(self, fault: FileRefused | FileTooLarge) -> None:
        """The file gives out here, for a fault of its own: what came before counts.

        Feed no more; ``finish`` tells.
        """
        self._pipe.close(fault)

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
        self._pipe.close()
        await asyncio.wait([self._started()])
        if self._fault is not None:
            raise await self._conclude(self._fault)
        assert self._reader is not None
        warnings = [*warnings, *self._reader.warnings]
        if cut and self._reader.closed:
            message = "The upload ended without its closing boundary; the file in it was whole"
            warnings.append(FileWarning(WarningCode.UPLOAD_CUT_SHORT, message))
        async with self._closing:
            tally = await self._end("completed", notes=notes, warnings=warnings)
        if tally is None:
            raise await self._conclude(Fenced())
        return tally

    async def interrupt(self, error: ServiceError) -> None:
        """End the import for a reason that a later try may not meet; as ``fail`` otherwise."""
        await self._stop(Stopped("interrupted", error))

    async def fail(self, error: ServiceError) -> None:
        """End the import now: what has landed stays, what is under way is dropped.

        Returns once no thread, task or connection of it is left and its row is closed. Whoever
        waits in ``feed`` or ``finish`` is told ``error``. Without effect once the import has ended.
        """
        await self._stop(Stopped("failed", error))

    def disown(self) -> None:
        """The import was ended or taken over elsewhere: write nothing more."""
        self._halt(Fenced())

    async def _stop(self, reason: Stopped) -> None:
        if self.ended:
            return
        self._halt(reason)
        await asyncio.wait([self._started()])
        await self._conclude(reason)

    def _started(self) -> asyncio.Task[None]:
        if self._work is None:
            self._work = asyncio.create_task(self._run(), name=f"import {self.id}")
        return self._work

    async def _run(self) -> None:
        """Run the stages until all have ended; the first fault of any is kept."""
        writers = [asyncio.create_task(self._write()) for _ in range(self._settings.writers)]
        # A thread of its own: lxml keeps every name that a thread has read until the thread ends.
        thread = ThreadPoolExecutor(1, thread_name_prefix="parse")
        try:
            await self._loop.run_in_executor(thread, self._parse)
        except Exception as exc:
            traceback.clear_frames(exc.__traceback__)  # they hold the parser
            self._halt(exc)
        finally:
            thread.shutdown(wait=False)
        if self._pipe.taken > _MANY_BYTES:
            gc.collect()
        for _ in writers:
            await self._queue.put(None)
        await asyncio.gather(*writers)
        self._spool.close()

    def _parse(self) -> None:
        settings = self._settings
        limits = limits_of(settings, self._spool)
        source = Inflated(Yielding(self._pipe, self._parsing), limits)
        try:
            with self._parsing.turn():
                self._reader = Reader(source, limits, self._charset)
                produce(
                    self._reader,
                    self._hand_on,
                    batch_projects=settings.batch_projects,
                    batch_bytes=settings.batch_bytes,
                    spool=self._spool,
                )
        finally:
            self._pipe.abandon()

    def _hand_on(self, batch: Batch) -> None:
        with self._parsing.pause():
            asyncio.run_coroutine_threadsafe(self._enqueue(batch), self._loop).result()

    def _settle(self) -> None:
        """Wait until all batches handed on are written; in the reader's thread."""
        with self._parsing.pause():
            asyncio.run_coroutine_threadsafe(self._queue.join(), self._loop).result()

    async def _enqueue(self, batch: Batch) -> None:
        if batch.shared and self._fault is None:
            try:
                await self._writer.store_shared(batch)
            except Exception as exc:
                self._halt(exc)
        await self._queue.put(batch)

    async def _write(self) -> None:
        while (batch := await self._queue.get()) is not None:
            try:
                if self._fault is None:
                    await self._writer.land(batch.items)
                    self.projects_done += len(batch.items)
            except Exception as exc:
                self._halt(exc)
            finally:
                batch.close()
                self._queue.task_done()

    def _halt(self, fault: BaseException) -> None:
        if self._fault is None:
            self._fault = fault
            self._pipe.fail(Stopped("failed", InternalError()))

    async def _conclude(self, fault: BaseException) -> ServiceError:
        """Close the row for a fault, once, and give back what the caller is told."""
        async with self._closing:
            if self._told is None:
                ending = ending_of(fault)
                tally = None
                with contextlib.suppress(ServiceError):
                    tally = await self._end(ending.state, cause=ending.cause)
                self._told = ending.error
                self._told.fields["import_id"] = self.id
                if tally is not None:
                    self._told.fields["counts"] = tally.counts
        return self._told

    async def _end(
        self,
        state: str,
        *,
        cause: str | None = None,
        notes: str | None = None,
        warnings: Sequence[FileWarning] = (),
    ) -> Tally | None:
        how = End(
            state,
            cause,
            notes,
            self._filename,
            self._reader.dialect if self._reader else None,
            self._pipe.taken,
            warnings,
        )

        async def close(conn: Connection, _again: bool) -> Tally | None:
            return await end(conn, self.owner, how)

        tally = await retrying(self._pool, close, self._settings.retry_timeout)
        self.ended = True
        return tally
