"""What a record parser is given and what it returns, for either engine."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from service.formats import json_attributes
from service.formats.element import Element
from service.formats.json_attributes import TagKeys
from service.formats.values import Kind


class Fault(NamedTuple):
    """Something in a record that breaks its rule.

    Attributes:
        line: where, from 1.
        element: local name of the element or XML attribute.
        value: the file's own text, or None.
        problem: what is wrong, to follow element and value in a message.
        fatal: whether it refuses the project.
    """

    line: int
    element: str
    value: str | None
    problem: str
    fatal: bool


class Slot(NamedTuple):
    """Where the text of one child element or XML attribute goes.

    Attributes:
        column: index in the record's columns.
        parse: from text to COPY text: ``NULL`` for a blank one, None for a bad one.
        name: local name, for people and for ``attributes``.
        kind: the type of the value.
        keep: whether the text goes to ``attributes`` as well.
        rank: 0 for the first choice; a later choice fills the column only where it stayed null.
    """

    column: int
    parse: Callable[[str], bytes | None]
    name: str
    kind: Kind
    keep: bool = False
    rank: int = 0


@dataclass(frozen=True, slots=True)
class NamedMembers:
    """How a strict format gives members of ``attributes`` by name.

    Attributes:
        element: local name of the element that gives one member; its text is the value.
        name: its XML attribute with the member's name.
        type: its XML attribute with the type of the value.
        types: by type, what makes a value of the text or raises ``ValueError`` with the problem;
            the empty type is that of an element without one, and keeps the text.
        container: local name of the child that holds such elements; None where they are the
            record's own children.
    """

    element: str
    name: str
    type: str
    types: Mapping[str, Callable[[str], object]]
    container: str | None = None

    @property
    def outermost(self) -> str:
        """Local name of the record's child in which members are given."""
        return self.container or self.element


@dataclass(frozen=True, slots=True)
class Shape:
    """The part of a rule that reads a record, compiled for one namespace.

    Attributes:
        children: by tag, where a child element's text goes.
        attributes: by name, where an XML attribute's text goes.
        blank: a null for each column.
        defaults: index and text of the columns that are never null.
        required: index and name of the columns that must be given.
        keys: keys of tags.
        volatile: members that a content hash leaves out.
        strict: whether what the rule does not know is a fault, rather than an attribute.
        apart: tags of the children that are set apart as they are.
        holds: tags of the children that held records, where the format is strict.
        parts: whether structured children without a field are set apart too.
        named: how members are given by name, if they are.
        named_tag: tag of the child in which they are.
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
    """What one record holds.

    Attributes:
        columns: COPY text, in the rule's order.
        stable: its attributes as JSON, without the volatile members.
        whole: its attributes as JSON; the same object where no member is volatile.
        faults: what is wrong in it.
        apart: its children that the rule sets apart.
    """

    __slots__ = ("apart", "columns", "faults", "stable", "whole")

    def __init__(self, columns: list[bytes]) -> None:
        self.columns = columns
        self.stable = self.whole = json_attributes.EMPTY
        self.faults: list[Fault] = []
        self.apart: list[Element] = []
