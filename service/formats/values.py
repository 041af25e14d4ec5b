"""Typed values: checks their lexical form, and writes them as canonical COPY text.

PostgreSQL accepts ``now``, ``infinity``, ``NaN`` and ``05/01/2026``, and silently drops ``+02:00``.
So only values that match a pattern here reach PostgreSQL, and it accepts all of them.

Canonical text survives a round trip: PostgreSQL prints the value (intervals in ``iso_8601`` style),
the writer puts it into native XML, and reading that gives the same bytes. Content hashes depend on
this.

The patterns use only syntax of XML Schema's regular expressions. ``native/schema.xsd`` repeats the
patterns, and a test compares both.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

from service.formats.text_cache import TextCache
from service.model import MAX_ID, normalize_id
from service.spool.copy_rows import escape

NULL = b"\\N"
"""COPY's null. No value equals it, because COPY text escapes a backslash."""

BLANK = " \t\r\n"
"""White space as XML defines it; a no-break space is content."""

NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
"""Characters that JSON allows and XML 1.0 does not (section 2.2), apart from lone surrogates."""

TIMESTAMP_PATTERN = (
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,6})?"
)
_EIGHT, _SIX = ("[0-9]" + "[0-9]?" * (most - 1) for most in (8, 6))
DATE_PATTERN = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
DURATION_PATTERN = (
    rf"-?P({_EIGHT}Y)?({_EIGHT}M)?({_EIGHT}D)?"
    rf"(T({_EIGHT}H)?({_EIGHT}M)?({_EIGHT}(\.{_SIX})?S)?)?"
)
"""It avoids ``{1,8}``, which libxml2 miscounts in optional groups."""
DECIMAL_PATTERN = r"[+\-]?([0-9]{1,15}(\.[0-9]{0,20})?|\.[0-9]{1,20})([eE][+\-]?0?[0-9]{1,2})?"
PERCENT_PATTERN = r"100(\.0{0,10})?|[0-9]{1,2}(\.[0-9]{0,10})?"
COMMA_PATTERN = (
    r"[+\-]?([0-9]*|[1-9][0-9]{0,2}([. \xa0\u202f])[0-9]{3}(\2[0-9]{3})*)"
    r"(,[0-9]*)?([eE][+\-]?0?[0-9]{1,2})?"
)
"""A number with a decimal comma. One mark groups its thousands: a point or a kind of blank.

It is not in the schema, so it can refer back to the mark.
"""
INTEGER_PATTERN = r"[+\-]?[0-9]{1,9}"
BOOLEAN_PATTERN = r"true|false|0|1"
WORD_PATTERN = r"[a-z][a-z0-9_\-]{0,30}"


@dataclass(frozen=True, slots=True)
class Kind:
    """One type of value.

    Attributes:
        name: identifies the kind. The compiled engine implements some kinds, by name.
        parse: converts a file's text to COPY text; ``NULL`` for a blank text, None for a bad one.
        problem: the problem of a bad text, which follows the value in a message.
        words: some texts with their results from ``parse``, for the compiled engine.
        scale: seconds of one unit of a duration that is a number.
    """

    name: str
    parse: Callable[[str], bytes | None]
    problem: str
    words: Mapping[str, bytes] = field(default_factory=dict)
    scale: int = 0


def unescape(field: bytes) -> str | None:
    """Return the value of a field of COPY text that ``escape`` or a kind wrote; None for a null."""
    if field == NULL:
        return None
    if b"\\" not in field:
        return field.decode()
    return re.sub(rb"\\(.)", lambda m: _UNESCAPED.get(m[1], m[1]), field).decode()


_UNESCAPED = {b"n": b"\n", b"t": b"\t", b"r": b"\r"}


def _text(value: str) -> bytes:
    if value.isprintable() and "\\" not in value and value and not value.isspace():
        return value.encode()
    return escape(value.encode()) if value.strip(BLANK) else NULL


def _id(value: str) -> bytes | None:
    if len(value) > MAX_ID:  # before the normalisation, which takes quadratic time
        return None
    stripped = normalize_id(value.strip(BLANK))
    if len(stripped) > MAX_ID:
        return None
    return escape(stripped.encode()) if stripped else NULL


def _checked(pattern: str, canonical: Callable[[str], str | None]) -> Callable[[str], bytes | None]:
    """Return a cached parser. A text is bad if ``canonical`` returns None or raises ValueError."""
    matches = re.compile(pattern).fullmatch

    def parse(value: str) -> bytes | None:
        value = value.strip(BLANK)
        if not value:
            return NULL
        if matches(value) is None:
            return None
        try:
            written = canonical(value)
        except ValueError:
            return None
        return None if written is None else written.encode()

    return TextCache(parse).__getitem__


