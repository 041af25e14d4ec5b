"""A project written as native XML out of its rows: read again, it is the same content.

The maps that native XML is read by say where each column goes, so that writing and reading cannot
part. Rows are what PostgreSQL prints, timestamps in ISO style and intervals in ``iso_8601``.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Final, NamedTuple

import orjson
from lxml import etree

from service.formats import values
from service.formats.native import format as native
from service.formats.record_maps import RecordMap
from service.formats.values import BLANK
from service.tables import Table

Row = Mapping[str, str | None]
"""Text by column; ``attributes`` is a JSON object."""


class Group(NamedTuple):
    """Records of one kind: the element that holds them, what one is called, and its map."""

    holder: str
    tag: str
    record: RecordMap


GROUPS: Final[dict[Table, Group]] = {
    Table.TASKS: Group("tasks", "task", native.TASK),
    Table.DEPENDENCIES: Group("dependencies", "dependency", native.DEPENDENCY),
    Table.RESOURCES: Group("resources", "resource", native.RESOURCE),
    Table.ASSIGNMENTS: Group("assignments", "assignment", native.ASSIGNMENT),
    Table.PARTS: Group("parts", "part", native.PART),
}
SHARED: Final = Group("shared-objects", "object", native.SHARED)

_HEAD: Final = b'<?xml version="1.0" encoding="UTF-8"?>\n<projects xmlns="%b">\n'
_NOTHING: Final = "{}"
_NOT_IN_XML: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
"""What JSON may hold and XML 1.0 may not (section 2.2), but for halves of surrogate pairs."""


def opening(own: Row) -> bytes:
    """The file's beginning, with all that the project says itself.

    Args:
        own: its row, with ``external_id``; ``read_at`` is the server's version of it.
    """
    written = _serialised(_record("project", native.PROJECT, own))
    begun = written.removesuffix(b"</project>")  # a project has a name, so that it is not empty
    return _HEAD % native.NAMESPACE.encode() + begun + b"\n"


def closing() -> bytes:
    """The file's end."""
    return b"</project>\n</projects>\n"


def begin(group: Group) -> bytes:
    """What stands before a group's records."""
    return b"<%b>\n" % group.holder.encode()


def end(group: Group) -> bytes:
    """What stands behind them."""
    return b"</%b>\n" % group.holder.encode()


def record(group: Group, row: Row) -> bytes:
    """One record."""
    return _serialised(_record(group.tag, group.record, row)) + b"\n"


def _serialised(element: etree._Element) -> bytes:
    """UTF-8 without a namespace: that of the file's root holds."""
    return etree.tostring(element, encoding="UTF-8", xml_declaration=False)


def _record(tag: str, record_map: RecordMap, row: Row) -> etree._Element:
    element = etree.Element(tag)
    for place in value_places(record_map):
        value = row[place.column]
        if value is None or (text := place.write(value)) == place.default:
            continue
        if place.is_attribute:
            element.set(place.name, text)
        else:
            etree.SubElement(element, place.name).text = text
    attributes = row["attributes"]
    if attributes is not None and attributes != _NOTHING:
        holder = element
        if "attributes" in record_map.gather:
            holder = etree.SubElement(element, "attributes")
        holder.extend(list(_attributes(attributes)))
    return element


class ValuePlace(NamedTuple):
    """Where the value of a column is written.

    Attributes:
        column: the column.
        name: name of a child element or of an XML attribute.
        is_attribute: whether it is an XML attribute.
        write: makes XML text of what PostgreSQL prints.
        default: XML text of the value that is left out, or None.
    """

    column: str
    name: str
    is_attribute: bool
    write: Callable[[str], str]
    default: str | None


@cache
def value_places(record_map: RecordMap) -> tuple[ValuePlace, ...]:
    """Return where each value of a record is written, in the order of the map."""
    places = []
    for field in record_map.fields:
        write = _WRITE.get(field.kind.name, str)
        default = record_map.defaults.get(field.column)
        absent = None if default is None else write(default.decode())
        name = field.source.removeprefix("@")
        places.append(ValuePlace(field.column, name, name != field.source, write, absent))
    return tuple(places)


def _duration(text: str) -> str:
    """PostgreSQL has a sign at each number, XML Schema one in front; they never differ."""
    return "-" + text.replace("-", "") if "-" in text else text


_WRITE: Final[dict[str, Callable[[str], str]]] = {
    values.BOOLEAN.name: lambda text: "true" if text.startswith("t") else "false",
    values.DURATION.name: _duration,
    values.TIMESTAMP.name: lambda text: text.replace(" ", "T"),
}


def _attributes(members: str) -> Iterator[etree._Element]:
    """Each member as an ``attribute``: as JSON where its text would read as something else."""
    said = json.loads(members, parse_int=_number, parse_float=_number)
    for name, value in said.items():
        element = etree.Element("attribute", name=name)
        if isinstance(value, str) and value.strip(BLANK) and not _NOT_IN_XML.search(value):
            element.text = value
        else:
            element.set("type", "json")
            written = orjson.dumps(value).decode()
            element.text = _NOT_IN_XML.sub(lambda found: f"\\u{ord(found[0]):04x}", written)
        yield element


def _number(text: str) -> orjson.Fragment:
    """Digits as they are: a float would lose some."""
    return orjson.Fragment(text.encode())
