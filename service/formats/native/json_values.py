"""Values of ``type="json"`` in native XML: ``<attribute name="risk" type="json">[1]</attribute>``.

This module writes them with sorted keys and plain numbers. The JSON that PostgreSQL prints for a
stored value therefore gives the same text when it is imported again.
"""

import contextlib
import json
from decimal import Decimal, InvalidOperation
from typing import Final, NoReturn

import orjson

from service.formats.values import plain

MAX_VALUES: Final = 250_000
"""Largest number of values in one JSON text: each takes some hundred bytes while it is read."""

_MAX_DIGITS: Final = 100
_MAX_ADDED_BYTES: Final = 1024 * 1024
"""Bytes that the numbers of one JSON text may gain when they are written without exponents."""
_SHORT: Final = 15
"""Digits of an integer that Python and orjson surely keep."""


def parse_json(text: str) -> orjson.Fragment:
    """Read the text of such a value.

    Raises:
        ValueError: with the problem, which follows the value in a message.
    """
    try:
        return canonical_json(text)
    except ValueError as error:
        raise ValueError(f"is not JSON that can be kept: {error}") from error


def canonical_json(text: str) -> orjson.Fragment:
    """Return JSON in the form that it has after a round trip through the database.

    Raises:
        ValueError: it is not JSON, or not JSON that PostgreSQL accepts.
    """
    if sum(map(text.count, "[{,")) > MAX_VALUES:
        raise ValueError(f"it has more than {MAX_VALUES} values")
    added = 0

    def parse_float(number: str) -> orjson.Fragment:
        nonlocal added
        written = _write_number(number)
        added += len(written) - len(number)
        if added > _MAX_ADDED_BYTES:
            raise ValueError("its numbers are too long when they are written without exponents")
        return orjson.Fragment(written)

    try:
        value = json.loads(
            text, parse_int=_parse_int, parse_float=parse_float, parse_constant=_refuse_constant
        )
        written = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except (RecursionError, orjson.JSONEncodeError) as error:
        raise ValueError("nested too deep, or half a surrogate pair") from error
    # Without the escaped backslashes, every backslash that is left begins an escape.
    if b"\\u0000" in written and b"\\u0000" in written.replace(b"\\\\", b""):
        raise ValueError("a text holds the character U+0000")
    return orjson.Fragment(written)


def _parse_int(text: str) -> int | orjson.Fragment:
    return int(text) if len(text) <= _SHORT else orjson.Fragment(_write_number(text))


def _write_number(text: str) -> str:
    if len(text) <= _SHORT and "e" not in text and "E" not in text:
        written = text.rstrip("0").rstrip(".") if "." in text else text
        return "0" if written == "-0" else written
    number = None
    if len(text) <= _MAX_DIGITS:
        with contextlib.suppress(InvalidOperation):  # an enormous exponent
            number = Decimal(text)
    if number is None or abs(number.adjusted()) > _MAX_DIGITS:
        raise ValueError(f"a number has more than {_MAX_DIGITS} digits")
    return plain(number)


def _refuse_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is not JSON")
