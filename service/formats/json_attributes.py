"""Rule J: how what has no column of its own becomes JSON.

A leaf becomes its text, never a number. What is empty or white space only, without attributes, is
absent; ``xsi:*`` is ignored. XML attributes become ``"@name"``, text beside them ``"#text"``.
Children become members keyed by local name (``{ns}name`` if foreign): one that has children or
attributes of its own is an object in an array, once or many times, so that a query does not break
on the file with one baseline; a leaf is a string, and an array only where it repeats.

Comments, processing instructions, empties and the order between different names are lost.
"""

from typing import ClassVar

import orjson

from service.formats.element import Element
from service.formats.values import BLANK

XSI = "{http://www.w3.org/2001/XMLSchema-instance}"
EMPTY = b"{}"

Members = dict[str, object]


class TooDeep(Exception):
    """Elements are nested deeper than JSON may be."""

    problem: ClassVar[str] = "is nested too deep"


class TagKeys(dict[str, str]):
    """From a tag in Clark notation to its key: the local name, or the tag itself if foreign.

    It grows by every name that a file uses, which is how distinct names are counted.
    """

    def __init__(self, namespace: str) -> None:
        super().__init__()
        self.namespace = namespace
        self._prefix = f"{{{namespace}}}" if namespace else ""

    def __missing__(self, tag: str) -> str:
        name = self[tag] = tag.removeprefix(self._prefix)
        return name


def local(tag: str) -> str:
    """A tag's name without its namespace."""
    return tag.rpartition("}")[2]


def is_leaf(element: Element) -> bool:
    """Whether there is nothing in an element but text."""
    return not len(element) and all(name.startswith(XSI) for name, _ in element.items())


def content(element: Element, names: TagKeys) -> str | Members | None:
    """What one element says: text, members, or nothing.

    Args:
        element: read whole, never changed.
        names: keys of tags; grows by those met.
    """
    members: Members = {}
    for name, text in element.items():
        if not name.startswith(XSI) and text.strip(BLANK):
            members["@" + names[name]] = text
    text = element.text or ""
    if not len(element):
        if not members:
            return text if text.strip(BLANK) else None
        if text.strip(BLANK):
            members["#text"] = text
        return members
    if text.strip(BLANK):
        put(members, "#text", text)
    for child in element:
        inner = content(child, names)
        if inner is not None:
            put(members, names[child.tag], inner)
        tail = child.tail
        if tail is not None and tail.strip(BLANK):
            put(members, "#text", tail)
    return members or None


def put(members: Members, key: str, value: str | Members) -> None:
    """Add what one child says under its key."""
    before = members.get(key)
    if before is None:
        members[key] = value if isinstance(value, str) else [value]
    elif isinstance(before, list):
        before.append(value)
    else:
        members[key] = [before, value]


def write(members: Members, volatile: frozenset[str]) -> tuple[bytes, bytes]:
    """Write members as canonical JSON: keys sorted, the volatile ones of the top level last.

    Returns:
        the JSON without the volatile members, and with them (the same object where there are none).

    Raises:
        TooDeep: where they are nested deeper than about 127 elements.
    """
    if volatile.isdisjoint(members):
        stable = _dump(members)
        return stable, stable
    stable = _dump({key: value for key, value in members.items() if key not in volatile})
    moving = _dump({key: value for key, value in members.items() if key in volatile})
    return stable, moving if stable == EMPTY else stable[:-1] + b"," + moving[1:]


def _dump(members: Members) -> bytes:
    try:
        return orjson.dumps(members, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError as error:
        raise TooDeep from error
