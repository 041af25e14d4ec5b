"""The interface of an engine: the four tasks that take most of an import's time."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from service.formats.element import Element
from service.formats.encoding import ByteSource
from service.formats.engine.parsed_record import ParsedRecord, Shape
from service.spool.disk_set import DiskSet

Events = Iterator[tuple[str, Element]]
"""``start`` and ``end`` events of elements, in order. A fault raises ``XMLSyntaxError`` after them.

The tree is ahead of the events: it contains everything read from the source so far, except records
that the collector has.
"""

RecordParser = Callable[[Element], ParsedRecord]
"""Reads a record. Each parser is for one shape."""


class IdSet(Protocol):
    """The ids of one project's records; see ``DiskSet``."""

    def add(self, key: bytes, /) -> int | None: ...
    def get(self, key: bytes, /) -> int | None: ...
    def close(self) -> None: ...


class RecordCollector(Protocol):
    """Takes every complete record of a project; see ``PythonRecordCollector``.

    An engine can keep the records outside the tree until then.
    """

    def __call__(self, builder: Any, *, closed: bool) -> None: ...

    def open_size(self) -> int:
        """Return the approximate size of the last record in bytes, if it is not in the tree."""
        ...

    def drop_open(self) -> None:
        """Free the last record, and all that follows in it, if it is not in the tree."""
        ...

    def line_of_last(self, project: Element, /) -> int | None:
        """Return the line of the last element of a project, or None if it is in the tree."""
        ...


class XmlParser(Protocol):
    """An XML parser that reads files one after another."""

    @property
    def reusable(self) -> bool:
        """Whether it has read a file to its end without a fault, and keeps few names."""


@dataclass(frozen=True, slots=True)
class Engine:
    """One engine.

    Attributes:
        name: ``compiled`` or ``python``.
        events: parses a source, given the source, the tags whose events it reports, the encoding,
            the approximate number of distinct names that the file may use, the collector of the
            file's records, and an XML parser.
        xml_parser: creates an XML parser that can read files one after another, or None if the
            engine has none. Record parsers belong to one, because they know its names.
        record_parser: creates the parser of one shape.
        record_collector: creates the collector of one file, given its ``FileContext``.
        id_set: creates an id set, given a factory of the ``DiskSet`` that replaces a large one.
        size_of: returns the approximate size of an element; see ``record_collector.size_of``.
    """

    name: str
    events: Callable[[ByteSource, list[str], str, int, Any, Any], Events]
    xml_parser: Callable[[], XmlParser | None]
    record_parser: Callable[[Shape], RecordParser]
    record_collector: Callable[[Any], RecordCollector]
    id_set: Callable[[Callable[[], DiskSet]], IdSet]
    size_of: Callable[[Element, int], int]
