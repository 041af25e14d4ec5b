"""Reads one file, project by project and record by record: bytes in, items out."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from functools import partial
from typing import Final

from lxml import etree

from service.codes import ErrorCode, WarningCode
from service.errors import FileRefused, FileTooLarge
from service.formats.cursor import Cursor
from service.formats.encoding import ByteSource, Prolog, read_prolog, require_xml
from service.formats.engine import select
from service.formats.engine.interface import ElementWriter, Events
from service.formats.engine.parser_errors import file_refused
from service.formats.file_context import FileContext
from service.formats.file_kinds import HTML_PAGE, is_html_root
from service.formats.format import Format
from service.formats.json_attributes import STEP
from service.formats.limits import MIB, Limits
from service.formats.parser_set import ParserCache, ParserSet
from service.formats.registry import FORMATS, find_format
from service.model import FileWarning, Item
from service.spool.spool import TooLarge

__all__ = ["Limits", "Reader"]

_CHUNK: Final = 64 * 1024
_STRAYS: Final = "Unknown elements and texts outside the projects are not imported"
_CHECK_INTERVAL: Final = MIB // 4
"""Bytes read between two checks of the tree's size."""
_STEPS_BETWEEN_CHECKS: Final = 16
"""Steps of a file that is not XML between two such checks."""
COLLECT_INTERVAL = 16 * 1024
"""Bytes read before complete records are taken. A file that arrives byte by byte costs no more."""


