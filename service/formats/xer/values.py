"""Converters of cells: from the text that an XER file has to the text that P6 XML has.

Each takes a cell as UTF-8 that is not blank. It returns a cell that it does not understand
unchanged, so that the record rules report it as they report a value of P6 XML.
"""

import re
from binascii import a2b_base64
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Final

from service.formats.text_cache import TextCache
from service.formats.values import DECIMAL_PATTERN, plain
from service.formats.xer.tables import Convert

NEWLINE: Final = b"\x7f\x7f"
"""How P6 writes a line break of a text, whose own characters would end the row."""

TAB: Final = b"\x7f>"
"""How ``mark_tabs`` writes a tab of a text."""

_MOST_TABS: Final = 1_000
"""Tabs of a text that are looked for, so that a row of tabs does not become a list of them."""

_CONTROLS = bytes({*range(0x20)} - {*b"\t\n\r"})
_NOT_IN_XML = re.compile(b"[" + re.escape(_CONTROLS) + b"]|\xef\xbf[\xbe\xbf]")
_REPLACEMENT = "\ufffd".encode()


def replace_forbidden(text: bytes) -> bytes:
    """Replace each character that XML 1.0 cannot have by U+FFFD.

    The file reader calls this before it splits lines into cells. So no cell and no name has such a
    character: libxml2 and PostgreSQL refuse some of them (NUL), and the two engines would differ.

    Args:
        text: UTF-8 that does not end within a character.
    """
    if len(text.translate(None, _CONTROLS)) == len(text) and b"\xef\xbf" not in text:
        return text
    return _NOT_IN_XML.sub(_REPLACEMENT, text)


def mark_tabs(row: bytes, columns: int) -> bytes:
    """Return a row with too many cells in which the tabs of an HTML text are marked.

    P6 keeps notes as HTML. Programs that write XER, such as MPXJ, leave the tabs in it, which
    would move the cells after it into wrong columns. ``TEXT`` reads the mark.

    Args:
        row: its cells, separated by tabs.
        columns: of the table.
    """
    more = row.count(b"\t") + 1 - columns
    if not 0 < more <= _MOST_TABS or b"<html" not in row.lower():
        return row
    cells = row.split(b"\t")
    for first in range(columns):
        last = first + more
        if cells[first][:5].lower() == b"<html" and cells[last].rstrip()[-7:].lower() == b"</html>":
            return b"\t".join(
                (*cells[:first], TAB.join(cells[first : last + 1]), *cells[last + 1 :])
            )
    return row


def _text(cell: bytes) -> bytes:
    if b'"' in cell:
        cell = cell.replace(b'""', b'"')
    return cell.replace(NEWLINE, b"\n").replace(TAB, b"\t") if b"\x7f" in cell else cell


def words(mapping: Mapping[str, str]) -> Convert:
    """Return the converter of an enumeration.

    Args:
        mapping: the words of P6 XML, by those of the XER file.
    """
    return _Words({word.encode(): name.encode() for word, name in mapping.items()}).__getitem__


class _Words(dict[bytes, bytes]):
    """Words, of which unknown ones stay. Its ``__getitem__`` runs without Python code."""

    def __missing__(self, word: bytes) -> bytes:
        return word


_DATE = re.compile(
    rb"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})"
    rb"(?:[ T]([0-9]{2})[:.]?([0-9]{2})(?:[:.]?([0-9]{2}))?)?"
)
"""P6 writes ``2019-06-10 08:00``. Other programs write the rest, which MPXJ reads as well."""


def _date(cell: bytes) -> bytes:
    match = _DATE.fullmatch(cell.strip())
    if match is None:
        return cell
    year, month, day, hour, minute, second = (int(part or 0) for part in match.groups())
    try:
        moment = datetime(year, month, day, hour, minute, second)
    except ValueError:
        return cell
    return moment.isoformat().encode()


