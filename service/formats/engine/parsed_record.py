"""Input and output of a record parser, for both engines."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from service.formats import json_attributes
from service.formats.element import Element, line_of
from service.formats.json_attributes import TagKeys
from service.formats.values import Kind
from service.model import MAX_LISTED_VIOLATIONS, MAX_LISTED_WARNINGS, shorten


class Fault(NamedTuple):
    """A violation of a record's rule.

    Attributes:
        line: where, from 1.
        element: local name of the element or XML attribute.
        value: the file's own text, shortened, or None.
        problem: the problem, which follows element and value in a message.
        fatal: whether it refuses the project.
    """

    line: int
    element: str
    value: str | None
    problem: str
    fatal: bool


class Faults:
    """The faults of one record. It counts all, and keeps as many as a project reports.

    A record may have a fault in every few bytes.

    Attributes:
        kept: the first fatal and the first other faults, in order.
        elements: names of the elements and XML attributes that have a fatal fault.
    """

    __slots__ = ("_fatal", "_lines", "_others", "elements", "kept")

    def __init__(self) -> None:
        self.kept: list[Fault] = []
        self.elements: set[str] = set()
        self._fatal = self._others = 0
        self._lines: dict[Element, int] = {}

    def add(
        self, where: Element, element: str, value: str | None, problem: str, *, fatal: bool
    ) -> None:
        """Add a fault.

        Args:
            where: the element that has it, complete.
            element, value, problem, fatal: see ``Fault``; element and value are shortened here.
        """
        element = shorten(element)
        if fatal:
            self.elements.add(element)
            self._fatal += 1
            listed = self._fatal <= MAX_LISTED_VIOLATIONS
        else:
            self._others += 1
            listed = self._others <= MAX_LISTED_WARNINGS
        if listed:
            fault = Fault(self._line_of(where), element, shorten(value), problem, fatal)
            self.kept.append(fault)

    @property
    def fatal(self) -> Fault | None:
        """Return the first fatal fault, or None."""
        return next((fault for fault in self.kept if fault.fatal), None)

    def omitted(self) -> tuple[int, int]:
        """Return how many fatal and how many other faults were not kept."""
        kept = sum(fault.fatal for fault in self.kept)
        return self._fatal - kept, self._others - (len(self.kept) - kept)

    def detach(self, value: str | None) -> None:
        """Forget the elements, so that the faults can be stored; ``value`` is in all fatal ones."""
        self._lines.clear()
        self.kept = [fault._replace(value=value) if fault.fatal else fault for fault in self.kept]

    def _line_of(self, where: Element) -> int:
        """Return the line of an element, computed once: it takes time in proportion to its text."""
        line = self._lines.get(where)
        if line is None:
            line = self._lines[where] = line_of(where)
        return line


class Slot(NamedTuple):
    """The destination of the text of one child element or XML attribute.

    Attributes:
        column: index in the record's columns.
        parse: converts text to COPY text: ``NULL`` for a blank text, None for a bad one.
        name: local name, for people and for ``attributes``.
        kind: the type of the value.
        keep: whether the text goes to ``attributes`` as well.
        rank: 0 for the first choice; a later choice fills the column only if it is still null.
    """

    column: int
    parse: Callable[[str], bytes | None]
    name: str
    kind: Kind
    keep: bool = False
    rank: int = 0


@dataclass(frozen=True, slots=True)
class NamedMembers:
    """The elements by which a strict format gives members of ``attributes`` a name.

    Attributes:
        element: local name of the element that gives one member; its text is the value.
        name: its XML attribute with the member's name.
        type: its XML attribute with the type of the value.
        types: by type, a function that converts the text to a value, or raises ``ValueError`` with
            the problem. The empty type, of an element without a type, keeps the text.
        container: local name of the child that holds such elements; None if they are children of
            the record.
    """

    element: str
    name: str
    type: str
    types: Mapping[str, Callable[[str], object]]
    container: str | None = None

    @property
    def outermost(self) -> str:
        """Return the local name of the record's child that has the members."""
        return self.container or self.element


@dataclass(frozen=True, slots=True)
class Group:
    """A child of a record of which only parts are used.

    Attributes:
        text: the destination of the text before its first child, if it has one.
        attributes: by name, the destination of an XML attribute's text.
        children: by tag, the destination of a child element's text.
        apart: tags of the children that are records themselves.
        groups: by tag, the children of which only parts are used.
    """

    text: Slot | None
    attributes: dict[str, Slot]
    children: dict[str, Slot]
    apart: frozenset[str]
    groups: "dict[str, Group]"


@dataclass(frozen=True, slots=True)
class Shape:
    """The part of a rule that reads a record, compiled for one namespace.

    Attributes:
        children: by tag, the destination of a child element's text.
        attributes: by name, the destination of an XML attribute's text.
        groups: by tag, the children of which only parts are used.
        blank: a null for each column.
        defaults: index and text of the columns that are never null.
        required: index and name of the columns that must have a value.
        keys: keys of tags.
        volatile: members that a content hash excludes.
        strict: whether an element that the rule does not have is a fault; otherwise it goes to
            ``attributes``.
        apart: tags of the children that ``ParsedRecord.apart`` collects.
        holds: in a strict format, tags of the children that held records.
        as_part: whether the record is stored as a part, whose only column is its name.
        parts: whether ``ParsedRecord.apart`` also collects structured children without a field.
        named: the elements that give members a name, if there are any.
        named_tag: tag of the child that has them.
    """

    children: dict[str, Slot]
    attributes: dict[str, Slot]
    groups: dict[str, Group]
    blank: list[bytes]
    defaults: tuple[tuple[int, bytes], ...]
    required: tuple[tuple[int, str], ...]
    keys: TagKeys
    volatile: frozenset[str]
    strict: bool
    apart: frozenset[str]
    holds: frozenset[str]
    as_part: bool
    parts: bool
    named: NamedMembers | None
    named_tag: str | None


class ParsedRecord:
    """The content of one record.

    Attributes:
        columns: COPY text, in the rule's order.
        stable: its attributes as JSON, without the volatile members.
        whole: its attributes as JSON; the same object as ``stable`` if no member is volatile.
        faults: its violations of the rule; None if there are none.
        apart: its children that are records themselves, as elements.
    """

    __slots__ = ("apart", "columns", "faults", "stable", "whole")

    def __init__(self, columns: list[bytes]) -> None:
        self.columns = columns
        self.stable = self.whole = json_attributes.EMPTY
        self.faults: Faults | None = None
        self.apart: list[Element] = []

    def add_fault(
        self, where: Element, element: str, value: str | None, problem: str, *, fatal: bool
    ) -> None:
        """Add a fault; see ``Faults.add``."""
        if self.faults is None:
            self.faults = Faults()
        self.faults.add(where, element, value, problem, fatal=fatal)
