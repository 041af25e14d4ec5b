"""The parsing thread's side: items from the reader, gathered into batches and handed on."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, Final

from service.codes import ErrorCode
from service.errors import FileRefused, FileTooLarge
from service.formats.reader import Limits, Reader
from service.imports.pipeline.batch import Batch, BatchItem
from service.imports.pipeline.fair_scheduler import Slot
from service.imports.pipeline.pipe import Pipe
from service.model import Project, Refusal, SharedObject, SharedObjects, duplicate_project
from service.observability.metrics import Stage, Stopwatch
from service.settings import Settings
from service.spool.disk_set import DiskSet
from service.spool.spool import SpoolShare, TooLarge

FIRST_TURN: Final = 128 * 1024
"""Bytes of a file that are read in one turn, if they are there: each further turn of a small file
would be another wait for those who read large ones."""


class ThrottledReader:
    """A pipe whose reader lets others have its turn before each read, which may have to wait.

    Args:
        pipe: what is read.
        turn: the reader's.
        watch: the reader's.
    """

    def __init__(self, pipe: Pipe, turn: Slot, watch: Stopwatch) -> None:
        self._pipe = pipe
        self._turn = turn
        self._watch = watch

    def read(self, n: int) -> bytes:
        """As the pipe's."""
        if self._pipe.taken < FIRST_TURN and self._pipe.ready:
            self._turn.take()  # held, unless what the parser left is read away at the end
            self._watch.switch_to(Stage.RECEIVE)
            data = self._pipe.read(n)
            self._watch.switch_to(Stage.PARSE)
            return data
        with paused(self._turn, self._watch, Stage.RECEIVE):
            return self._pipe.read(n)


@contextlib.contextmanager
def paused(turn: Slot, watch: Stopwatch, stage: Stage, *, for_good: bool = False) -> Iterator[None]:
    """Let others parse while a reader waits, and have its watch say for what.

    Args:
        turn: the reader's.
        watch: the reader's.
        stage: what it waits for.
        for_good: it has nothing more to parse.
    """
    watch.switch_to(stage)
    turn.give_back()
    yield
    if not for_good:
        watch.switch_to(Stage.PARSE_TURN)
        turn.take()
    watch.switch_to(Stage.PARSE)


def batch_projects(
    reader: Reader,
    hand_on: Callable[[Batch, bool], None],
    *,
    batch_projects: int,
    batch_bytes: int,
    spool: SpoolShare,
) -> None:
    """Read a file to its end.

    Duplicates are found here, in the file's order, before anything is written: left to the writers,
    the later one could win.

    Args:
        reader: the file.
        hand_on: takes a batch, and whether it is the last, and blocks while the writers have enough
            to do; from then on the batch is theirs to close.
        batch_projects: entries in a batch, at most.
        batch_bytes: rows in a batch, about; a project that holds disk completes its batch, so that
            all that projects hold on disk is the writers' to give back.
        spool: where the ids seen go once they are many.

    Raises:
        FileRefused, FileTooLarge: the file gave out before one project was complete; afterwards,
            they become the last entry instead.
        Exception: what the reader's source or ``hand_on`` raised.
    """
    batch = Batch()
    entries = 0
    with DiskSet(spool) as seen:
        try:
            for item in _one_by_one(reader):
                if isinstance(item, SharedObject):
                    batch.take(item)
                else:
                    batch.add(_first_or_duplicate(item, seen))
                    entries += 1
                full = len(batch.items) >= batch_projects or batch.size >= batch_bytes
                if full or (isinstance(item, Project) and item.rows.spilled):
                    complete, batch = batch, Batch()
                    hand_on(complete, False)
        except (FileRefused, FileTooLarge, TooLarge) as caught:
            fault = FileTooLarge(str(caught)) if isinstance(caught, TooLarge) else caught
            if not entries:
                raise fault from None
            batch.add(_rest_of_the_file(fault, entries))
        except BaseException:
            batch.close()
            raise
    if batch.items:
        hand_on(batch, True)


def _one_by_one(reader: Reader) -> Iterator[BatchItem | SharedObject]:
    for item in reader:
        if isinstance(item, SharedObjects):
            yield from item.objects
        else:
            yield item


def _first_or_duplicate(entry: BatchItem, seen: DiskSet) -> BatchItem:
    if entry.external_id is None:
        return entry
    first = seen.add(entry.external_id.encode(), entry.line or 0)
    if first is None:
        return entry
    if isinstance(entry, Project):
        entry.rows.close()
    return duplicate_project(entry.index, entry.line, entry.external_id, entry.name, first)


def _rest_of_the_file(fault: FileRefused | FileTooLarge, index: int) -> Refusal:
    """The last entry of a file that gave out after a complete project."""
    extra: dict[str, Any] = {}
    if isinstance(fault, FileTooLarge):
        code, message = ErrorCode.FILE_TOO_LARGE, fault.details
    else:
        code, message = ErrorCode.MALFORMED_XML, fault.reason
        extra["column"] = fault.column
    return Refusal(index, fault.line, None, None, code, message, extra)


def limits_from_settings(settings: Settings, spool: SpoolShare) -> Limits:
    """The bounds of a file, by the settings."""
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