def _percent(cell: bytes) -> bytes:
    text = cell.strip()
    if _NUMBER.fullmatch(text) is None:
        return cell
    return plain(Decimal(text.decode()) / 100).encode()


def _number(cell: bytes) -> bytes:
    if _DECIMALS.fullmatch(cell):
        return cell.rstrip(b"0").rstrip(b".")
    if _SMALL.fullmatch(cell):
        return format(Decimal(cell.decode()), "f").encode()
    return cell


_SMALL = re.compile(rb"[+-]?[0-9](?:\.[0-9]{1,16})?[eE]-0{0,2}[1-9]")
"""A number that is smaller than a ten-thousandth, as P6 writes it: ``4.05E-005``."""
_DECIMALS = re.compile(rb"[+-]?[0-9]+\.[0-9]*")
_NUMBER = re.compile(DECIMAL_PATTERN.encode())


def _guid(cell: bytes) -> bytes:
    if _GUID.fullmatch(cell) is None:
        return cell
    parts = a2b_base64(cell + b"==")
    first, second, third = parts[3::-1], parts[5:3:-1], parts[7:5:-1]
    groups = (first, second, third, parts[8:10], parts[10:])
    return f"{{{'-'.join(group.hex().upper() for group in groups)}}}".encode()


_GUID = re.compile(rb"[A-Za-z0-9+/]{22}")

TEXT: Final[Convert] = _text
"""A text, of which P6 doubles the quotes and marks the line breaks."""
GUID: Final[Convert] = _guid
"""A GUID, which P6 writes as base64 of its bytes in the order of Windows."""
DATE: Final[Convert] = TextCache(_date).__getitem__
"""A date, with or without time of day: ``2019-06-10 08:00`` becomes ``2019-06-10T08:00:00``."""
PERCENT: Final[Convert] = TextCache(_percent).__getitem__
"""A percentage from 0 to 100, which becomes the fraction that P6 XML has."""
NUMBER: Final[Convert] = TextCache(_number).__getitem__
"""A number without exponent, and without the zeros that P6 writes to four places."""
FLAG: Final[Convert] = words({"Y": "1", "N": "0"})
"""Yes or no."""


def with_marks(decimal: bytes, group: bytes) -> Convert:
    """Return the converter of numbers that are written with the marks of a currency.

    P6 writes numbers with the decimal mark of the currency that the file's first line names, and
    does not group digits. Grouped digits are read where they cannot be decimals: before a decimal
    mark, or in two groups and more. So ``1.000`` is one, also where the point groups.

    Args:
        decimal: ``decimal_symbol`` of the currency; a text that cannot be a mark means the point.
        group: ``digit_group_symbol`` of the currency; such a text means that nothing groups.
    """
    decimal = decimal if _MARK.fullmatch(decimal) else b"."
    group = group if _MARK.fullmatch(group) and group != decimal else b""
    mark, groups = re.escape(decimal), rb"[0-9]+"
    if group:
        escaped = re.escape(group)
        groups += rb"|[0-9]{1,3}(?:%b[0-9]{3})+(?=%b)" % (escaped, mark)
        groups += rb"|[0-9]{1,3}(?:%b[0-9]{3}){2,}" % escaped
    matches = re.compile(
        rb"([+-]?)(%b|)(?:%b([0-9]*))?([eE][+-]?[0-9]{1,3})?" % (groups, mark)
    ).fullmatch

    def convert(cell: bytes) -> bytes:
        match = matches(cell.strip())
        if match is None:
            return cell
        sign, whole, decimals, exponent = match.groups(b"")
        whole = whole.replace(group, b"") if group else whole
        if not whole and not decimals:
            return cell
        return sign + (whole or b"0") + (b"." + decimals if decimals else b"") + exponent

    return convert


_MARK = re.compile(rb"[^0-9A-Za-z+\-\x80-\xff]|[\xc0-\xff][\x80-\xbf]+")
"""One character, which no number has in another meaning."""
