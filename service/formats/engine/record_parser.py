"""One record of a file, an lxml element, to the text of its columns and its attributes.

This is where an import spends its time. ``walk`` takes plain data, an element and a ``Shape``, and
gives bytes back, so that compiled code can stand in for it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from service.formats import json_attributes
from service.formats.element import Element
from service.formats.json_attributes import Members, TagKeys
from service.formats.source_line import line_of
from service.formats.values import BLANK, NULL, Kind


class Fault(NamedTuple):
    """Something in a record that is not as its map says.

    Attributes:
        line: where, from 1.
        element: local name of the element or XML attribute.
        value: the file's own text, or None.
        problem: what is wrong, to be read behind element and value.
        fatal: whether the project cannot land with it.
    """

    line: int
    element: str
    value: str | None
    problem: str
    fatal: bool


class Slot(NamedTuple):
    """Where the text of one child element or XML attribute goes.

    Attributes:
        column: place in the record's columns.
        parse: from text to COPY text: ``NULL`` for a blank one, None for a bad one.
        name: local name, for people and for ``attributes``.
        kind: the kind of value.
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
class Shape:
    """A record's map, compiled for one namespace.

    Attributes:
        children: by tag, where a child element's text goes.
        attributes: by name, where an XML attribute's text goes.
        blank: a null for each column.
        defaults: index and text of the columns that are never null.
        required: index and name of the columns that must be given.
        names: keys of tags.
        volatile: members that a content hash leaves out.
        strict: whether what the map does not know is a fault, rather than an attribute.
        apart: tags of the children that are handed back as they are.
        holds: tags of the children that held records, of a strict map.
        gather: by tag, a child that holds members by name, and what reads it (strict maps alone).
            A member that is None holds its name's place and is not written.
        parts: whether unmapped children with content of their own are set apart too.
    """

    children: dict[str, Slot]
    attributes: dict[str, Slot]
    blank: list[bytes]
    defaults: tuple[tuple[int, bytes], ...]
    required: tuple[tuple[int, str], ...]
    names: TagKeys
    volatile: frozenset[str]
    strict: bool
    apart: frozenset[str]
    holds: frozenset[str]
    gather: dict[str, Callable[[Element, Members], list[Fault]]]
    parts: bool


class ParsedRecord:
    """What one record says.

    Attributes:
        columns: COPY text, in the map's order.
        stable: its attributes as JSON, without what changes at every save.
        whole: its attributes as JSON; the same object where nothing is left out.
        faults: what is wrong in it.
        apart: its children that the map sets apart.
    """

    __slots__ = ("apart", "columns", "faults", "stable", "whole")

    def __init__(self, columns: list[bytes]) -> None:
        self.columns = columns
        self.stable = self.whole = json_attributes.EMPTY
        self.faults: list[Fault] = []
        self.apart: list[Element] = []


def parse_record(element: Element, shape: Shape) -> ParsedRecord:
    """Read one record.

    A repeated scalar goes to its column the first time, to ``attributes`` after that, and so does a
    mapped child that has children or attributes of its own. Bad text leaves the column null and is
    kept in ``attributes``. Where the shape is strict, all three are faults instead.
    """
    columns = shape.blank.copy()
    record = ParsedRecord(columns)
    members: Members = {}
    later: list[tuple[int, Element, Slot]] = []
    slots = shape.attributes
    for name, text in element.items():
        if name in slots:
            slot = slots[name]
            value = slot.parse(text)
            if value is None:
                _bad(element, slot, text, shape, record, members, "@" + slot.name)
            else:
                columns[slot.column] = value
        elif not name.startswith(json_attributes.XSI):
            _unknown_attribute(element, name, text, shape, record, members)
    stray = element.text
    if stray and stray.strip(BLANK):
        _stray_text(element, stray, shape, record, members)
    children = shape.children
    for child in element:
        tag = child.tag
        if tag in children:
            slot = children[tag]
            text = child.text or ""
            if slot.rank:
                later.append((slot.rank, child, slot))
            elif len(child) or child.keys():
                _structured(child, slot, shape, record, members)
            elif (
                (value := slot.parse(text)) is None or columns[slot.column] is not NULL or slot.keep
            ):
                _fill(child, slot, text, shape, record, members)
            elif value is not NULL:
                columns[slot.column] = value
            elif shape.strict:
                _once(child, record)
        else:
            _unmapped(child, shape, record, members)
        stray = child.tail
        if stray and stray.strip(BLANK):
            _stray_text(element, stray, shape, record, members)
    if later:
        _fall_back(later, shape, record, members)
    for index, default in shape.defaults:
        if columns[index] is NULL:
            columns[index] = default
    for index, name in shape.required:
        if columns[index] is NULL:
            _missing(element, name, record)
    if members:
        _write(element, members, shape, record)
    return record


