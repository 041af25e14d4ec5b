"""Input and output of a record parser, for both engines."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from service.formats import json_attributes
from service.formats.element import Element
from service.formats.json_attributes import TagKeys
from service.formats.values import Kind


class Fault(NamedTuple):
    """A violation of a record's rule.

    Attributes:
        line: where, from 1.
        element: local name of the element or XML attribute.
        value: the file's own text, or None.
        problem: the problem, which follows element and value in a message.
        fatal: whether it refuses the project.
    """

    line: int
    element: str
    value: str | None
    problem: str
    fatal: bool


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
class Shape:
    """The part of a rule that reads a record, compiled for one namespace.

    Attributes:
        children: by tag, the destination of a child element's text.
        attributes: by name, the destination of an XML attribute's text.
        blank: a null for each column.
        defaults: index and text of the columns that are never null.
        required: index and name of the columns that must have a value.
        keys: keys of tags.
        volatile: members that a content hash excludes.
        strict: whether an element that the rule does not have is a fault; otherwise it goes to
            ``attributes``.
        apart: tags of the children that ``ParsedRecord.apart`` collects.
        holds: in a strict format, tags of the children that held records.
        parts: whether ``ParsedRecord.apart`` also collects structured children without a field.
        named: the elements that give members a name, if there are any.
        named_tag: tag of the child that has them.
    """

    children: dict[str, Slot]
    attributes: dict[str, Slot]
    blank: list[bytes]
    defaults: tuple[tuple[int, bytes], ...]
    required: tuple[tuple[int, str], ...]
    keys: TagKeys
    volatile: frozenset[str]
    strict: bool
    apart: frozenset[str]
    holds: frozenset[str]
    parts: bool
    named: NamedMembers | None
    named_tag: str | None


class ParsedRecord:
    """The content of one record.

    Attributes:
        columns: COPY text, in the rule's order.
        stable: its attributes as JSON, without the volatile members.
        whole: its attributes as JSON; the same object as ``stable`` if no member is volatile.
        faults: its violations of the rule.
        apart: its children that are records themselves, as elements.
    """

    __slots__ = ("apart", "columns", "faults", "stable", "whole")

    def __init__(self, columns: list[bytes]) -> None:
        self.columns = columns
        self.stable = self.whole = json_attributes.EMPTY
        self.faults: list[Fault] = []
        self.apart: list[Element] = []