def _timestamp(value: str) -> str:
    datetime.fromisoformat(value)
    return value.rstrip("0").rstrip(".") if "." in value else value


def _date(value: str) -> str:
    return _timestamp(f"{value}T00:00:00")


def _moment(value: str) -> str:
    return _timestamp(value) if "T" in value else _date(value)


_DURATION = re.compile(DURATION_PATTERN)
_TOO_LONG = re.compile("[0-9]{9}")
"""Too many digits for the pattern, after a carry from months to years or from minutes to hours."""


def _duration(value: str) -> str | None:
    if value.endswith(("P", "T")):
        return None
    match = _DURATION.fullmatch(value)
    assert match is not None
    years, months, days, _, hours, minutes, seconds, _ = match.groups()
    whole, _, fraction = (seconds or "0S")[:-1].partition(".")
    clock = (_count(hours) * 60 + _count(minutes)) * 60 + int(whole)
    written = iso_duration(
        _count(years) * 12 + _count(months),
        _count(days),
        clock * 1_000_000 + int(fraction.ljust(6, "0")),
        negative=value[0] == "-",
    )
    return None if _TOO_LONG.search(written) else written


def _count(part: str | None) -> int:
    return int(part[:-1]) if part else 0


def iso_duration(months: int, days: int, micros: int, *, negative: bool) -> str:
    """Write a duration as PostgreSQL prints an interval in ``iso_8601`` style.

    Args:
        months: whole months, not negative.
        days: whole days, not negative; never carried into months.
        micros: microseconds, not negative; never carried into days.
        negative: whether the whole duration is negative.
    """
    sign = "-" if negative else ""
    seconds, fraction = divmod(micros, 1_000_000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    date = "".join(
        f"{sign}{n}{unit}" for n, unit in zip((*divmod(months, 12), days), "YMD", strict=True) if n
    )
    clock = "".join(f"{sign}{n}{unit}" for n, unit in ((hours, "H"), (minutes, "M")) if n)
    if seconds or fraction:
        tail = f".{fraction:06d}".rstrip("0") if fraction else ""
        clock += f"{sign}{seconds}{tail}S"
    if not date and not clock:
        return "PT0S"
    return f"P{date}T{clock}" if clock else f"P{date}"


def number_of(unit: str, seconds: int) -> Kind:
    """Return the kind of a duration that is a number of units.

    Args:
        unit: name of the unit and of the kind.
        seconds: of one unit.
    """

    def canonical(value: str) -> str | None:
        number = Decimal(value)
        micros = int((abs(number) * seconds * 1_000_000).to_integral_value())
        written = iso_duration(0, 0, micros, negative=number < 0)
        return None if _TOO_LONG.search(written) else written

    parse = _checked(DECIMAL_PATTERN, canonical)
    return Kind(unit, parse, f"is not a number of {unit}", scale=seconds)


def _guid(value: str) -> bytes | None:
    match = _GUID_PATTERN.fullmatch(value.strip(BLANK))
    if match is None:
        return None if value.strip(BLANK) else NULL
    guid = match[1].lower()
    return NULL if guid == _NIL_GUID else guid.encode()


_GUID_PATTERN = re.compile(r"\{?([0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})\}?")
_NIL_GUID = "00000000-0000-0000-0000-000000000000"


def _tenths_of_minutes(value: str) -> str:
    tenths = int(value)
    return iso_duration(0, 0, abs(tenths) * 6_000_000, negative=tenths < 0)


def _decimal(value: str) -> str:
    return plain(Decimal(value))


def plain(number: Decimal) -> str:
    """Write a number without exponent and without trailing zeros."""
    text = format(number, "f") if number else "0"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _hundredths(value: str) -> str:
    return plain(Decimal(value) / 100)


def _fraction(value: str) -> str | None:
    percent = Decimal(value) * 100
    return plain(percent) if 0 <= percent <= 100 else None


def _boolean(value: str) -> str:
    return "t" if value in {"1", "true"} else "f"


def enumeration(name: str, words: Mapping[str, str]) -> Kind:
    """Return a kind that accepts a closed list of words.

    Args:
        name: of the kind.
        words: the words of the column, by those of the file.
    """
    pattern = "|".join(map(re.escape, words))
    return Kind(
        name,
        _checked(pattern, words.__getitem__),
        f"is not one of {', '.join(words)}",
        words={word: value.encode() for word, value in words.items()},
    )


def flag(name: str, words: Iterable[str]) -> Kind:
    """Return a kind that is true for the given words, and null for every other text."""
    true = frozenset(words)

    def parse(value: str) -> bytes:
        return b"t" if value.strip(BLANK) in true else NULL

    return Kind(name, parse, "", words=dict.fromkeys(true, b"t"))


def id_or_none(none: str) -> Kind:
    """Return the kind of an id that has a value for none.

    Args:
        none: the id that means no object; it becomes a null.
    """

    def parse(value: str) -> bytes | None:
        return NULL if value.strip(BLANK) == none else ID.parse(value)

    return Kind(ID.name, parse, ID.problem, words={none: NULL})


def written_as(directives: str) -> Kind:
    """Return the kind of a date and time that is written by a format of ``strptime``.

    An offset in the text is read and ignored: the columns hold local times.

    Args:
        directives: the format, with numeric directives only, so that it depends on no locale.
    """

    def canonical(value: str) -> str | None:
        if len(value) > _LONGEST_DATE:
            return None
        moment = datetime.strptime(value, directives).replace(tzinfo=None)
        return _timestamp(moment.isoformat())

    return Kind("written date", _checked(".*", canonical), f"is not a date written as {directives}")


_LONGEST_DATE = 64


def translated(kind: Kind, words: Mapping[str, bytes], problem: str) -> Kind:
    """Return a kind that replaces some texts, and reads all others as another kind.

    Args:
        kind: the other kind.
        words: COPY text of each replaced text, which is not blank.
        problem: the problem of a bad text, which follows the value in a message.
    """
    parse_other = kind.parse

    def parse(value: str) -> bytes | None:
        word = words.get(value.strip(BLANK))
        return parse_other(value) if word is None else word

    return replace(kind, parse=parse, problem=problem, words=words)


def with_comma(kind: Kind) -> Kind:
    """Return the kind of numbers with a decimal comma, which may group the thousands before it.

    Args:
        kind: of the same numbers with a decimal point.
    """

    def canonical(value: str) -> str | None:
        written = kind.parse(with_point(value))
        return None if written is None else written.decode()

    # The compiled engine does not know the name, so it asks ``parse``.
    return Kind(
        f"{kind.name} with comma",
        _checked(COMMA_PATTERN, canonical),
        f"{kind.problem}, with a decimal comma",
    )


def with_point(number: str) -> str:
    """Return a number that matches ``COMMA_PATTERN`` with a decimal point, and ungrouped."""
    return number.translate(_POINT)


_POINT = str.maketrans({".": None, " ": None, "\xa0": None, "\u202f": None, ",": "."})


def pattern(name: str, words: str, problem: str) -> Kind:
    """Return a kind that accepts texts that match a regular expression, unchanged.

    Args:
        name: of the kind.
        words: the expression, for the whole value.
        problem: the problem of a text that does not match.
    """
    return Kind(name, _checked(words, str), problem)


TEXT = Kind("text", _text, "is not text")
ID = Kind("id", TextCache(_id).__getitem__, f"is longer than {MAX_ID} characters")
GUID = Kind("guid", _guid, "is not a GUID")
TIMESTAMP = Kind(
    "timestamp",
    _checked(TIMESTAMP_PATTERN, _timestamp),
    "is not a date and time without offset, such as 2026-01-05T08:00:00",
)
DATE = Kind("date", _checked(DATE_PATTERN, _date), "is not a date, such as 2026-01-05")
MOMENT = Kind(
    "moment",
    _checked(f"{TIMESTAMP_PATTERN}|{DATE_PATTERN}", _moment),
    "is not a date, with or without a time but without offset, such as 2026-01-05T08:00:00",
)
DURATION = Kind(
    "duration", _checked(DURATION_PATTERN, _duration), "is not a duration, such as PT40H"
)
HOURS = number_of("hours", 3600)
TENTHS = Kind(
    "tenths",
    _checked(INTEGER_PATTERN, _tenths_of_minutes),
    "is not a whole number of tenths of a minute",
)
DECIMAL = Kind("decimal", _checked(DECIMAL_PATTERN, _decimal), "is not a number")
HUNDREDTHS = Kind("hundredths", _checked(DECIMAL_PATTERN, _hundredths), "is not a number")
PERCENT = Kind("percent", _checked(PERCENT_PATTERN, _decimal), "is not a percentage from 0 to 100")
FRACTION = Kind("fraction", _checked(DECIMAL_PATTERN, _fraction), "is not a number from 0 to 1")
INTEGER = Kind(
    "integer",
    _checked(INTEGER_PATTERN, lambda value: str(int(value))),
    "is not a whole number of at most nine digits",
)
BOOLEAN = Kind("boolean", _checked(BOOLEAN_PATTERN, _boolean), "is not true, false, 1 or 0")
WORD = pattern(
    "word", WORD_PATTERN, "is not a word of small letters, digits, - and _, at most 31 long"
)
