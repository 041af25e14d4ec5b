"""The stages of an import that takes files: one parsing thread, a queue of batches, N writers."""

import asyncio
import contextlib
import contextvars
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from service.codes import WarningCode
from service.errors import FileTooLarge
from service.formats.registry import formats_in
from service.imports.ending import ImportStopped
from service.imports.fingerprint import UploadDigest, upload_fingerprint
from service.imports.lease import Lease
from service.imports.pipeline.atomic import AtomicWriter
from service.imports.pipeline.batch import Batch
from service.imports.pipeline.batcher import (
    ThrottledReader,
    batch_projects,
    limits_from_settings,
    slot_released,
)
from service.imports.pipeline.fair_scheduler import Queue
from service.imports.pipeline.memory import return_freed_memory
from service.imports.pipeline.pipe import Pipe
from service.imports.pipeline.staged_batches import StagedBatches
from service.imports.pipeline.upload_files import iterate_files
from service.imports.pipeline.upload_reader import UploadReader
from service.imports.pipeline.writer import Writer
from service.model import FileCounts, FileWarning
from service.observability import metrics
from service.observability.metrics import Stage, Stopwatch
from service.settings import Settings
from service.spool.spool import Spool, TooLarge
from service.storage import Pool

NICENESS: Final = 8
"""Added to the nice value of a parsing thread: the kernel prefers the rest of the service."""

LARGE_CPU_SECONDS: Final = 0.05
"""CPU time of a parsing thread from which on the import may leave much memory in the heaps."""


