"""The JSON attribute rules: how elements and XML attributes without a column become JSON.

- A leaf element becomes its text, never a number.
- An element that is empty or blank and has no XML attributes is omitted. ``xsi:*`` is ignored.
- An XML attribute becomes ``"@name"``; the text beside it becomes ``"#text"``.
- Children become members, keyed by local name (``{ns}name`` for a foreign one). A child with
  children or XML attributes is always an object in an array, so that a query for baselines does
  not break on a file with one baseline. A leaf is a string, and an array only where it repeats.

Comments, processing instructions, empty elements and the order between different names are lost.
"""

from collections.abc import Callable, Mapping
from sys import getsizeof
from typing import ClassVar, Final, Protocol

import orjson

from service.errors import FileTooLarge
from service.formats.element import Element
from service.formats.values import BLANK

XSI = "{http://www.w3.org/2001/XMLSchema-instance}"
EMPTY = b"{}"
STEP: Final = 128
"""Elements read before other imports get their turn."""
MAX_NAMES_SIZE: Final = 8 * 1024 * 1024
"""Bytes of memory for the names of one file."""

Members = dict[str, object]


class TooDeep(Exception):
    """Elements are nested too deeply to be written as JSON."""

    problem: ClassVar[str] = "is nested too deep"


class TagKeys(dict[str, str]):
    """The key of each tag in Clark notation: its local name, or the whole tag if it is foreign.

    It grows with each name that a file uses.

    Args:
        namespace: of the format's elements; empty for none.
        most: largest number of names.
        give_way: see ``FileContext``; called in loops over the elements of the file.

    Raises:
        FileTooLarge: when a name is added: the names are too many, or too long together. It is
            raised once; later names are looked up, but not kept.
    """

    def __init__(
        self, namespace: str, most: int = 20_000, give_way: Callable[[], None] = lambda: None
    ) -> None:
        super().__init__()
        self.namespace = namespace
        self.give_way = give_way
        self._most = most
        self._prefix = f"{{{namespace}}}" if namespace else ""
        self._size = 0
        self._full = False
        self._earlier = 0
        self._earlier_size = 0

    def begin_file(self, give_way: Callable[[], None]) -> None:
        """Count the names of another file, apart from those of earlier ones."""
        self.give_way = give_way
        self._earlier, self._earlier_size = len(self), self._size

    def __missing__(self, tag: str) -> str:
        name = tag.removeprefix(self._prefix)
        if self._full:
            return name
        self._size += getsizeof(tag) + (getsizeof(name) if name is not tag else 0)
        count, size = len(self) - self._earlier, self._size - self._earlier_size
        self._full = count >= self._most or size > MAX_NAMES_SIZE
        if count >= self._most:
            raise FileTooLarge(f"the file uses more than {self._most} distinct names")
        if self._full:
            raise FileTooLarge(f"the names in the file take more than {MAX_NAMES_SIZE} bytes")
        self[tag] = name
        return name


def local(tag: str) -> str:
    """Return a tag's name without its namespace."""
    return tag.rpartition("}")[2]


def is_leaf(element: Element) -> bool:
    """Whether an element contains only text."""
    return not len(element) and all(name.startswith(XSI) for name, _ in element.items())


class Without(Protocol):
    """What ``content`` leaves out of an element.

    Attributes:
        apart: tags of the children to leave out.
        groups: by tag, what to leave out of other children.
    """

    @property
    def apart(self) -> frozenset[str]: ...
    @property
    def groups(self) -> "Mapping[str, Without]": ...


def content(
    element: Element, keys: TagKeys, without: Without | None = None
) -> str | Members | None:
    """Return the content of one element: its text, its members, or None.

    Args:
        element: the element, complete; it is not changed.
        keys: keys of tags; grows by those of this element.
        without: what to leave out.
    """
    members: Members = {}
    for name, text in element.items():
        if not name.startswith(XSI) and text.strip(BLANK):
            members["@" + keys[name]] = text
    text = element.text or ""
    if not len(element):
        if not members:
            return text if text.strip(BLANK) else None
        if text.strip(BLANK):
            members["#text"] = text
        return members
    if text.strip(BLANK):
        put(members, "#text", text)
    for count, child in enumerate(element, 1):
        if count % STEP == 0:
            keys.give_way()
        if without is None:
            inner = content(child, keys)
        elif child.tag in without.apart:
            inner = None
        else:
            inner = content(child, keys, without.groups.get(child.tag))
        if inner is not None:
            put(members, keys[child.tag], inner)
        tail = child.tail
        if tail is not None and tail.strip(BLANK):
            put(members, "#text", tail)
    return members or None


def members(element: Element, keys: TagKeys) -> Members:
    """Return the content of one element as members, also if it is only a text."""
    inner = content(element, keys)
    if isinstance(inner, str):
        return {"#text": inner}
    return inner or {}


def put(members: Members, key: str, value: str | Members) -> None:
    """Add the content of one child under its key."""
    before = members.get(key)
    if before is None:
        members[key] = value if isinstance(value, str) else [value]
    elif isinstance(before, list):
        before.append(value)
    else:
        members[key] = [before, value]


def write(members: Members, volatile: frozenset[str]) -> tuple[bytes, bytes]:
    """Write members as canonical JSON: keys sorted, volatile members of the top level last.

    Returns:
        the JSON without the volatile members, and the JSON with them; both are the same object if
        there are none.

    Raises:
        TooDeep: they are nested more than about 127 levels deep.
    """
    if volatile.isdisjoint(members):
        stable = _dump(members)
        return stable, stable
    stable = _dump({key: value for key, value in members.items() if key not in volatile})
    changing = _dump({key: value for key, value in members.items() if key in volatile})
    return stable, changing if stable == EMPTY else stable[:-1] + b"," + changing[1:]


def _dump(members: Members) -> bytes:
    try:
        return orjson.dumps(members, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError as error:
        raise TooDeep from error
