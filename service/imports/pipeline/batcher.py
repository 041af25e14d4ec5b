"""Gathers what the parser yields into batches; runs in the parsing thread."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, Final

from service.codes import ErrorCode
from service.errors import FileRefused, FileTooLarge
from service.formats.reader import Limits, Reader
from service.imports.pipeline.batch import Batch, BatchItem
from service.imports.pipeline.fair_scheduler import Slot
from service.imports.pipeline.pipe import Pipe
from service.model import Project, Refusal, SharedObjects, duplicate_project
from service.observability.metrics import Stage, Stopwatch
from service.settings import Settings
from service.spool.disk_set import DiskSet
from service.spool.spool import SpoolShare, TooLarge

FIRST_SLOT_BYTES: Final = 128 * 1024
"""Bytes at the start of a file that are parsed in one slot if they have arrived. A small file would
otherwise wait once more for the imports that parse large files."""


class ThrottledReader:
    """Reads a pipe, and releases the parsing slot before each read that may have to wait.

    A little compressed data can take seconds to parse. So parsing also calls ``give_way`` between
    its steps, and a turn ends once it has used its CPU time.

    Args:
        pipe: the file as it arrives.
        slot: the thread's parsing slot.
        watch: the thread's stopwatch.
    """

    def __init__(self, pipe: Pipe, slot: Slot, watch: Stopwatch) -> None:
        self._pipe = pipe
        self._slot = slot
        self._watch = watch

    def read(self, n: int) -> bytes:
        """Read as ``Pipe.read`` does."""
        if self._pipe.taken < FIRST_SLOT_BYTES and self._pipe.ready:
            self._slot.acquire()  # not held while the rest after the last project is read
            self._watch.switch_to(Stage.RECEIVE)
            data = self._pipe.read(n)
            self._watch.switch_to(Stage.PARSE)
            return data
        with slot_released(self._slot, self._watch, Stage.RECEIVE):
            return self._pipe.read(n)

    def give_way(self) -> None:
        """Let other imports parse first if the turn has used its CPU time."""
        if self._slot.used_up:
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
    reader: Reader,
    hand_on: Callable[[Batch, bool], None],
    give_way: Callable[[], None],
    *,
    batch_projects: int,
    batch_bytes: int,
    spool: SpoolShare,
) -> None:
    """Read a file to its end and pass its projects on in batches.

    Duplicates are found here, in the order of the file and before anything is written. Writers work
    side by side, so the second occurrence of a project could overtake the first.

    Args:
        reader: parses the file.
        hand_on: takes a batch, and whether it is the last one. It blocks while the writers are
            busy, and closes the batch once it is written.
        give_way: called after each item; as ``ThrottledReader.give_way``.
        batch_projects: the maximum number of items in a batch.
        batch_bytes: the approximate size of a batch. A project with rows on disk completes its
            batch at once, so that the writers can free the disk.
        spool: holds the ids seen so far once they are many.

    Raises:
        FileRefused, FileTooLarge: parsing failed before the first complete project. After a
            complete project the fault becomes the last item of the file instead.
        Exception: any other exception of the reader's source or of ``hand_on``.
    """
    batch = Batch()
    index = 0
    with DiskSet(spool) as seen:
        try:
            for item in reader:
                if isinstance(item, SharedObjects):
                    for shared in item.objects:
                        batch.add_shared(shared)
                        if batch.size >= batch_bytes:
                            complete, batch = batch, Batch()
                            hand_on(complete, False)
                        give_way()
                    continue
                batch.add(_refuse_duplicate(item, seen))
                index += 1
                full = len(batch.items) >= batch_projects or batch.size >= batch_bytes
                if full or (isinstance(item, Project) and item.rows.spilled):
                    complete, batch = batch, Batch()
                    hand_on(complete, False)
                give_way()
        except (FileRefused, FileTooLarge, TooLarge) as exc:
            # No further variable has the fault: its traceback, which holds the parser, would then
            # refer to itself by this frame.
            if index:
                batch.add(_refuse_rest(exc, index))
            elif isinstance(exc, TooLarge):
                raise FileTooLarge(str(exc)) from None
            else:
                raise
        except BaseException:
            batch.close()
            raise
    if batch.items:
        hand_on(batch, True)


def _refuse_duplicate(item: BatchItem, seen: DiskSet) -> BatchItem:
    """Return the item, or its refusal if the file has its project before."""
    if item.external_id is None:
        return item
    first_line = seen.add(item.external_id.encode(), item.line or 0)
    if first_line is None:
        return item
    if isinstance(item, Project):
        item.rows.close()
    return duplicate_project(item.index, item.line, item.external_id, item.name, first_line)


def _refuse_rest(fault: FileRefused | FileTooLarge | TooLarge, index: int) -> Refusal:
    """Return the last item of a file that cannot be parsed to its end."""
    if isinstance(fault, TooLarge):
        fault = FileTooLarge(str(fault))
    extra: dict[str, Any] = {}
    if isinstance(fault, FileTooLarge):
        code, message = ErrorCode.FILE_TOO_LARGE, fault.details
    else:
        code, message = ErrorCode.MALFORMED_XML, fault.reason
        extra["column"] = fault.column
    return Refusal(index, fault.line, None, None, code, message, extra)


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
