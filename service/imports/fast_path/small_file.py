"""Parses a small file at once, on the event loop's thread."""

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Final

from service.errors import FileRefused, FileTooLarge
from service.formats.engine.select import ENGINE
from service.formats.reader import Reader
from service.formats.usual_root import match_root
from service.imports.fingerprint import FingerprintReader
from service.imports.pipeline.batch import Batch
from service.imports.pipeline.batcher import batch_projects, limits_from_settings
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
        format: its format.
        bytes_read: bytes as its part has them.
        warnings: about the file.
        digest: of its XML, if asked for.
    """

    batch: Batch
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
    chunks: Collection[bytes],
    charset: str | None,
    *,
    digest: bool,
    spool: Spool,
    settings: Settings,
) -> SmallFile:
    """Parse a file to its end.

    Args:
        chunks: the file as its part has it.
        charset: the charset that the part names.
        digest: compute the digest of the XML, for the fingerprint.

    Raises:
        NotSmall: see there; nothing of the file is kept.
    """
    # lxml keeps the names that it reads until its thread ends, and this thread does not end. The
    # compiled engine keeps them no longer than the file, and a usual root needs no parser.
    if ENGINE.name != "compiled" or match_root(next(iter(chunks))) is None:
        raise NotSmall
    share = spool.share(settings.import_spool_bytes)
    limits = limits_from_settings(settings, share)
    started = time.thread_time()
    give_way = _limit_time(started + MAX_CPU)
    batches: list[Batch] = []
    try:
        with Stopwatch(Stage.PARSE):
            source = _Chunks(chunks)
            hashed = FingerprintReader(source, limits.max_file_bytes) if digest else None
            reader = Reader(hashed or source, limits, charset, give_way=give_way)
            batch_projects(
                reader,
                lambda batch, _last: batches.append(batch),
                give_way,
                batch_projects=settings.batch_projects,
                batch_bytes=settings.batch_bytes,
                spool=share,
            )
            if hashed is not None:
                hashed.read_rest()
        if len(batches) != 1 or not reader.closed or len(batches[0].items) > MAX_LOCKS:
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
        reader.format_name,
        sum(map(len, chunks)),
        reader.warnings,
        None if hashed is None else hashed.file_digest(),
    )


def _limit_time(end: float) -> Callable[[], None]:
    """Return a ``give_way`` that gives up at a time of the thread's CPU clock."""

    def give_way() -> None:
        if time.thread_time() > end:
            raise NotSmall

    return give_way
