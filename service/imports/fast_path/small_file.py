"""Parses a small file at once, on the event loop's thread."""

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Final

from service.errors import FileRefused, FileTooLarge
from service.formats.engine.select import ENGINE
from service.formats.parser_set import ParserCache
from service.formats.registry import formats_in
from service.formats.usual_root import match_root
from service.formats.xer.encoding import is_xer
from service.imports.fingerprint import UploadDigest
from service.imports.pipeline.batch import Batch
from service.imports.pipeline.batcher import batch_projects, limits_from_settings
from service.imports.pipeline.pipe import FilePart
from service.imports.pipeline.upload_files import UploadedFile
from service.imports.pipeline.upload_reader import UploadReader
from service.model import FileWarning
from service.observability import metrics
from service.observability.metrics import Stage, Stopwatch
from service.settings import Settings
from service.spool.spool import Spool

MAX_CPU: Final = 0.01
"""CPU seconds after which a file counts as not small: nobody is served meanwhile."""

MAX_LOCKS: Final = 500
"""Projects of a group, and so of a file: one message takes all their locks."""


class NotSmall(Exception):
    """The file needs the long way.

    It is compressed, faulty or unusual, takes too long, or does not fit in a batch.
    """


@dataclass(frozen=True, slots=True)
class SmallFile:
    """A file that was parsed to its end.

    Attributes:
        batch: its items.
        name: its name, or None.
        format: its format.
        bytes_read: bytes as its part has them.
        warnings: about the file.
        digest: of its XML, if asked for.
    """

    batch: Batch
    name: str | None
    format: str | None
    bytes_read: int
    warnings: list[FileWarning]
    digest: bytes | None


class _Chunks:
    """The bytes of a file as a source."""

    def __init__(self, chunks: Collection[bytes]) -> None:
        self._chunks = iter(chunks)

    def read(self, _size: int, /) -> bytes:
        return next(self._chunks, b"")


def parse_small_file(
    part: FilePart,
    chunks: Collection[bytes],
    *,
    digest: bool,
    parsers: ParserCache,
    spool: Spool,
    settings: Settings,
) -> SmallFile:
    """Parse a file to its end.

    Args:
        part: what the upload states about the file.
        chunks: the file as its part has it.
        parsers: of this thread, which each file of a known format uses again.
        digest: compute the digest of the XML, for the fingerprint.

    Raises:
        NotSmall: see there; nothing of the file is kept.
    """
    # lxml keeps the names that it reads until its thread ends, and this thread does not end. The
    # compiled engine keeps a bounded number of them, and to find the format of a file with a usual
    # root, or of an XER file, needs no parser.
    begin = next(iter(chunks), b"")
    if ENGINE.name != "compiled" or (match_root(begin) is None and not is_xer(begin)):
        raise NotSmall
    share = spool.share(settings.import_spool_bytes)
    limits = limits_from_settings(settings, share)
    started = time.thread_time()
    give_way = _limit_time(started + MAX_CPU)
    batches: list[Batch] = []
    try:
        with Stopwatch(Stage.PARSE):
            hashed = UploadDigest(limits.max_file_bytes) if digest else None
            file = UploadedFile(part.name, part.charset, _Chunks(chunks))
            formats = formats_in(settings.formats_dir)
            reader = UploadReader([file], limits, hashed, give_way, formats, parsers)
            batch_projects(
                reader,
                lambda batch, _last: batches.append(batch),
                give_way,
                batch_projects=settings.batch_projects,
                batch_bytes=settings.batch_bytes,
            )
        if len(batches) != 1 or reader.counts.failed or len(batches[0].items) > MAX_LOCKS:
            raise NotSmall
    except BaseException as exc:
        for batch in batches:
            batch.close()
        share.close()
        if isinstance(exc, FileRefused | FileTooLarge | OSError):
            raise NotSmall from None
        raise
    finally:
        metrics.PARSE_TURN_CPU_SECONDS.observe(time.thread_time() - started)
    return SmallFile(
        batches[0],
        part.name,
        reader.format,
        sum(map(len, chunks)),
        reader.warnings,
        None if hashed is None else hashed.digest(),
    )


def _limit_time(end: float) -> Callable[[], None]:
    """Return a ``give_way`` that gives up at a time of the thread's CPU clock."""

    def give_way() -> None:
        if time.thread_time() > end:
            raise NotSmall

    return give_way
