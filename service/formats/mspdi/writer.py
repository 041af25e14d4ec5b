"""Writes the records of a project as Microsoft Project's XML.

The record rules of the format define the element of each column, for writing as for reading. An
element that is kept in ``attributes`` is written from there, as its file had it.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from functools import cache
from typing import Any, Final

from lxml import etree

from service.formats import values
from service.formats.mspdi import mapping as mspdi
from service.formats.mspdi.element_order import place_of
from service.formats.record_rules import Field, RecordRule
from service.formats.values import NULL

Row = Mapping[str, str | None]
"""Text by column; ``attributes`` is a JSON object."""
Members = dict[str, list[Any]]
"""Values by name, as in ``attributes``: a text for a leaf, a dictionary for an element."""
_Inverse = Callable[[str | None], str | None]

HOLDERS: Final = {path.partition("/")[2]: path.partition("/")[0] for path in mspdi.PARTS} | {
    "Task": "Tasks",
    "Resource": "Resources",
    "Assignment": "Assignments",
}
"""The element that holds the elements of a name."""

_HEAD: Final = b'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<Project xmlns="%b">\n'
_CLOCK: Final = re.compile(r"PT(?:(-?\d+)H)?(?:(-?\d+)M)?(?:(-?[\d.]+)S)?")
_EMPTY: Final = "Empty"
"""Name of an element without content, which readers ignore, between two texts."""


def begin_file(project: Row, namespace: str) -> bytes:
    """Return the beginning of a file, with the values of the project itself."""
    element = _element("Project", members_of(mspdi.PROJECT, project))
    return _HEAD % namespace.encode() + b"".join(_serialise(child) for child in element)


def end_file() -> bytes:
    """Return the end of a file."""
    return b"</Project>\n"


def write_record(tag: str, members: Members) -> bytes:
    """Return one record as XML, its children in the order of the vendor's schema."""
    return _serialise(_element(tag, members))


def members_of(rule: RecordRule, row: Row) -> Members:
    """Return the children of a record.

    Args:
        rule: of the record.
        row: its row.
    """
    attributes = part_members(row)
    members: Members = {}
    for name, column, write in _places(_variant(rule, attributes)):
        if (text := write(row[column])) is not None:
            members[name] = [text]
    for name, found in attributes.items():
        members.setdefault(name, []).extend(found)
    return members


def part_members(row: Row) -> Members:
    """Return the members of a row's attributes, each as a list."""
    attributes = json.loads(row["attributes"] or "{}", parse_int=str, parse_float=str)
    return {name: _listed(value) for name, value in attributes.items()}


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _variant(rule: RecordRule, attributes: Members) -> RecordRule:
    """Return the rule that reads a record with these attributes."""
    for column, variant in rule.variants.items():
        field = next(each for each in rule.fields if each.column == column)
        texts = attributes.get(field.name, [])
        if texts and field.kind.parse(str(texts[0])) == b"t" and not variant.as_part:
            return variant
    return rule


@cache
def _places(rule: RecordRule) -> tuple[tuple[str, str, _Inverse], ...]:
    """Return element, column and inverse of each column that attributes do not keep."""
    return tuple(
        (field.name, field.column, _inverse(field))
        for field in rule.fields
        if field.column in rule.columns and not field.keep and not field.rank
    )


def _inverse(field: Field) -> _Inverse:
    """Return the function from a column's text, as PostgreSQL prints it, to the element's."""
    words = {value.decode(): word for word, value in field.kind.words.items() if value is not NULL}
    none = next((word for word, value in field.kind.words.items() if value is NULL), None)
    write = _WRITE.get(field.kind.name, str)

    def write_text(text: str | None) -> str | None:
        if text is None:
            return none
        return words[text] if text in words else write(text)

    return write_text


def _duration(text: str) -> str:
    """Write a duration as Microsoft Project does, with hours, minutes and seconds."""
    sign = "-" if "-" in text else ""
    text = text.replace("-", "")
    if not (match := _CLOCK.fullmatch(text)):
        return sign + text
    hours, minutes, seconds = (part or "0" for part in match.groups())
    return f"{sign}PT{hours}H{minutes}M{seconds}S"


def _tenths(text: str) -> str:
    """Write a duration without days in tenths of a minute."""
    match = _CLOCK.fullmatch(text)
    if match is None:
        return "0"
    hours, minutes, seconds = (Decimal(part or "0") for part in match.groups())
    return str(int(((hours * 60 + minutes) * 60 + seconds) / 6))


_WRITE: Final[dict[str, Callable[[str], str]]] = {
    values.BOOLEAN.name: lambda text: "1" if text.startswith("t") else "0",
    values.DURATION.name: _duration,
    values.TENTHS.name: _tenths,
    values.HUNDREDTHS.name: lambda text: values.plain(Decimal(text) * 100),
    values.TIMESTAMP.name: lambda text: text.replace(" ", "T"),
}


def _element(tag: str, members: Members) -> etree._Element:
    element = etree.Element(tag)
    _fill(element, members)
    return element


def _fill(element: etree._Element, members: Mapping[str, Any]) -> None:
    """Add members to an element: the inverse of the JSON attribute rules."""
    for name in sorted(members, key=lambda name: place_of(element.tag, name)):
        found = _listed(members[name])
        if name.startswith("@"):
            _set(element, name[1:], found[0])
        elif name != "#text":
            for value in found:
                _add(element, name, value)
    _set_texts(element, _listed(members.get("#text", [])))


def _add(element: etree._Element, name: str, value: Any) -> None:
    if value is None:
        return
    try:
        child = etree.SubElement(element, name)
    except ValueError:
        return  # not a name in XML: no file of Microsoft Project has it
    if isinstance(value, dict):
        _fill(child, value)
    else:
        child.text = _in_xml(_text(value))


def _set(element: etree._Element, name: str, value: Any) -> None:
    try:
        element.set(name, _in_xml(_text(value)))
    except ValueError:
        return


def _in_xml(text: str) -> str:
    """Replace what XML excludes. No file of Microsoft Project has it, but JSON allows it."""
    return values.NOT_IN_XML.sub("\ufffd", text)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "1" if value else "0"
    return value if isinstance(value, str) else json.dumps(value)


def _set_texts(element: etree._Element, texts: list[Any]) -> None:
    """Set the texts before, between and after the children of an element."""
    children: Iterator[etree._Element] = iter(list(element))
    for place, text in enumerate(map(_text, texts)):
        if place == 0:
            element.text = _in_xml(text)
            continue
        child = next(children, None)
        if child is None:
            child = etree.SubElement(element, _EMPTY)
        child.tail = _in_xml(text)


def _serialise(element: etree._Element) -> bytes:
    """Return an element in UTF-8, without the namespace, which the root of the file declares."""
    return etree.tostring(element, encoding="UTF-8", xml_declaration=False) + b"\n"
