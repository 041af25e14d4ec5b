"""The values of an element, and of the JSON that was made from it, leaf by leaf.

The walk over the XML is independent of the readers: it follows the text of the JSON
attribute rules, not their code, and knows no record rules.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from lxml import etree
from lxml.etree import QName, _Element

XSI = "http://www.w3.org/2001/XMLSchema-instance"

Leaves = dict[tuple[str, ...], list[str]]
"""By path in local names, the texts in their order."""


def tree(file: Path) -> _Element:
    """The root of a file, read whole, without comments and processing instructions."""
    parser = etree.XMLParser(remove_comments=True, remove_pis=True, resolve_entities=False)
    return etree.parse(file, parser).getroot()


def xml_leaves(element: _Element, *, scalars: bool = False) -> Leaves:
    """What is inside an element; ``scalars`` leaves out its structured children."""
    found: Leaves = {}
    for path, text in _inside(element, (), QName(element).namespace, scalars):
        found.setdefault(path, []).append(text)
    return found


def json_leaves(members: Mapping[str, Any]) -> Leaves:
    """What is inside a JSON object."""
    found: Leaves = {}
    for path, text in _members(members, ()):
        found.setdefault(path, []).append(text)
    return found


def is_malformed(text: str) -> bool:
    """Whether it is a time that programs are known to write wrongly: ``2008-12-04T17:-0:00``."""
    return ":-" in text


def is_structured(element: _Element) -> bool:
    """Whether an element has children or attributes of its own."""
    return len(element) > 0 or any(True for _ in _attributes(element))


def _inside(
    element: _Element, path: tuple[str, ...], home: str | None, scalars: bool
) -> Iterator[tuple[tuple[str, ...], str]]:
    for name, text in _attributes(element):
        yield (*path, "@" + _key(name, home)), text
    if element.text and element.text.strip(" \t\r\n"):
        yield (*path, "#text"), element.text
    for child in element:
        here = (*path, _key(child.tag, home))
        if is_structured(child):
            if not scalars:
                yield from _inside(child, here, home, False)
        elif child.text and child.text.strip(" \t\r\n"):
            yield here, child.text
        if child.tail and child.tail.strip(" \t\r\n"):
            yield (*path, "#text"), child.tail


def _attributes(element: _Element) -> Iterator[tuple[str, str]]:
    for name, text in element.items():
        if QName(name).namespace != XSI and str(text).strip(" \t\r\n"):
            yield str(name), str(text)


def _key(tag: str, home: str | None) -> str:
    name = QName(tag)
    return name.localname if name.namespace in (home, None) else tag


def _members(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, list):
        for one in value:
            yield from _members(one, path)
    else:
        for key, inner in value.items():
            yield from _members(inner, (*path, key))
