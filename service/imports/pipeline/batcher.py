"""Gathers the items of an upload into batches; runs in the parsing thread."""

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from service.errors import FileRefused, FileTooLarge
from service.formats.limits import Limits
from service.imports.pipeline.batch import Batch
from service.imports.pipeline.fair_scheduler import Slot
from service.imports.pipeline.pipe import CHUNK_BYTES, FilePart, Pipe
from service.model import Item, Project, SharedObjects
from service.observability.metrics import Stage, Stopwatch
from service.settings import Settings
from service.spool.spool import SpoolShare

BATCH_SECONDS: Final = 2
"""Seconds after which the next item completes a batch, so that a slow upload shows progress."""
FIRST_SLOT_BYTES: Final = 128 * 1024
"""Bytes at the start of an upload that are parsed in one slot if they have arrived. A small file
would otherwise wait once more for the imports that parse large files."""


class ThrottledReader:
    """Reads a pipe, and releases the parsing slot before each read that may have to wait.

    It also releases the slot after ``CHUNK_BYTES``: not at each read, because a small file needs
    several. A little compressed data can take seconds to parse. So parsing also calls ``give_way``
    between its steps, and a turn ends once it has used its CPU time.

    Args:
        pipe: the files as they arrive.
    """

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe
        self._turn_end = FIRST_SLOT_BYTES
        self._slot: Slot
        self._watch: Stopwatch

    def attach(self, slot: Slot, watch: Stopwatch) -> None:
        """Use the parsing slot and the stopwatch of a thread, which reads from now on."""
        self._slot, self._watch = slot, watch

    def next_file(self) -> FilePart | None:
        """Go on to the next file as ``Pipe.next_file`` does."""
        with contextlib.suppress(FileRefused, FileTooLarge):  # of the file that is left
            while self.read(CHUNK_BYTES):
                pass
        return self._pipe.next_file()

    def read(self, n: int, /) -> bytes:
        """Read as ``Pipe.read`` does."""
        if self._pipe.taken < self._turn_end and self._pipe.ready:
            self._slot.acquire()  # not held while the rest after the last project is read
            self._watch.switch_to(Stage.RECEIVE)
            data = self._pipe.read(n)
            self._watch.switch_to(Stage.PARSE)
            return data
        self._turn_end = max(self._turn_end, self._pipe.taken + CHUNK_BYTES)
        with slot_released(self._slot, self._watch, Stage.RECEIVE):
            return self._pipe.read(n)

    def give_way(self) -> None:
        """Let other imports parse first if the turn has used its CPU time.

        Raises:
            PipeAborted: the import was cancelled, perhaps long after its last byte was read.
        """
        if self._slot.used_up:
            self._pipe.check()
            with slot_released(self._slot, self._watch, Stage.PARSE_TURN):
                pass


@contextlib.contextmanager
def slot_released(
    slot: Slot, watch: Stopwatch, stage: Stage, *, reacquire: bool = True
) -> Iterator[None]:
    """Release the parsing slot while the thread waits.

    Args:
        slot: the thread's parsing slot.
        watch: the thread's stopwatch.
        stage: what the thread waits for.
        reacquire: the thread has more to parse afterwards.
    """
    watch.switch_to(stage)
    slot.release()
    yield
    if reacquire:
        watch.switch_to(Stage.PARSE_TURN)
        slot.acquire()
    watch.switch_to(Stage.PARSE)


def batch_projects(
    items: Iterable[Item],
    hand_on: Callable[[Batch, bool], None],
    give_way: Callable[[], None],
    *,
    batch_projects: int,
    batch_bytes: int,
) -> None:
    """Pass the items of an upload on in batches, also while they arrive slowly.

    Args:
        items: of an ``UploadReader``, whose exceptions pass through.
        hand_on: takes a batch, and whether it is the last one. It blocks while the writers are
            busy, and closes the batch once it is written.
        give_way: called after each item; as ``ThrottledReader.give_way``.
        batch_projects: the maximum number of items in a batch.
        batch_bytes: the approximate size of a batch. A project with rows on disk completes its
            batch at once, so that the writers can free the disk.
    """
    batch = Batch()
    begun = time.monotonic()
    try:
        for item in items:
            if not batch.items:
                begun = time.monotonic()
            if isinstance(item, SharedObjects):
                for shared in item.objects:
                    batch.add_shared(shared)
                    if batch.size >= batch_bytes:
                        complete, batch = batch, Batch()
                        hand_on(complete, False)
                    give_way()
                continue
            batch.add(item)
            full = len(batch.items) >= batch_projects or batch.size >= batch_bytes
            if (
                full
                or time.monotonic() - begun >= BATCH_SECONDS
                or (isinstance(item, Project) and item.rows.spilled)
            ):
                complete, batch = batch, Batch()
                hand_on(complete, False)
            give_way()
    except BaseException:
        batch.close()
        raise
    if batch.items:
        hand_on(batch, True)


def limits_from_settings(settings: Settings, spool: SpoolShare) -> Limits:
    """Return the limits of a file."""
    return Limits(
        max_projects=settings.max_projects,
        max_project_bytes=settings.max_project_bytes,
        max_attributes_bytes=settings.max_attributes_bytes,
        max_tag_names=settings.max_tag_names,
        max_file_bytes=settings.max_file_bytes,
        max_inflate_ratio=settings.max_inflate_ratio,
        spill_bytes=settings.spill_bytes,
        shared_bytes=settings.shared_bytes,
        spool=spool,
    )
