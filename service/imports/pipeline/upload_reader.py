"""Reads the files of an upload, one after another, into items; runs in the parsing thread.

    iterate_files ─▶ Reader, one for each file ─▶ items of the upload

Every item gets its position in the upload and the name of its file. The end of a file that cannot
be read to its end is an item too, and the next file is read.

lxml can keep the names that a thread has read until the thread ends. A file has a bound for its
names, but an upload can have thousands of files. So the reader pauses between two files, for
another thread to continue.
"""

from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import replace
from typing import Any, Final

from service.codes import ErrorCode, WarningCode
from service.errors import FileRefused, FileTooLarge
from service.formats.encoding import ByteSource
from service.formats.format import Format
from service.formats.limits import MIB, Limits
from service.formats.parser_set import ParserCache
from service.formats.reader import Reader
from service.formats.registry import FORMATS, MIXED
from service.imports.fingerprint import UploadDigest
from service.imports.pipeline.upload_files import UploadedFile
from service.model import (
    FileCounts,
    FileWarning,
    Item,
    Place,
    Project,
    Refusal,
    SharedObjects,
    duplicate_project,
)
from service.spool.disk_set import DiskSet
from service.spool.spool import TooLarge

MAX_WARNINGS: Final = 100
"""Warnings about files that an import lists; one more has the number of the others."""

_LINE_BITS: Final = 40
"""Bits of a line in a place; the others are the position of its file."""

THREAD_BYTES: Final = 8 * MIB
"""Bytes that one thread parses, and the file that exceeds them."""

Fault = FileRefused | FileTooLarge | TooLarge


class _CountedSource:
    """A source that counts the bytes that are read through it."""

    def __init__(self, source: ByteSource) -> None:
        self.count = 0
        self._source = source

    def read(self, n: int, /) -> bytes:
        data = self._source.read(n)
        self.count += len(data)
        return data


class UploadReader:
    """One pass over the files of an upload, in worker threads.

    Iterate until it pauses, then again in a new thread, until ``complete``.

    Duplicates are found here, in the order of the files and before anything is written. Writers
    work side by side, so the second occurrence of a project could overtake the first.

    Args:
        files: the files, each of which is read before the next one is taken.
        limits: bounds of each file; its spool keeps the ids seen so far once they are many.
        digest: takes the bytes of all files, for the fingerprint; None without a key.
        give_way: called between steps; as ``FileContext.give_way``.
        formats: of the files.
        parsers: of the thread, if only one reads the files; by default, each thread has its own.

    Attributes:
        counts: the number of files so far.
        format: the format of the files, once it is known.
        closed: whether the root element of the last file has ended.
        complete: whether all files were read.

    Raises:
        FileRefused, FileTooLarge: while iterating: the only file of the upload has a fault before
            its first complete project.
        OSError: the disk of the spool fails or is full.
    """

    def __init__(
        self,
        files: Iterable[UploadedFile],
        limits: Limits,
        digest: UploadDigest | None = None,
        give_way: Callable[[], None] = lambda: None,
        formats: tuple[Format, ...] = FORMATS,
        parsers: ParserCache | None = None,
    ) -> None:
        self.counts = FileCounts()
        self.format: str | None = None
        self.closed = False
        self.complete = False
        self._files = iter(files)
        self._limits = limits
        self._digest = digest
        self._give_way = give_way
        self._formats = formats
        self._index = 0
        self._names: list[str | None] = []
        self._warnings: list[FileWarning] = []
        self._more_warnings = 0
        self._seen = DiskSet(limits.spool)
        self._given_parsers = parsers
        self._parsers = ParserCache()  # of one thread
        self._only: tuple[Fault, str | None] | None = None

    @property
    def warnings(self) -> list[FileWarning]:
        """The warnings about the files so far."""
        if not self._more_warnings:
            return self._warnings
        message = "The upload has more warnings about its files"
        more = FileWarning(WarningCode.MORE_WARNINGS, message, self._more_warnings)
        return [*self._warnings, more]

    def __iter__(self) -> Iterator[Item]:
        read = 0
        self._parsers = self._given_parsers or ParserCache()
        for file in self._files:
            if self._only is not None:
                yield self._refuse_file(*self._only)
                self._only = None
            self._names.append(file.name)
            counted = _CountedSource(file.source)
            # The traceback of a fault holds the parser, so the fault does not keep it.
            fault = yield from self._read(file, counted)
            if fault is not None and self._index == 0 and len(self._names) == 1:
                self._only = fault, file.name
            elif fault is not None:
                yield self._refuse_file(fault, file.name)
            read += counted.count
            if read > THREAD_BYTES:
                return
        self.complete = True
        if self._only is not None:
            self.counts.failed += 1
            fault, _ = self._only
            raise FileTooLarge(str(fault)) if isinstance(fault, TooLarge) else fault

    def close(self) -> None:
        """Free memory and disk."""
        self._seen.close()

    def _read(self, file: UploadedFile, source: ByteSource) -> Generator[Item, None, Fault | None]:
        """Yield the items of a file; return its fault, or None."""
        if self._digest is not None:
            source = self._digest.hash_file(source)
        reader = Reader(
            source,
            self._limits,
            file.charset,
            self._formats,
            parsers=self._parsers,
            give_way=self._give_way,
        )
        base = self._index
        fault: Fault | None = None
        try:
            for item in reader:
                if not isinstance(item, SharedObjects):
                    item.index += base
                    item.file = file.name
                    item = self._refuse_duplicate(item)
                    self._index += 1
                yield item
        except (FileRefused, FileTooLarge, TooLarge) as exc:
            fault = exc.with_traceback(None)
            fault.__context__ = None
        else:
            self.counts.read += 1
        self._add_format(reader.format_name)
        self.closed = reader.closed
        self._add_warnings(reader.warnings, file.name)
        if self._digest is not None:
            self._digest.read_rest()
        return fault

    def _refuse_duplicate(self, item: Project | Refusal) -> Project | Refusal:
        """Return the item, or its refusal if the upload has its project before."""
        if item.external_id is None:
            return item
        here = len(self._names) - 1
        place = here << _LINE_BITS | (item.line or 0)
        first = self._seen.add(item.external_id.encode(), place)
        if first is None:
            return item
        if isinstance(item, Project):
            item.rows.close()
        file, line = self._names[first >> _LINE_BITS], first & ((1 << _LINE_BITS) - 1)
        return duplicate_project(
            item.index, item.line, item.external_id, item.name, Place(file, line), item.file
        )

    def _refuse_file(self, fault: Fault, name: str | None) -> Refusal:
        """Return the item for a file that cannot be read to its end, or has no project."""
        if isinstance(fault, TooLarge):
            fault = FileTooLarge(str(fault))
        extra: dict[str, Any] = {}
        if isinstance(fault, FileTooLarge):
            code = ErrorCode.FILE_TOO_LARGE
        else:
            code = fault.code
            if fault.column is not None:
                extra["column"] = fault.column
        self.counts.failed += 1
        index = self._index
        self._index += 1
        return Refusal(index, fault.line, None, None, code, fault.reason, extra, name)

    def _add_format(self, name: str | None) -> None:
        if name is not None and name != self.format:
            self.format = name if self.format is None else MIXED

    def _add_warnings(self, warnings: Iterable[FileWarning], name: str | None) -> None:
        for warning in warnings:
            if len(self._warnings) < MAX_WARNINGS:
                self._warnings.append(replace(warning, file=name))
            else:
                self._more_warnings += 1
