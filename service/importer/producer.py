"""The parsing thread's side: items from the reader, gathered into batches and handed on."""

from collections.abc import Callable
from typing import Any

from service.errors import FileRefused, FileTooLarge
from service.hashset import HashSet
from service.importer.batches import Batch, Entry
from service.model import ErrorCode, Project, Refusal, SharedObjects
from service.spool import Share, TooLarge
from service.xml.reader import Reader


def produce(
    reader: Reader,
    hand_on: Callable[[Batch], None],
    *,
    batch_projects: int,
    batch_bytes: int,
    spool: Share,
) -> None:
    """Read a file to its end.

    Duplicates are found here, in the file's order, before anything is written: left to the writers,
    the later one could win.

    Args:
        reader: the file.
        hand_on: takes a batch, and blocks while the writers have enough to do; from then on the
            batch is theirs to close.
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
    with HashSet(spool) as seen:
        try:
            for item in reader:
                if isinstance(item, SharedObjects):
                    batch.take(item.objects)
                else:
                    batch.add(_first_or_duplicate(item, seen))
                    entries += 1
                full = len(batch.items) >= batch_projects or batch.size >= batch_bytes
                if full or (isinstance(item, Project) and item.rows.spilled):
                    complete, batch = batch, Batch()
                    hand_on(complete)
        except (FileRefused, FileTooLarge, TooLarge) as caught:
            fault = FileTooLarge(str(caught)) if isinstance(caught, TooLarge) else caught
            if not entries:
                raise fault from None
            batch.add(_rest_of_the_file(fault, entries))
        except BaseException:
            batch.close()
            raise
    if batch.items:
        hand_on(batch)


def _first_or_duplicate(entry: Entry, seen: HashSet) -> Entry:
    if entry.external_id is None:
        return entry
    first = seen.add(entry.external_id.encode(), entry.line or 0)
    if first is None:
        return entry
    if isinstance(entry, Project):
        entry.rows.close()
    return Refusal(
        entry.index,
        entry.line,
        entry.external_id,
        entry.name,
        ErrorCode.DUPLICATE_PROJECT,
        f"The file has this project before, at line {first}",
        {"first_line": first},
    )


def _rest_of_the_file(fault: FileRefused | FileTooLarge, index: int) -> Refusal:
    """The last entry of a file that gave out after a complete project."""
    extra: dict[str, Any] = {}
    if isinstance(fault, FileTooLarge):
        code, message = ErrorCode.FILE_TOO_LARGE, fault.details
    else:
        code, message = ErrorCode.MALFORMED_XML, fault.reason
        extra["column"] = fault.column
    return Refusal(index, fault.line, None, None, code, message, extra)