def _fill(
    child: Element, slot: Slot, text: str, shape: Shape, record: ParsedRecord, members: Members
) -> None:
    """Put text into its column, its attribute or both: the general case."""
    value = slot.parse(text)
    if value is NULL:
        if shape.strict:
            _once(child, record)
        elif slot.keep and text.strip(BLANK):
            json_attributes.put(members, slot.name, text)
        return
    if record.columns[slot.column] is not NULL:
        if shape.strict:
            _once(child, record)
        else:
            json_attributes.put(members, slot.name, text)
    elif value is None:
        _bad(child, slot, text, shape, record, members, slot.name)
    else:
        record.columns[slot.column] = value
        if slot.keep:
            json_attributes.put(members, slot.name, text)


def _bad(
    where: Element,
    slot: Slot,
    text: str,
    shape: Shape,
    record: ParsedRecord,
    members: Members,
    key: str,
) -> None:
    record.faults.append(Fault(line_of(where), slot.name, text, slot.kind.problem, shape.strict))
    if not shape.strict:
        json_attributes.put(members, key, text)


def _structured(
    child: Element, slot: Slot, shape: Shape, record: ParsedRecord, members: Members
) -> None:
    """A mapped child that is no plain leaf, unless ``xsi:*`` alone makes it look so."""
    content = json_attributes.content(child, shape.names)
    if shape.strict and not json_attributes.is_leaf(child):
        problem = "has attributes or elements inside"
        record.faults.append(Fault(line_of(child), slot.name, None, problem, True))
    elif isinstance(content, str):
        _fill(child, slot, content, shape, record, members)
    elif content is not None:
        json_attributes.put(members, slot.name, content)


def _unmapped(child: Element, shape: Shape, record: ParsedRecord, members: Members) -> None:
    tag = child.tag
    if tag in shape.apart:
        record.apart.append(child)
    elif tag in shape.gather:
        record.faults += shape.gather[tag](child, members)
    elif tag in shape.holds:
        _once(child, record)
        if not json_attributes.is_leaf(child) or (child.text or "").strip(BLANK):
            name = shape.names[tag]
            record.faults.append(Fault(line_of(child), name, None, "holds what is no record", True))
    elif shape.strict:
        name = shape.names[tag]
        record.faults.append(Fault(line_of(child), name, None, "is not known here", True))
    else:
        content = json_attributes.content(child, shape.names)
        if shape.parts and isinstance(content, dict):
            record.apart.append(child)
        elif content is not None:
            json_attributes.put(members, shape.names[tag], content)


def _unknown_attribute(
    element: Element, name: str, text: str, shape: Shape, record: ParsedRecord, members: Members
) -> None:
    if shape.strict:
        problem = "is an attribute that is not known here"
        record.faults.append(Fault(line_of(element), name, text, problem, True))
    elif text.strip(BLANK):
        json_attributes.put(members, "@" + name, text)


def _stray_text(
    element: Element, text: str, shape: Shape, record: ParsedRecord, members: Members
) -> None:
    if shape.strict:
        name = shape.names[element.tag]
        record.faults.append(Fault(line_of(element), name, text, "holds text of its own", True))
    else:
        json_attributes.put(members, "#text", text)


def _once(child: Element, record: ParsedRecord) -> None:
    """A fault where a strict record has another element of this name."""
    tag = child.tag
    others = (child.itersiblings(tag, preceding=preceding) for preceding in (True, False))
    if any(next(found, None) is not None for found in others):
        name = json_attributes.local(tag)
        record.faults.append(Fault(line_of(child), name, None, "is there more than once", True))


def _fall_back(
    later: list[tuple[int, Element, Slot]], shape: Shape, record: ParsedRecord, members: Members
) -> None:
    for _, child, slot in sorted(later, key=lambda choice: choice[0]):
        if len(child) or child.keys():
            _structured(child, slot, shape, record, members)
        else:
            _fill(child, slot, child.text or "", shape, record, members)


def _missing(element: Element, name: str, record: ParsedRecord) -> None:
    if all(fault.element != name for fault in record.faults):
        record.faults.append(Fault(line_of(element), name, None, "is missing", True))


def _write(element: Element, members: Members, shape: Shape, record: ParsedRecord) -> None:
    if None in members.values():
        members = {key: value for key, value in members.items() if value is not None}
    try:
        record.stable, record.whole = json_attributes.write(members, shape.volatile)
    except json_attributes.TooDeep:
        name = shape.names[element.tag]
        record.faults.append(
            Fault(line_of(element), name, None, json_attributes.TooDeep.problem, True)
        )
