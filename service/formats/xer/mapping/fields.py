"""Shorthands of the mapping: the destinations of columns by the kind of their values."""

import re
from collections.abc import Mapping
from typing import Final

from service.formats.xer.tables import Cell
from service.formats.xer.values import DATE, FLAG, GUID, NUMBER, PERCENT, TEXT, words

CONSUMED: Final = Cell("")
"""A column that becomes no child: its value is where the element is, or in a derived child."""


def same(name: str) -> Cell:
    """Return the destination of an id or a whole number, which are the same in both formats."""
    return Cell(name)


def text(name: str) -> Cell:
    """Return the destination of a text."""
    return Cell(name, TEXT)


def date(name: str) -> Cell:
    """Return the destination of a date."""
    return Cell(name, DATE)


def flag(name: str) -> Cell:
    """Return the destination of a yes or no."""
    return Cell(name, FLAG)


def guid(name: str = "GUID") -> Cell:
    """Return the destination of a GUID."""
    return Cell(name, GUID)


def number(name: str) -> Cell:
    """Return the destination of a number: hours, units, or a factor."""
    return Cell(name, number=True)


def rate(name: str) -> Cell:
    """Return the destination of units in a time, which may be so small that it has an exponent."""
    return Cell(name, NUMBER, number=True)


def percent(name: str) -> Cell:
    """Return the destination of a percentage, which P6 XML writes as a fraction."""
    return Cell(name, PERCENT, number=True)


def cost(name: str) -> Cell:
    """Return the destination of money or of a user's number, without zeros at the end."""
    return Cell(name, NUMBER, number=True)


def color(name: str) -> Cell:
    """Return the destination of a color, of which XER files have the hexadecimal digits."""
    return Cell(name, _color)


def word(name: str, mapping: Mapping[str, str]) -> Cell:
    """Return the destination of a word.

    Args:
        mapping: the words of P6 XML, by those of XER files.
    """
    return Cell(name, words(mapping))


def _color(cell: bytes) -> bytes:
    return b"#" + cell if _COLOR.fullmatch(cell) else cell


_COLOR: Final = re.compile(rb"[0-9A-Fa-f]{6}")

AUDIT: Final = {
    "create_date": date("CreateDate"),
    "create_user": text("CreateUser"),
    "update_date": date("LastUpdateDate"),
    "update_user": text("LastUpdateUser"),
}
"""Columns that many tables have."""
