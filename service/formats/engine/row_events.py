"""The elements of a file that is not XML, as lxml elements: the Python engine's writer."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, NamedTuple, cast

from lxml import etree

from service.formats.element import LAST_EXACT, Element
from service.formats.engine.interface import Events, Node, Write
from service.formats.json_attributes import TagKeys

Converts = Sequence[Callable[[bytes], bytes] | None]

_STEP_BYTES: Final = 128 * 1024
_ELEMENT_BYTES: Final = 128
"""As in ``row_events.pxi``."""


class _Layout(NamedTuple):
    element: str
    names: tuple[str | None, ...]
    converts: Converts


class _Writer:
    """As ``interface.ElementWriter``. From ``LAST_EXACT`` on, every line is the one before:
    libxml2 looks for such a line in a text, where lxml cannot set it, and finds 0.

    Attributes:
        events: of the elements with the wanted tags that were not taken.
    """

    def __init__(self, tags: list[str], max_names: int) -> None:
        self.events: deque[tuple[str, Any]] = deque()
        self._wanted: Final = frozenset(tags)
        self._names = TagKeys("", max_names)
        self._open: list[Any] = []
        self._line = 0
        self._written = 0

    def take_events(self) -> Iterator[tuple[str, Element]]:
        """Yield and forget the events so far."""
        while self.events:
            yield self.events.popleft()

    def layout(self, element: bytes, names: Sequence[bytes | None], converts: Converts) -> _Layout:
        decoded = tuple(None if name is None else name.decode() for name in names)
        return _Layout(element.decode(), decoded, converts)

    def start_element(self, name: bytes, line: int) -> None:
        self._line = line
        self._start(name.decode())

    def cells(self, layout: _Layout, line: int, row: bytes) -> None:
        self._line = line
        for name, convert, cell in zip(
            layout.names, layout.converts, row.split(b"\t"), strict=False
        ):
            if cell and name is not None:
                text = cell if convert is None else convert(cell)
                if text:
                    self._leaf(name, text)
        if row.count(b"\t") >= len(layout.names):
            more = row.split(b"\t", len(layout.names))[-1]
            if more:
                self._text(more)

    def start_row(self, layout: _Layout, line: int, row: bytes) -> None:
        self._line = line
        self._start(layout.element)
        self.cells(layout, line, row)

    def rows(self, layout: _Layout, rows: Sequence[tuple[int, int, bytes]], first: int) -> int:
        for at in range(first, len(rows)):
            _, line, row = rows[at]
            self.start_row(layout, line, row)
            self.end_element()
            if self._written >= _STEP_BYTES:
                return at + 1
        return len(rows)

    def is_step(self) -> bool:
        if self._written < _STEP_BYTES:
            return False
        self._written = 0
        return True

    def leaf(self, name: bytes, text: bytes) -> None:
        self._leaf(name.decode(), text)

    def nodes(self, nodes: Sequence[Node], line: int) -> None:
        self._line = line
        for name, content in nodes:
            if isinstance(content, str | bytes):
                self._leaf(name, content.encode() if isinstance(content, str) else content)
            else:
                self._start(name)
                self.nodes(content, line)
                self.end_element()

    def end_element(self) -> None:
        element = self._open.pop()
        if element.tag in self._wanted:
            self.events.append(("end", element))

    def _text(self, text: bytes) -> None:
        self._written += len(text)
        element = self._open[-1]
        last = next(reversed(element), None)
        if last is None:
            element.text = (element.text or "") + text.decode()
        else:
            last.tail = (last.tail or "") + text.decode()

    def _leaf(self, name: str, text: bytes) -> None:
        element = self._create(name)
        element.text = text.decode()
        self._written += len(text)

    def _start(self, name: str) -> None:
        element = self._create(name)
        self._open.append(element)
        if element.tag in self._wanted:
            self.events.append(("start", element))

    def _create(self, name: str) -> Any:
        if name not in self._names:
            self._names[name]
        element = etree.SubElement(self._open[-1], name) if self._open else etree.Element(name)
        self._written += _ELEMENT_BYTES
        cast(Any, element).sourceline = min(self._line, LAST_EXACT - 1)
        return element


def row_events(
    write: Write,
    tags: list[str],
    max_names: int,
    _collector: object = None,
    _xml_parser: None = None,
) -> Events:
    """Yield the events of a file; see ``Engine.row_events``.

    Raises:
        Exception: an exception of ``write``, after the events before it.
        FileTooLarge: likewise: the names are too many.
    """
    writer = _Writer(tags, max_names)
    writer.start_element(tags[0].encode(), 1)
    try:
        for _ in write(writer):
            yield from writer.take_events()
    except Exception:
        yield from writer.take_events()
        raise
    writer.end_element()
    yield from writer.take_events()
