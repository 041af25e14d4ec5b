"""Bytes in, items out: one file, read project by project and record by record."""

from collections.abc import Iterator

from lxml import etree

from service.codes import WarningCode
from service.errors import FileRefused, FileTooLarge
from service.formats.cursor import Cursor
from service.formats.encoding import ByteSource, Prolog, read_prolog
from service.formats.engine import events
from service.formats.format import Format
from service.formats.limits import MIB, Limits
from service.formats.parser_errors import file_refused
from service.formats.registry import FORMATS, find_format
from service.model import FileWarning, Item

__all__ = ["Limits", "Reader"]

_CHUNK = 64 * 1024
_STRAYS = "What is outside the projects and not known there is not imported"
_AUDIT = MIB
"""Bytes read between looks at what the tree holds."""


class Reader:
    """One pass over a file; iterate once, in a worker thread.

    Args:
        source: the file's XML from its first byte (see ``inflate``); what its ``read`` raises
            passes through.
        limits: bounds to keep.
        charset: of the part's Content-Type; overrides the XML declaration.
        dialects: tried in order.

    Attributes:
        dialect: name of the file's dialect, or None while it is not known.
        warnings: about the file as a whole; complete after the iteration.
        closed: whether the root element was closed.
        complete: projects complete in the XML so far, landable or refused.

    Raises:
        FileRefused: while iterating, after every complete project: not XML, or none that is read, a
            DOCTYPE, a syntax error, no project.
        FileTooLarge: likewise, where a limit of the file is reached.
        TooLarge: what belongs to no project is over the import's share of the spool.
        OSError: the disk that rows are spooled to fails or is full.
    """

    def __init__(
        self,
        source: ByteSource,
        limits: Limits,
        charset: str | None = None,
        dialects: tuple[Format, ...] = FORMATS,
    ) -> None:
        self.dialect: str | None = None
        self.warnings: list[FileWarning] = []
        self.closed = False
        self.complete = 0
        self._source = source
        self._limits = limits
        self._charset = charset
        self._dialects = dialects

    def __iter__(self) -> Iterator[Item]:
        prolog = read_prolog(self._source, self._charset)
        dialect = find_format(prolog, self._dialects)
        if dialect is None:
            raise FileRefused(f"the root element {prolog.name} is not one that is read")
        self.dialect = dialect.name
        namespace = prolog.namespace or ""
        root = f"{{{namespace}}}{prolog.name}" if namespace else prolog.name
        if dialect.namespace is not None:
            namespace = dialect.namespace
        volatile = {known.name: known.volatile for known in self._dialects}
        file = dialect.file(self._limits, namespace, volatile)
        self.warnings = file.warnings
        track = Cursor(dialect, file, root)
        try:
            for _ in self._events(prolog, track):
                self.complete = track.complete
                yield from file.outbox
                file.outbox.clear()
        except (FileRefused, FileTooLarge) as fault:
            if track.plan is not None:
                fault.external_id, fault.name = track.plan.called()
            else:
                track.gather()  # else what is told depended on where the reading paused last
            raise
        finally:
            file.finish()
            track.close()
            self.closed = track.closed
            if track.strays:
                code = WarningCode.LOOSE_RECORDS_SKIPPED
                self.warnings.append(FileWarning(code, _STRAYS, track.strays))
        if not self.complete:
            raise FileRefused(f"there is no project in the file; its root is {prolog.name}")

    def _events(self, prolog: Prolog, track: Cursor) -> Iterator[None]:
        """Parse to the end; yields when a project was closed."""
        limits = self._limits
        source = _Metered(prolog.source, limits.max_file_bytes, track)
        try:
            for event, element in events.events_of(
                source, track.tags, prolog.encoding, limits.max_tag_names
            ):
                if event == "start":
                    track.start(element)
                else:
                    track.end(element)
                    yield
        except etree.XMLSyntaxError as fault:
            raise file_refused(fault) from None


class _Metered:
    """A file's bytes on their way into the parser: counted, and the tree looked at in between.

    The parser asks for more once all events of what it has were taken.
    """

    def __init__(self, source: ByteSource, most: int, track: Cursor) -> None:
        self._source = source
        self._most = most
        self._track = track
        self._read = 0
        self._audited = 0

    def read(self, _size: int) -> bytes:
        self._track.gather()
        if self._read - self._audited > _AUDIT:
            self._audited = self._read
            self._track.audit()
        data = self._source.read(_CHUNK)
        self._read += len(data)
        if self._read > self._most:
            raise FileTooLarge(f"the file is over {self._most} bytes", line=self._track.line)
        return data
