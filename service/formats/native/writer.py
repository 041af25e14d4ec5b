"""Writes a project as native XML, so that importing it again gives the same content.

The record rules of the native format define the place of each column, for writing as for reading.
Rows have values as PostgreSQL prints them: timestamps in ISO style, intervals in ``iso_8601``.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Final, NamedTuple

import orjson
from lxml import etree

from service.formats import values
from service.formats.native import mapping as native
from service.formats.record_rules import RecordRule
from service.formats.values import BLANK, NOT_IN_XML
from service.tables import Table

Row = Mapping[str, str | None]
"""Text by column; ``attributes`` is a JSON object."""


class Group(NamedTuple):
    """Records of one kind: their parent element, the element of each record, and its rule."""

    holder: str
    tag: str
    record: RecordRule


GROUPS: Final[dict[Table, Group]] = {
    Table.TASKS: Group("tasks", "task", native.TASK),
    Table.DEPENDENCIES: Group("dependencies", "dependency", native.DEPENDENCY),
    Table.RESOURCES: Group("resources", "resource", native.RESOURCE),
    Table.ASSIGNMENTS: Group("assignments", "assignment", native.ASSIGNMENT),
    Table.BASELINES: Group("baselines", "baseline", native.BASELINE),
    Table.BASELINE_TASKS: Group("baseline-tasks", "baseline-task", native.BASELINE_TASK),
    Table.PARTS: Group("parts", "part", native.PART),
}
SHARED_OBJECTS: Final = Group("shared-objects", "object", native.SHARED_OBJECT)

_HEAD: Final = b'<?xml version="1.0" encoding="UTF-8"?>\n<projects xmlns="%b">\n'
_EMPTY: Final = "{}"


def begin_file(project: Row) -> bytes:
    """Return the beginning of a file, up to the values of the project itself.

    Args:
        project: its row, with ``external_id``; ``read_at`` is its version on the server.
    """
    element = _serialise(_element("project", native.PROJECT, project))
    begun = element.removesuffix(b"</project>")  # never empty, because a project has a name
    return _HEAD % native.NAMESPACE.encode() + begun + b"\n"


def end_file() -> bytes:
    """Return the end of a file."""
    return b"</project>\n</projects>\n"


def begin_group(group: Group) -> bytes:
    """Return the tag before a group's records."""
    return b"<%b>\n" % group.holder.encode()


def end_group(group: Group) -> bytes:
    """Return the tag after a group's records."""
    return b"</%b>\n" % group.holder.encode()


def write_record(group: Group, row: Row) -> bytes:
    """Return one record as XML."""
    return _serialise(_element(group.tag, group.record, row)) + b"\n"


def _serialise(element: etree._Element) -> bytes:
    """Return an element in UTF-8, without the namespace, which the root of the file declares."""
    return etree.tostring(element, encoding="UTF-8", xml_declaration=False)


def _element(tag: str, rule: RecordRule, row: Row) -> etree._Element:
    element = etree.Element(tag)
    for place in value_places(rule):
        value = row[place.column]
        if value is None or (text := place.write(value)) == place.default:
            continue
        if place.is_attribute:
            element.set(place.name, text)
        else:
            etree.SubElement(element, place.name).text = text
    attributes = row["attributes"]
    if attributes is not None and attributes != _EMPTY:
        holder = element
        if rule.named is not None and rule.named.container is not None:
            holder = etree.SubElement(element, rule.named.container)
        holder.extend(list(_attributes(attributes)))
    return element


class ValuePlace(NamedTuple):
    """The place of a column's value in the XML.

    Attributes:
        column: the column.
        name: name of a child element or of an XML attribute.
        is_attribute: whether it is an XML attribute.
        write: converts the value that PostgreSQL prints to XML text.
        default: XML text of the value that is omitted, or None.
    """

    column: str
    name: str
    is_attribute: bool
    write: Callable[[str], str]
    default: str | None


@cache
def value_places(rule: RecordRule) -> tuple[ValuePlace, ...]:
    """Return the place of each value of a record, in the order of the rule."""
    places = []
    for field in rule.fields:
        write = _WRITE.get(field.kind.name, str)
        default = rule.defaults.get(field.column)
        absent = None if default is None else write(default.decode())
        name = field.source.removeprefix("@")
        places.append(ValuePlace(field.column, name, name != field.source, write, absent))
    return tuple(places)


def _duration(text: str) -> str:
    """Move the sign to the front, as in XML Schema. PostgreSQL repeats it before each number."""
    return "-" + text.replace("-", "") if "-" in text else text


_WRITE: Final[dict[str, Callable[[str], str]]] = {
    values.BOOLEAN.name: lambda text: "true" if text.startswith("t") else "false",
    values.DURATION.name: _duration,
    values.TIMESTAMP.name: lambda text: text.replace(" ", "T"),
}


def _attributes(members: str) -> Iterator[etree._Element]:
    """Yield each member as an ``attribute``: plain text if that reads the same, otherwise JSON."""
    values_by_name = json.loads(members, parse_int=_number, parse_float=_number)
    for name, value in values_by_name.items():
        element = etree.Element("attribute", name=name)
        if isinstance(value, str) and value.strip(BLANK) and not NOT_IN_XML.search(value):
            element.text = value
        else:
            element.set("type", "json")
            written = orjson.dumps(value).decode()
            element.text = NOT_IN_XML.sub(lambda match: f"\\u{ord(match[0]):04x}", written)
        yield element


def _number(text: str) -> orjson.Fragment:
    """Keep all digits, because a float would lose some."""
    return orjson.Fragment(text.encode())
