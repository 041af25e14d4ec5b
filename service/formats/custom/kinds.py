"""The kind of a column's values, by the column and what a format file says about it."""

import re
from typing import Final

from service.formats import values
from service.formats.custom.language import LEVEL, Decimal, Scalar, Source
from service.formats.values import NULL, Kind
from service.tables import Column, Type

_KINDS: Final[dict[Type, dict[str, Kind]]] = {
    Type.TEXT: {"text": values.TEXT, "id": values.ID, "guid": values.GUID},
    Type.INTEGER: {"integer": values.INTEGER},
    Type.NUMERIC: {"decimal": values.DECIMAL},
    Type.BOOLEAN: {"boolean": values.BOOLEAN},
    Type.TIMESTAMP: {"timestamp": values.MOMENT, "date": values.DATE},
    Type.INTERVAL: {"duration": values.DURATION},
}
"""The types that the columns of a type can have; the first is the default."""
_ID: Final = {"id": values.ID}
_GUID: Final = {"guid": values.GUID, "text": values.TEXT}
_PERCENT: Final = {"percent": values.PERCENT, "fraction": values.FRACTION}
_LEVEL: Final = {
    "integer": values.pattern("level", "[0-9]{1,5}", "is not an outline level"),
}
_SECONDS: Final = {"hours": 3600, "minutes": 60, "seconds": 1}
_NUMBERS: Final = frozenset(
    each.name
    for each in (
        values.INTEGER,
        values.DECIMAL,
        values.HUNDREDTHS,
        values.PERCENT,
        values.FRACTION,
    )
)
_DIRECTIVES: Final = re.compile("%(.?)")


def kind_of(
    column: Column, source: Source, hours_per_day: float | None, decimal: Decimal = "."
) -> Kind:
    """Return the kind of a column's values in the files.

    Args:
        column: the column.
        source: what the format file says about it.
        hours_per_day: working hours of a day, if the format file has them.
        decimal: the decimal separator, unless the column has its own.

    Raises:
        ValueError: what the format file says does not suit the column.
    """
    kinds = _kinds_of(column)
    if source.type is None:
        kind = next(iter(kinds.values()))
    elif source.type in kinds:
        kind = kinds[source.type]
    else:
        raise ValueError(f"type {source.type} does not suit the column; use {' or '.join(kinds)}")
    if source.unit is not None:
        kind = _in_unit(column, source.unit, hours_per_day)
    if source.format is not None:
        kind = _written_as(column, source)
    if kind.scale or kind.name in _NUMBERS:
        if (source.decimal or decimal) == ",":
            kind = values.with_comma(kind)
    elif source.decimal is not None:
        raise ValueError("only a number has a decimal separator")
    return _translated(column, kind, source) if source.values else kind


def value_of(column: Column, value: Scalar) -> bytes:
    """Return the COPY text of a value that a format file gives for a column.

    Raises:
        ValueError: the column cannot have the value.
    """
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if "\0" in text:
        raise ValueError("a text cannot have the character U+0000")
    kind = next(iter(_kinds_of(column).values()))
    written = kind.parse(text)
    if written is NULL:
        raise ValueError(f"{text!r} is no value")
    if written is None:
        raise ValueError(f"{text!r} {kind.problem}")
    return written


def _kinds_of(column: Column) -> dict[str, Kind]:
    if column.name.endswith("_id"):
        return _ID
    if column.name == "guid":
        return _GUID
    if column.name == LEVEL:
        return _LEVEL
    if column.name.endswith("percent_complete"):
        return _PERCENT
    if column.values:
        return {"text": values.enumeration(column.name, {word: word for word in column.values})}
    return _KINDS[column.type]


def _in_unit(column: Column, unit: str, hours_per_day: float | None) -> Kind:
    if column.type is Type.INTERVAL and unit in _SECONDS:
        return values.number_of(unit, _SECONDS[unit])
    if column.type is Type.INTERVAL and unit == "days":
        if hours_per_day is None:
            raise ValueError("durations in days need hours_per_day")
        return values.number_of(unit, round(hours_per_day * 3600))
    if unit == "percent" and values.DECIMAL in _kinds_of(column).values():
        return values.HUNDREDTHS
    raise ValueError(f"unit {unit} does not suit the column")


def _written_as(column: Column, source: Source) -> Kind:
    assert source.format is not None
    if column.type is not Type.TIMESTAMP or source.type is not None:
        raise ValueError("only a date has a format, and then no type")
    used = _DIRECTIVES.findall(source.format)
    if unknown := sorted(set(used).difference("YymdHMSfz")):
        raise ValueError(f"format has the unknown directive %{unknown[0]}")
    if not {"m", "d"} <= set(used) or {"Y", "y"}.isdisjoint(used) or len(set(used)) < len(used):
        raise ValueError("format needs %d, %m, and %Y or %y, each once")
    return values.written_as(source.format)


def _translated(column: Column, kind: Kind, source: Source) -> Kind:
    words: dict[str, bytes] = {}
    for text, value in source.values.items():
        word = text.strip(values.BLANK)
        if not word:
            raise ValueError("values has an empty text; use default for a value that is missing")
        if word in words:
            raise ValueError(f"values has {word!r} twice")
        try:
            words[word] = NULL if value == "" else value_of(column, value)
        except ValueError as error:
            raise ValueError(f"values: {text!r}: {error}") from error
    problem = kind.problem
    if column.values:
        problem = f"is not one of {', '.join(list(words)[:20])}"
    return values.translated(kind, words, problem)
