"""The stages of an import that takes a file, side by side: a thread, a queue, the writers.

    feed → Pipe → the reader's thread (produce) → batches → N writers → outcomes
                  ↑ back-pressure: each stage waits for the next, down to the client's socket

An atomic import's batches are held instead, until its last byte has come.
"""

import asyncio
import contextlib
import contextvars
import os
import sys
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from service.codes import WarningCode
from service.errors import FileRefused, FileTooLarge, InternalError
from service.formats.compression import InflatedSource
from service.formats.reader import Reader
from service.imports.ending import ImportStopped
from service.imports.fingerprint import FingerprintReader
from service.imports.pipeline.atomic import Atomic
from service.imports.pipeline.base import Pipeline
from service.imports.pipeline.batch import Batch, Lease
from service.imports.pipeline.batcher import (
    ThrottledReader,
    batch_projects,
    limits_from_settings,
    paused,
)
from service.imports.pipeline.fair_scheduler import Queue
from service.imports.pipeline.pipe import Pipe
from service.imports.pipeline.staged_batches import StagedBatches
from service.imports.pipeline.writer import Writer
from service.model import FileWarning
from service.observability import metrics
from service.observability.metrics import Stage, Stopwatch
from service.settings import Settings
from service.spool.spool import Spool, TooLarge
from service.storage import Pool

NICENESS: Final = 8
"""Of a thread that parses, beside the rest of the service and what else the machine runs."""


class UploadPipeline(Pipeline):
    """What runs between a file's first byte and the last outcome.

    Args:
        owner: in whose name it writes.
        pool: the connections.
        writing: its place among the writers of all imports.
        parsing: its place among the parsing threads of all imports.
        spool: of which it has a share.
        settings: limits, times and sizes.
    """

    def __init__(
        self,
        owner: Lease,
        *,
        pool: Pool,
        writing: Queue,
        parsing: Queue,
        spool: Spool,
        settings: Settings,
    ) -> None:
        super().__init__()
        self._charset: str | None = None
        self._reader: Reader | None = None
        self._fingerprint: FingerprintReader | None = None
        self._owner = owner
        self._pool = pool
        self._writing = writing
        self._parsing = parsing
        self._settings = settings
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
        self._held = StagedBatches(self._spool) if owner.options.atomic else None

    @property
    def bytes_read(self) -> int:
        return self._pipe.taken

    @property
    def dialect(self) -> str | None:
        return self._reader.format_name if self._reader else None

    def warnings(self, *, cut: bool) -> list[FileWarning]:
        if self._reader is None:
            return []
        warnings = list(self._reader.warnings)
        if cut and self._reader.closed:
            message = "The upload ended without its closing boundary; the file in it was whole"
            warnings.append(FileWarning(WarningCode.UPLOAD_CUT_SHORT, message))
        return warnings

    def fingerprint(self, notes: str | None) -> bytes | None:
        return self._fingerprint.of(notes, self._owner.options) if self._fingerprint else None

    def describe(self, charset: str | None) -> None:
        self._charset = charset

    async def take(self, chunk: bytes) -> None:
        with contextlib.suppress(ImportStopped):
            await self._pipe.write(chunk)

    def break_off(self, fault: FileRefused | FileTooLarge) -> None:
        self._pipe.close(fault)

    async def run(self) -> None:
        writers = [asyncio.create_task(self._write()) for _ in range(self._settings.writers)]
        # A thread of its own: lxml keeps every name that a thread has read until the thread ends.
        thread = ThreadPoolExecutor(1, thread_name_prefix="parse", initializer=_give_way)
        try:
            # In our context, so that what comes of it is logged and traced as this import's.
            context = contextvars.copy_context()
            await self._loop.run_in_executor(thread, context.run, self._parse)
        except Exception as exc:
            traceback.clear_frames(exc.__traceback__)  # they hold the parser
            self.halt(exc)
        finally:
            thread.shutdown(wait=False)
        for _ in writers:
            await self._queue.put(None)
        await asyncio.gather(*writers)

    def complete(self) -> None:
        self._writing.complete = self._parsing.complete = True
        self._pipe.close()

    async def land_held(self) -> bool:
        if self._held is None:
            return True
        atomic = Atomic(
            self._pool,
            self._writing,
            self._owner,
            self._held,
            retry_timeout=self._settings.retry_timeout,
            progress=self._progress,
        )
        try:
            return await atomic.land()
        except Exception as exc:
            self.halt(exc)
            return False

    def halt(self, fault: BaseException) -> None:
        super().halt(fault)
        self._pipe.fail(ImportStopped("failed", InternalError()))

    def close(self) -> None:
        self._spool.close()

    def _parse(self) -> None:
        settings = self._settings
        limits = limits_from_settings(settings, self._spool)
        try:
            with Stopwatch(Stage.PARSE_TURN) as self._watch, self._parsing.turn() as self._turn:
                self._watch.switch_to(Stage.PARSE)
                source = InflatedSource(
                    ThrottledReader(self._pipe, self._turn, self._watch), limits
                )
                if self._owner.keyed:
                    self._fingerprint = FingerprintReader(source, limits.max_file_bytes)
                self._reader = Reader(self._fingerprint or source, limits, self._charset)
                batch_projects(
                    self._reader,
                    self._hand_on if self._held is None else self._hold,
                    batch_projects=settings.batch_projects,
                    batch_bytes=settings.batch_bytes,
                    spool=self._spool,
                )
                if self._fingerprint is not None:
                    self._fingerprint.read_away()
        finally:
            self._pipe.abandon()

    def _hold(self, batch: Batch, _last: bool) -> None:
        assert self._held is not None
        try:
            self._held.add(batch)
        except TooLarge as exc:
            raise ImportStopped("failed", FileTooLarge(str(exc))) from exc

    def _hand_on(self, batch: Batch, last: bool) -> None:
        with paused(self._turn, self._watch, Stage.HAND_ON, for_good=last):
            asyncio.run_coroutine_threadsafe(self._enqueue(batch), self._loop).result()

    def _settle(self) -> None:
        """Wait until all batches handed on are written; in the reader's thread."""
        with paused(self._turn, self._watch, Stage.HAND_ON):
            asyncio.run_coroutine_threadsafe(self._queue.join(), self._loop).result()

    async def _enqueue(self, batch: Batch) -> None:
        if batch.shared and self.fault is None:
            try:
                await self._writer.store_shared(batch)
            except Exception as exc:
                self.halt(exc)
        metrics.BATCHES_WAITING.inc()
        await self._queue.put(batch)

    async def _write(self) -> None:
        while (batch := await self._queue.get()) is not None:
            metrics.BATCHES_WAITING.dec()
            try:
                if self.fault is None:
                    await self._writer.land(batch.items)
                    self.done += len(batch.items)
            except Exception as exc:
                self.halt(exc)
            finally:
                batch.close()
                self._queue.task_done()

    def _progress(self, done: int) -> None:
        if self.fault is not None:
            raise self.fault
        self.done = done


def _give_way() -> None:
    """Have the kernel prefer the event loop to this thread, where a thread can have its own rank.

    The loop wakes some thirty times for a small import, and waited each time for what parses a
    large one to have had its share of the processor.
    """
    if sys.platform == "linux":
        thread = threading.get_native_id()
        with contextlib.suppress(OSError):  # where a sandbox forbids it
            rank = os.getpriority(os.PRIO_PROCESS, thread)
            os.setpriority(os.PRIO_PROCESS, thread, rank + NICENESS)  # the kernel stops at 19
