"""The structure of an XML file: which elements and XML attributes occur where, and how often.

One pass with a bounded memory: a node for each distinct path, and samples of values. An element
inside an element of the same name, such as a task in a task, belongs to the same node.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, cast

from lxml import etree

from service.errors import FileRefused, FileTooLarge
from service.formats.encoding import ByteSource, read_prolog, require_xml
from service.formats.engine.parser_errors import (
    MAX_ATTRIBUTES,
    MAX_NAME,
    file_refused,
    long_name,
    too_many_attributes,
)
from service.formats.guess.values import Budget, Values
from service.formats.json_attributes import XSI
from service.model import MAX_QUOTED_VALUE

if TYPE_CHECKING:
    from lxml.etree import ParserTarget

_GENERIC: Final = frozenset({"item", "row", "record", "entry", "element"})
_CHUNK: Final = 64 * 1024
_TEXT: Final = MAX_QUOTED_VALUE + 1
"""Characters kept of a text."""


@dataclass(eq=False, slots=True)
class Node:
    """The elements of one path.

    Attributes:
        tag: in Clark notation.
        parent: None for the root.
        count: number of elements.
        most: largest number of them in one parent.
        attributes: by name.
        text: of the elements without children.
        children: by tag; a child that is an ancestor too contains itself.
        nested: whether such an element can contain another one.
    """

    tag: str
    parent: "Node | None"
    count: int = 0
    most: int = 0
    attributes: dict[str, Values] = field(default_factory=dict)
    text: Values = field(default_factory=Values)
    children: dict[str, "Node"] = field(default_factory=dict)
    nested: bool = False

    @property
    def name(self) -> str:
        """Return the local name."""
        return self.tag.rpartition("}")[2]

    @property
    def is_generic(self) -> bool:
        """Whether the name says nothing, so that the name of the list around it counts."""
        return self.name.lower() in _GENERIC

    @property
    def label(self) -> str:
        """Return the name, with that of the list around it if the name says nothing."""
        return f"{self.parent.name}-{self.name}" if self.is_generic and self.parent else self.name

    @property
    def namespace(self) -> str:
        """Return the namespace; empty for none."""
        return self.tag.rpartition("}")[0][1:]

    @property
    def ancestors(self) -> "Iterator[Node]":
        """Yield the nodes above this one, the nearest first."""
        node = self.parent
        while node is not None:
            yield node
            node = node.parent

    @property
    def own_children(self) -> "list[Node]":
        """Return the children without those that are ancestors, or the node itself."""
        return [child for child in self.children.values() if child.parent is self]

    def walk(self) -> "Iterator[Node]":
        """Yield this node and all nodes below it, in the order of the file."""
        yield self
        for child in self.own_children:
            yield from child.walk()

    def path_from(self, top: "Node") -> str:
        """Return the path from a node above this one, in local names; empty for itself."""
        names: list[str] = []
        node: Node | None = self
        while node is not None and node is not top:
            names.append(node.name)
            node = node.parent
        return "/".join(reversed(names))


@dataclass(slots=True)
class _Open:
    """An element that has not ended.

    Attributes:
        node: of the element.
        text: the beginning of its text.
        leaf: whether it has no child so far.
        counts: by tag, the children so far.
    """

    node: Node
    text: str = ""
    leaf: bool = True
    counts: dict[str, int] = field(default_factory=dict)


class _Recorder:
    """A parser target that records the structure. It keeps a fault, because it must not raise."""

    def __init__(self, budget: Budget) -> None:
        self.root: Node | None = None
        self.fault: FileRefused | FileTooLarge | None = None
        self._budget = budget
        self._open: list[_Open] = []

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if self.fault is not None:
            return
        if len(attributes) > MAX_ATTRIBUTES:
            self.fault = too_many_attributes(None)
            return
        node = self._find_node(tag)
        if node is None:
            return
        node.count += 1
        for name, value in attributes.items():
            if not name.startswith(XSI) and (values := self._find_attribute(node, name)):
                values.add(value, self._budget)
        self._open.append(_Open(node))

    def data(self, text: str) -> None:
        if self._open and (top := self._open[-1]).leaf and len(top.text) < _TEXT:
            top.text += text[:_TEXT]

    def end(self, _tag: str) -> None:
        if self.fault is None:
            ended = self._open.pop()
            if ended.leaf:
                ended.node.text.add(ended.text, self._budget)

    def close(self) -> None:
        """Do nothing; the parser requires the method."""

    def _find_node(self, tag: str) -> Node | None:
        """Return the node of an element that starts; None after a fault."""
        if not self._open:
            self.root = self._new_node(tag, None)
            return self.root
        above = self._open[-1]
        above.leaf = False
        parent = above.node
        node = parent.children.get(tag)
        if node is None:
            node = self._find_itself(tag, parent)
            if node is not None:
                node.nested = True
            else:
                node = self._new_node(tag, parent)
            if node is None:
                return None
            parent.children[tag] = node
        number = above.counts[tag] = above.counts.get(tag, 0) + 1
        node.most = max(node.most, number)
        return node

    @staticmethod
    def _find_itself(tag: str, parent: Node) -> Node | None:
        """Return the node that contains itself: a task in a task, or in a list in a task."""
        if parent.tag == tag:
            return parent
        above = parent.parent
        return above if above is not None and above.tag == tag else None

    def _new_node(self, tag: str, parent: Node | None) -> Node | None:
        return Node(tag, parent) if self._admit(tag) else None

    def _find_attribute(self, node: Node, name: str) -> Values | None:
        values = node.attributes.get(name)
        if values is None and self._admit(name):
            values = node.attributes[name] = Values()
        return values

    def _admit(self, name: str) -> bool:
        """Take a new name into account; False if it is too long, or one too many."""
        self._budget.nodes -= 1
        if len(name) > MAX_NAME:
            self.fault = long_name(None)
        elif self._budget.nodes < 0:
            self.fault = FileTooLarge("the file has too many different elements and attributes")
        return self.fault is None


def read_structure(source: ByteSource) -> Node:
    """Read the structure of a file.

    Args:
        source: the file's XML, from its first byte; exceptions of its ``read`` pass through.

    Returns:
        the node of the root element.

    Raises:
        FileRefused: the file is not well-formed XML, or a reader would refuse its first bytes.
        FileTooLarge: it has too many different names, or one that is too long.
    """
    prolog = read_prolog(source)
    require_xml(prolog)
    recorder = _Recorder(Budget())
    parser = etree.XMLParser(
        target=cast("ParserTarget", recorder),
        encoding=prolog.encoding,
        resolve_entities=False,
        no_network=True,
    )
    try:
        while recorder.fault is None and (data := prolog.source.read(_CHUNK)):
            for start in range(0, len(data), _CHUNK):
                parser.feed(data[start : start + _CHUNK])
        if recorder.fault is None:
            parser.close()
    except etree.XMLSyntaxError as fault:
        if recorder.fault is None:
            raise file_refused(fault) from None
    finally:
        # lxml does not free a parser that is still open.
        with contextlib.suppress(etree.XMLSyntaxError):
            parser.close()
    if recorder.fault is not None:
        raise recorder.fault
    assert recorder.root is not None
    return recorder.root
