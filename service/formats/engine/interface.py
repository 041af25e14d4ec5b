"""The interface of an engine: the four tasks that take most of an import's time."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from service.formats.element import Element
from service.formats.encoding import ByteSource
from service.formats.engine.parsed_record import ParsedRecord, Shape
from service.spool.disk_set import DiskSet

Node = tuple[str, "str | bytes | Sequence[Node]"]
"""Local name of an element, and its text or its children."""


class Events(Protocol):
    """``start`` and ``end`` events of elements, in order; a fault raises ``XMLSyntaxError`` after.

    The tree is ahead of the events: it contains everything read from the source so far, except
    records that the collector has.
    """

    def __iter__(self) -> Iterator[tuple[str, Element]]: ...
    def __next__(self) -> tuple[str, Element]: ...

    def close(self) -> None:
        """Free the source. Call it once no more events are wanted."""


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


class ElementWriter(Protocol):
    """Writes the elements of a file that is not XML. An element is a child of the open one.

    Names have only letters, digits and underscores. Texts are UTF-8, have only characters that XML
    1.0 allows, and at most 10,000,000 bytes in one element.
    """

    def layout(
        self,
        element: bytes,
        names: Sequence[bytes | None],
        converts: Sequence[Callable[[bytes], bytes] | None],
        /,
    ) -> Any:
        """Return how the rows of a table become elements, and their cells children.

        Args:
            element: local name of the elements.
            names: local names by position; None for a cell that is not written.
            converts: by position, the function that returns the text of a cell, or None if the cell
                is the text. An empty text is not written.
        """

    def start_element(self, name: bytes, line: int, /) -> None:
        """Open an element; ``line`` is also the line of the texts and children that follow."""

    def cells(self, layout: Any, line: int, row: bytes, /) -> None:
        """Write the cells of a row, with tabs between them, that are not blank.

        Cells after the last name become one text, with the tabs.
        """

    def start_row(self, layout: Any, line: int, row: bytes, /) -> None:
        """Open the element of a row, and write its cells."""

    def rows(self, layout: Any, rows: Sequence[tuple[int, int, bytes]], first: int, /) -> int:
        """Write the elements of rows, at least one, until ``is_step`` is true.

        Args:
            layout: of the rows.
            rows: lists of the table's number, the line, and the cells.
            first: position of the first row to write.

        Returns:
            The position after the last row that was written.
        """

    def is_step(self) -> bool:
        """Return whether the elements since the last step take some 128 kB, and start a new step.

        An element counts with its memory, because a row of few bytes can have many of them.
        """

    def leaf(self, name: bytes, text: bytes, /) -> None:
        """Write a child that has only a text."""

    def nodes(self, nodes: Sequence["Node"], line: int, /) -> None:
        """Write children; ``line`` as in ``start_element``."""

    def end_element(self) -> None:
        """Close the element that was opened last."""


Write = Callable[[ElementWriter], Iterator[None]]
"""Writes a file step by step. Each step follows after all events of the previous one."""


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
        row_events: the same for a file that is not XML, given a function that writes its elements,
            the tags, of which the first is the root's, the number of names, the collector, and an
            XML parser.
        xml_parser: creates an XML parser that can read files one after another, or None if the
            engine has none. Record parsers belong to one, because they know its names.
        record_parser: creates the parser of one shape.
        record_collector: creates the collector of one file, given its ``FileContext``.
        id_set: creates an id set, given a factory of the ``DiskSet`` that replaces a large one.
        size_of: returns the approximate size of an element; see ``record_collector.size_of``.
    """

    name: str
    events: Callable[[ByteSource, list[str], str, int, Any, Any], Events]
    row_events: Callable[[Write, list[str], int, Any, Any], Events]
    xml_parser: Callable[[], XmlParser | None]
    record_parser: Callable[[Shape], RecordParser]
    record_collector: Callable[[Any], RecordCollector]
    id_set: Callable[[Callable[[], DiskSet]], IdSet]
    size_of: Callable[[Element, int], int]
