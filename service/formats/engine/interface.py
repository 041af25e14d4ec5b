"""What an engine provides: the four tasks that take most of an import's time."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from service.formats.element import Element
from service.formats.encoding import ByteSource
from service.formats.engine.parsed_record import ParsedRecord, Shape
from service.spool.disk_set import DiskSet

Events = Iterator[tuple[str, Element]]
"""``start`` and ``end`` of elements, in order; ``XMLSyntaxError`` after the events before it.

The tree is ahead of the events: it holds all that was read from the source so far.
"""

RecordParser = Callable[[Element], ParsedRecord]
"""Reads one record of the shape that it was made for."""


class IdSet(Protocol):
    """The ids of one project's records; as ``DiskSet``."""

    def add(self, key: bytes, /) -> int | None: ...
    def get(self, key: bytes, /) -> int | None: ...
    def close(self) -> None: ...


class RecordCollector(Protocol):
    """Takes every complete record out of a project's tree; as ``PythonRecordCollector``."""

    def __call__(self, builder: Any, *, closed: bool) -> None: ...


@dataclass(frozen=True, slots=True)
class Engine:
    """One engine.

    Attributes:
        name: ``compiled`` or ``python``.
        events: parses a source; given the source, the tags whose events are wanted, the encoding
            and about how many distinct names the file may use.
        record_parser: makes the parser of one shape.
        record_collector: makes the collector of one file, given its ``FileContext``.
        id_set: makes an id set, given what makes the ``DiskSet`` that takes over when it is large.
    """

    name: str
    events: Callable[[ByteSource, list[str], str, int], Events]
    record_parser: Callable[[Shape], RecordParser]
    record_collector: Callable[[Any], RecordCollector]
    id_set: Callable[[Callable[[], DiskSet]], IdSet]