class UploadPipeline:
    """Parses files and writes their projects, from the first byte to the last outcome.

    Args:
        lease: the import.
        pipe: the files as they arrive.
        pool: the connections.
        writing: the import's queue for the slots of all writers.
        parsing: the import's queue for the slots of all parsing threads.
        spool: the working files of the process, of which the import gets a share.
        settings: limits, times and sizes.
        report_fault: called with a fault at once; the other stages may take a while to end.

    Attributes:
        projects_done: outcomes written so far.
    """

    def __init__(
        self,
        lease: Lease,
        pipe: Pipe,
        *,
        pool: Pool,
        writing: Queue,
        parsing: Queue,
        spool: Spool,
        settings: Settings,
        report_fault: Callable[[Exception], None],
    ) -> None:
        self.projects_done = 0
        self._lease = lease
        self._pipe = pipe
        self._pool = pool
        self._writing = writing
        self._parsing = parsing
        self._settings = settings
        self._report_fault = report_fault
        self._writer = Writer(
            pool,
            writing,
            lease,
            lock_timeout=settings.lock_timeout,
            retry_timeout=settings.retry_timeout,
        )
        self._digest = UploadDigest(settings.max_file_bytes) if lease.keyed else None
        self._large = False
        self._loop = asyncio.get_running_loop()
        self._tasks = asyncio.TaskGroup()
        self._upload_complete = asyncio.Event()
        self._batches: asyncio.Queue[Batch | None] = asyncio.Queue(settings.writers)
        self._spool = spool.share(settings.import_spool_bytes, self._wait_for_writers)
        self._staged = StagedBatches(self._spool) if lease.options.atomic else None
        self._source = ThrottledReader(pipe)
        self._reader = self._open_reader()
        self._parsed = False

    @property
    def format(self) -> str | None:
        """The format of the files, once it is known."""
        return self._reader.format

    @property
    def files(self) -> FileCounts:
        """The number of files so far."""
        return self._reader.counts

    def fingerprint(self, notes: str | None) -> bytes | None:
        """The fingerprint of the upload; None without an idempotency key."""
        if self._digest is None:
            return None
        return upload_fingerprint(self._digest.digest(), notes, self._lease.options)

    def warnings(self, *, cut: bool) -> list[FileWarning]:
        """The warnings about the files; ``cut`` is true if the upload had no closing boundary."""
        warnings = list(self._reader.warnings)
        if cut and self._reader.closed:
            message = "The upload ended without its closing boundary; the last file was complete"
            warnings.append(FileWarning(WarningCode.UPLOAD_CUT_SHORT, message))
        return warnings

    def complete_upload(self) -> None:
        """Note that the upload is complete: an atomic import may commit."""
        self._writing.upload_complete = self._parsing.upload_complete = True
        self._upload_complete.set()

    async def run(self) -> bool:
        """Run all stages to the end of the upload. The first fault cancels the other stages.

        A transaction that is running when this is cancelled still completes. Afterwards no task and
        no thread is left.

        Returns:
            Whether the projects are committed; False if an atomic import was rolled back.

        Raises:
            ExceptionGroup: the first exception in it is the fault of the import.
            Exception: an atomic import could not be written.
        """
        try:
            return await self._run_stages()
        finally:
            if self._large:
                threading.Thread(target=return_freed_memory, name="trim").start()

    async def _run_stages(self) -> bool:
        try:
            async with self._tasks as tasks:
                for _ in range(self._settings.writers):
                    tasks.create_task(self._write_batches())
                tasks.create_task(self._read_files())
        finally:
            self._discard_waiting()
        if self._staged is None:
            return True
        await self._upload_complete.wait()
        atomic = AtomicWriter(
            self._pool,
            self._writing,
            self._lease,
            self._staged,
            retry_timeout=self._settings.retry_timeout,
            report_progress=self._set_projects_done,
        )
        return await atomic.write()

    def close(self) -> None:
        """Delete the import's working files."""
        self._reader.close()
        self._spool.close()

    def _open_reader(self) -> UploadReader:
        settings, source = self._settings, self._source
        limits = limits_from_settings(settings, self._spool)
        files = iterate_files(source, limits, settings.max_files, source.give_way)
        formats = formats_in(settings.formats_dir)
        return UploadReader(files, limits, self._digest, source.give_way, formats)

    async def _read_files(self) -> None:
        while not self._parsed:
            await self._read_in_thread()
        for _ in range(self._settings.writers):
            await self._batches.put(None)

    async def _read_in_thread(self) -> None:
        """Parse in a thread that serves only this import: see ``upload_reader``."""
        thread = ThreadPoolExecutor(1, thread_name_prefix="parse", initializer=_lower_priority)
        # With this task's context, so that log records and traces name the import.
        context = contextvars.copy_context()
        parsing = self._loop.run_in_executor(thread, context.run, self._parse)
        try:
            await asyncio.wait([parsing])
        except asyncio.CancelledError:
            self._pipe.abort()
            await asyncio.wait([parsing])
            raise
        finally:
            fault = None if parsing.cancelled() else parsing.exception()
            while fault is not None:
                traceback.clear_frames(fault.__traceback__)  # they hold the parser
                fault = fault.__context__
            thread.shutdown(wait=False)
        with self._fault_reported():
            parsing.result()

    def _parse(self) -> None:
        """Read files until all are read, or another thread shall continue."""
        settings = self._settings
        try:
            with (
                Stopwatch(Stage.PARSE_TURN) as self._watch,
                self._parsing.slot_in_thread() as self._slot,
            ):
                self._watch.switch_to(Stage.PARSE)
                self._source.attach(self._slot, self._watch)
                batch_projects(
                    self._reader,
                    self._hand_on if self._staged is None else self._stage,
                    self._source.give_way,
                    batch_projects=settings.batch_projects,
                    batch_bytes=settings.batch_bytes,
                )
        except BaseException:
            self._parsed = True
            raise
        else:
            self._parsed = self._reader.complete
        finally:
            self._large = self._large or time.thread_time() > LARGE_CPU_SECONDS
            if self._parsed:
                self._pipe.abandon()

    def _stage(self, batch: Batch, last: bool) -> None:
        assert self._staged is not None
        with slot_released(self._slot, self._watch, Stage.HAND_ON, reacquire=not last):
            try:
                self._staged.add(batch)
            except TooLarge as exc:
                raise ImportStopped("failed", FileTooLarge(str(exc))) from exc

    def _hand_on(self, batch: Batch, last: bool) -> None:
        self._run_on_loop(self._enqueue(batch), reacquire=not last)

    def _wait_for_writers(self) -> None:
        """Wait until every batch in the queue is written, which frees its disk."""
        self._run_on_loop(self._batches.join())

    def _run_on_loop(self, work: Coroutine[Any, Any, None], *, reacquire: bool = True) -> None:
        """Run a coroutine as one of the pipeline's tasks; called in the parsing thread."""
        with slot_released(self._slot, self._watch, Stage.HAND_ON, reacquire=reacquire):
            asyncio.run_coroutine_threadsafe(self._run_in_group(work), self._loop).result()

    async def _run_in_group(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            task = self._tasks.create_task(work)
        except RuntimeError:  # the group is ending
            work.close()
            raise
        await task

    async def _enqueue(self, batch: Batch) -> None:
        if batch.shared:
            with self._fault_reported():
                await self._writer.store_shared(batch)
        metrics.BATCHES_WAITING.inc()
        try:
            await self._batches.put(batch)
        except asyncio.CancelledError:
            metrics.BATCHES_WAITING.dec()
            raise

    async def _write_batches(self) -> None:
        while (batch := await self._batches.get()) is not None:
            metrics.BATCHES_WAITING.dec()
            try:
                with self._fault_reported():
                    await self._writer.write_batch(batch.items)
                self.projects_done += len(batch.items)
            finally:
                batch.close()
                self._batches.task_done()

    @contextlib.contextmanager
    def _fault_reported(self) -> Iterator[None]:
        try:
            yield
        except Exception as exc:
            self._report_fault(exc)
            raise

    def _discard_waiting(self) -> None:
        """Close the batches that no writer took."""
        while not self._batches.empty():
            if (batch := self._batches.get_nowait()) is not None:
                metrics.BATCHES_WAITING.dec()
                batch.close()

    def _set_projects_done(self, number: int) -> None:
        self.projects_done = number


def _lower_priority() -> None:
    """Have the kernel prefer the event loop to this thread, where threads have their own priority.

    The event loop wakes about thirty times for a small import. Without this it would wait each time
    until a thread that parses a large file has used its share of the processor.
    """
    if sys.platform == "linux":
        thread = threading.get_native_id()
        with contextlib.suppress(OSError):  # a sandbox may forbid it
            priority = os.getpriority(os.PRIO_PROCESS, thread)
            os.setpriority(os.PRIO_PROCESS, thread, priority + NICENESS)  # the kernel stops at 19
