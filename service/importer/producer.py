"""The parsing thread's side: items from the reader, gathered into batches and handed on."""

from collections.abc import Callable
from typing import Any

from service.errors import FileRefused, FileTooLarge
from service.hashset import HashSet
from service.importer.batches import Batch, Entry
from service.model import ErrorCode, Project, Refusal, SharedObjects
from service.xml.reader import Reader


def produce(
    reader: Reader,
    hand_on: Callable[[Batch], None],
    *,
    batch_projects: int,
    batch_bytes: int,
    spool_dir: str | None,
) -> None:
    """Read a file to its end.

    Duplicates are found here, in the file's order, before anything is written: left to the writers,
    the later one could win.

    Args:
        reader: the file.
        hand_on: takes a batch, and blocks while the writers have enough to do; from then on the
            batch is theirs to close.
        batch_projects: entries in a batch, at most.
        batch_bytes: rows in a batch, about.
        spool_dir: where the ids seen go once they are many.

    Raises:
        FileRefused, FileTooLarge: the file gave out before one project was complete; afterwards,
            they become the last entry instead.
        Exception: what the reader's source or ``hand_on`` raised.
    """
    batch = Batch()
    with HashSet(directory=spool_dir) as seen:
        try:
            for item in reader:
                if isinstance(item, SharedObjects):
                    batch.take(item.objects)
                else:
                    batch.add(_first_or_duplicate(item, seen))
                if len(batch.items) >= batch_projects or batch.size >= batch_bytes:
                    full, batch = batch, Batch()
                    hand_on(full)
        except (FileRefused, FileTooLarge) as fault:
            if not reader.complete:
                raise
            batch.add(_rest_of_the_file(fault, reader))
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


def _rest_of_the_file(fault: FileRefused | FileTooLarge, reader: Reader) -> Refusal:
    """The last entry of a file that gave out after a complete project."""
    extra: dict[str, Any] = {}
    if isinstance(fault, FileTooLarge):
        code, message = ErrorCode.FILE_TOO_LARGE, fault.details
    else:
        code, message = ErrorCode.MALFORMED_XML, fault.reason
        extra["column"] = fault.column
    return Refusal(reader.complete, fault.line, None, None, code, message, extra)