class Reader:
    """One pass over a file. Iterate over it once, in a worker thread.

    Args:
        source: the file's XML from its first byte (see ``inflate_files``); exceptions of its
            ``read`` pass through.
        limits: bounds of the file.
        charset: of the part's Content-Type; overrides the XML declaration.
        formats: tried in order.
        parsers: of earlier files that the same thread has read.
        give_way: called between steps; as ``FileContext.give_way``.

    Attributes:
        format_name: name of the file's format; None until it is detected.
        warnings: about the file as a whole; complete after the iteration.
        closed: whether the root element has ended.
        complete: number of projects that have ended, whether accepted or refused.

    Raises:
        FileRefused: while iterating, after every complete project: the file is not XML, its format
            is not supported, or it has a DOCTYPE, a syntax error or no project.
        FileTooLarge: likewise: the file exceeds a limit.
        TooLarge: data outside the projects exceeds the import's share of the spool.
        OSError: the disk of the spool fails or is full.
    """

    def __init__(
        self,
        source: ByteSource,
        limits: Limits,
        charset: str | None = None,
        formats: tuple[Format, ...] = FORMATS,
        *,
        parsers: ParserCache | None = None,
        give_way: Callable[[], None] = lambda: None,
    ) -> None:
        self.format_name: str | None = None
        self.warnings: list[FileWarning] = []
        self.closed = False
        self.complete = 0
        self._source = source
        self._limits = limits
        self._charset = charset
        self._formats = formats
        self._parsers = ParserCache() if parsers is None else parsers
        self._give_way = give_way

    def __iter__(self) -> Iterator[Item]:
        prolog = read_prolog(self._source, self._charset, self._parsers.prologs)
        file = self._open_file(prolog)
        self.format_name = file.format.name
        self.warnings = file.warnings
        root = f"{{{prolog.namespace}}}{prolog.name}" if prolog.namespace else prolog.name
        cursor = Cursor(file, root.strip())
        try:
            for items in self._items_by_project(prolog, cursor):
                self.complete = cursor.complete
                yield from items
        except TooLarge:
            yield from file.release()
            raise
        except (FileRefused, FileTooLarge) as fault:
            if isinstance(fault, FileTooLarge) and fault.line is None:
                fault.line = cursor.line
            yield from file.release()
            if cursor.builder is not None and cursor.builder.is_project:
                fault.external_id, fault.name = cursor.builder.identity()
            elif isinstance(fault, FileTooLarge):
                cursor.rewind()
            else:
                cursor.collect()  # so that the warnings do not depend on where the file breaks off
            raise
        finally:
            with closing(cursor):
                file.finish()
            self.closed = cursor.closed
            if cursor.strays:
                code = WarningCode.LOOSE_RECORDS_SKIPPED
                self.warnings.append(FileWarning(code, _STRAYS, cursor.strays))
        self._parsers.give_back(file.parsers)
        if not self.complete:
            reason = file.reason_without_projects(prolog.name)
            if is_html_root(prolog.namespace, prolog.name):
                reason = HTML_PAGE
            raise FileRefused(reason, code=ErrorCode.UNSUPPORTED_FILE)

    def _open_file(self, prolog: Prolog) -> FileContext:
        file_format = find_format(prolog, self._formats)
        if file_format is None:
            require_xml(prolog)
            reason = f"files with the root element {prolog.name} are not supported"
            raise FileRefused(reason, code=ErrorCode.UNSUPPORTED_FILE)
        namespace = file_format.namespace
        if namespace is None:
            namespace = prolog.namespace or ""
        parsers = self._parsers.take(
            file_format,
            namespace,
            partial(self._make_parsers, file_format, namespace),
            self._give_way,
        )
        make_context = file_format.context or FileContext
        file: FileContext = make_context(parsers, self._limits, select.ENGINE, self._give_way)
        return file

    def _make_parsers(self, file_format: Format, namespace: str) -> ParserSet:
        limits, formats = self._limits, self._formats
        return ParserSet(file_format, namespace, select.ENGINE, limits, formats, self._give_way)

    def _items_by_project(self, prolog: Prolog, cursor: Cursor) -> Iterator[Iterable[Item]]:
        """Parse to the end, and yield the items of each project after it has ended."""
        limits = self._limits
        source = _MeteredSource(prolog.source, limits.max_file_bytes, cursor)
        try:
            with closing(self._events(prolog, source, cursor)) as events:
                for count, (event, element) in enumerate(events, 1):
                    if count % STEP == 0:
                        self._give_way()
                    if event == "start":
                        cursor.start(element)
                    else:
                        yield cursor.end(element)
        except etree.XMLSyntaxError as fault:
            place = cursor.describe_place()
            if (
                not cursor.complete
                and cursor.builder is None
                and is_html_root(prolog.namespace, prolog.name)
            ):
                raise FileRefused(HTML_PAGE, code=ErrorCode.UNSUPPORTED_FILE) from None
            raise file_refused(fault, place, ended=source.ended) from None

    def _events(self, prolog: Prolog, source: "_MeteredSource", cursor: Cursor) -> Events:
        file, limits = cursor.file, self._limits
        engine, rows = file.engine, file.format.rows
        names, collector, xml = limits.max_tag_names, cursor.collector, file.parsers.xml
        if rows is None:
            return engine.events(source, cursor.tags, prolog.encoding, names, collector, xml)

        def write(writer: ElementWriter) -> Iterator[None]:
            for count, _ in enumerate(rows(file, prolog.source, prolog.encoding, writer), 1):
                yield
                self._give_way()
                cursor.collect()
                if count % _STEPS_BETWEEN_CHECKS == 0:
                    cursor.check_size()

        return engine.row_events(write, cursor.tags, names, collector, xml)


class _MeteredSource:
    """Counts a file's bytes on their way to the parser, and checks the size of the tree.

    The parser reads more bytes only after all events of the previous ones were handled.

    Attributes:
        ended: whether the parser has all bytes.
    """

    def __init__(self, source: ByteSource, limit: int, cursor: Cursor) -> None:
        self._source = source
        self._limit = limit
        self._cursor = cursor
        self.ended = False
        self._read = 0
        self._collected = 0
        self._checked = 0

    def read(self, _size: int) -> bytes:
        if self._read - self._collected >= COLLECT_INTERVAL:
            self._collected = self._read
            self._cursor.collect()
            if self._read - self._checked >= _CHECK_INTERVAL:
                self._checked = self._read
                self._cursor.check_size()
        data = self._source.read(_CHUNK)
        self.ended = not data
        room = self._limit - self._read
        self._read += len(data)
        if len(data) > room and not (data := data[: max(room, 0)]):
            raise FileTooLarge(f"the file is over {self._limit} bytes", line=self._cursor.line)
        return data
