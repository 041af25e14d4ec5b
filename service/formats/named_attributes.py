"""Attributes by name, as native XML writes them: ``<attribute name="risk">high</attribute>``.

A value of ``type="json"`` is any JSON. It is written anew, keys sorted and numbers plain, so that
what PostgreSQL makes of it reads to the same text again.
"""

import json
import re
from decimal import Decimal, InvalidOperation
from typing import NoReturn

import orjson

from service.formats import json_attributes
from service.formats.element import Element
from service.formats.engine.record_parser import Fault
from service.formats.json_attributes import Members
from service.formats.source_line import line_of
from service.formats.values import BLANK, plain

_MOST_DIGITS = 100
MOST_VALUES = 250_000
"""In one JSON text: each takes some hundred bytes while it is read."""
_NUL = re.compile(rb"(?<!\\)(\\\\)*\\u0000")


def gather_attributes(container: Element, members: Members) -> list[Fault]:
    """Read ``<attributes>`` into members, and tell the faults in it."""
    faults: list[Fault] = []
    if container.keys() or (container.text or "").strip(BLANK):
        faults.append(_fault(container, "attributes", None, "holds more than attribute elements"))
    if next(container.itersiblings(container.tag, preceding=True), None) is not None:
        faults.append(_fault(container, "attributes", None, "is there more than once"))
    for child in container:
        if json_attributes.local(child.tag) == "attribute":
            faults += gather_attribute(child, members)
        else:
            faults.append(
                _fault(child, json_attributes.local(child.tag), None, "is not known here")
            )
        if (child.tail or "").strip(BLANK):
            faults.append(_fault(container, "attributes", child.tail, "holds text of its own"))
    return faults


def gather_attribute(child: Element, members: Members) -> list[Fault]:
    """Read one ``<attribute>`` into members, and tell the faults in it."""
    name, kind = child.get("name"), None
    for key, text in child.items():
        if key == "type" and (kind := text.strip(BLANK)) in {"", "text", "json"}:
            continue
        if key != "name":
            return [_fault(child, key, text, "is not known on an attribute")]
    if name is None or not name.strip(BLANK):
        return [_fault(child, "attribute", None, "has no name")]
    if len(child):
        return [_fault(child, "attribute", name, "has elements inside")]
    if name in members:
        return [_fault(child, "attribute", name, "is there more than once")]
    text = child.text or ""
    if not text.strip(BLANK):
        members[name] = None
        return []
    if kind != "json":
        members[name] = text
        return []
    try:
        members[name] = canonical_json(text)
    except ValueError as error:
        members[name] = None
        return [_fault(child, name, text, f"is not JSON that can be kept: {error}")]
    return []


def canonical_json(text: str) -> orjson.Fragment:
    """JSON as it will read again when it comes back from the database.

    Raises:
        ValueError: it is not JSON, or not JSON that PostgreSQL takes.
    """
    if sum(map(text.count, "[{,")) > MOST_VALUES:
        raise ValueError(f"it has more than {MOST_VALUES} values")
    try:
        value = json.loads(
            text, parse_int=_number, parse_float=_number, parse_constant=_not_a_number
        )
        written = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except (RecursionError, orjson.JSONEncodeError) as error:
        raise ValueError("nested too deep, or half a surrogate pair") from error
    if _NUL.search(written):
        raise ValueError("a text holds the character U+0000")
    return orjson.Fragment(written)


def _number(text: str) -> orjson.Fragment:
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = Decimal("Infinity")
    if len(text) > _MOST_DIGITS or abs(number.adjusted()) > _MOST_DIGITS:
        raise ValueError(f"a number has more than {_MOST_DIGITS} digits")
    return orjson.Fragment(plain(number))


def _not_a_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is not JSON")


def _fault(where: Element, name: str, value: str | None, problem: str) -> Fault:
    return Fault(line_of(where), name, value, problem, True)
