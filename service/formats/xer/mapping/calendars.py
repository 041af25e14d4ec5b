"""Reads ``clndr_data``, the text in which P6 keeps the hours and exceptions of a calendar.

The text is a tree of records, each ``(number||name(key|value|…)(records))``. A calendar has the
record ``DaysOfWeek``, with one for each day from 1, Sunday, to 7; ``Exceptions``, with one for each
date; and ``VIEW``, a setting of P6's windows, which is left out. The dates are those of Excel: days
since 1899-12-30. Days and dates have a record for each shift. P6 puts its mark for line breaks
(0x7F 0x7F) and blanks between records, or nothing.

P6 XML has the same calendar as elements, but with the last minute that is worked as the end of a
shift: ``15:59:00`` instead of ``16:00``.
"""

import re
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final, cast

from service.formats.engine.interface import Node
from service.formats.text_cache import TextCache

MOST: Final = 10_000
"""Records of a calendar, about 5 MB, which are read at once. 30 years of P6 have some 1,000."""

_BLANKS = r"[\s\x7f-\x9f\ufffd]*"
"""What can be between records: P6's line breaks, and control characters of damaged files."""
_RECORD = re.compile(
    rf"{_BLANKS}(?:\({_BLANKS}[0-9]+{_BLANKS}\|\|([^()|]*)\(([^()]*)\){_BLANKS}\(|(\){_BLANKS}\)))"
)
"""The begin or the end of a record. A part of a text matches in one way, so work is linear."""
_END = re.compile(rf"(?:{_BLANKS}\))*{_BLANKS}")
"""What can follow a calendar: some programs write a bracket too many."""
_TIME = re.compile(r"([0-9]{1,2}):([0-9]{2})(?::00)? ?([AaPp][Mm])?")
_EPOCH = date(1899, 12, 30)
_DAYS = {
    str(number): day
    for number, day in enumerate(
        ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"), start=1
    )
}
_ROOT, _SECTION, _DAY, _SHIFT = 1, 2, 3, 4


def read_calendar(data: str) -> list[Node]:
    """Return the children that ``Calendar`` has in P6 XML for the text of a calendar.

    Args:
        data: ``clndr_data``. If it has a section that is not known, the last child has the whole
            text, so that nothing is lost.

    Raises:
        ValueError: if the text breaks off or is not a calendar.
    """
    calendar = _Calendar()
    position, count = 0, 0
    while count == 0 or calendar.depth:
        match = _RECORD.match(data, position)
        if match is None:
            raise ValueError(f"no record at character {position + 1}")
        if match[3]:
            calendar.end()
        else:
            calendar.begin(match[1].strip(), match[2])
            count += 1
            if count > MOST:
                raise ValueError(f"more than {MOST} records")
        position = match.end()
    if _END.fullmatch(data, position) is None:
        raise ValueError(f"a text after the calendar, at character {position + 1}")
    return [*calendar.children, ("clndr_data", data)] if calendar.unknown else calendar.children


class _Calendar:
    """Builds the children while records begin and end."""

    def __init__(self) -> None:
        self.children: list[Node] = []
        self.depth = 0
        self.unknown = False
        self._section = ""
        self._days: list[Node] = []
        self._shifts: list[Node] = []

    def begin(self, name: str, attributes: str) -> None:
        self.depth += 1
        if self.depth == _SECTION:
            self._begin_section(name)
        elif self.depth == _DAY and self._section == "DaysOfWeek":
            self._begin_day("StandardWorkHours", ("DayOfWeek", _day(name)))
        elif self.depth == _DAY and self._section == "Exceptions":
            self._begin_day("HolidayOrException", ("Date", _DATES(attributes)))
        elif self.depth == _SHIFT and self._section:
            shift = _SHIFTS(attributes)
            if shift is not None:
                self._shifts.append(shift)
        elif self.depth > _SHIFT and self._section:
            raise ValueError("a record in the record of a shift")

    def end(self) -> None:
        self.depth -= 1
        if self.depth < 0:
            raise ValueError("an end without a begin")
        if self.depth < _SECTION and self._section == "Exceptions":
            self._days.sort(key=_date_of)  # as P6 XML has them

    def _begin_section(self, name: str) -> None:
        element = _SECTIONS.get(name)
        self._section = name if element else ""
        self.unknown = self.unknown or (element is None and name != "VIEW")
        if element:
            self._days = []
            self.children.append((element, self._days))

    def _begin_day(self, element: str, first: Node) -> None:
        self._shifts = [first]
        self._days.append((element, self._shifts))


_SECTIONS = {"DaysOfWeek": "StandardWorkWeek", "Exceptions": "HolidayOrExceptions"}


def _date_of(exception: Node) -> str:
    [_, day] = cast("Sequence[tuple[str, str]]", exception[1])[0]
    return day


def _day(name: str) -> str:
    day = _DAYS.get(name)
    if day is None:
        raise ValueError(f"{name[:20]} is not a day of the week from 1 to 7")
    return day


def _attributes(text: str) -> dict[str, str]:
    parts = [part.strip() for part in text.split("|")] if text.strip() else []
    if len(parts) % 2:
        raise ValueError(f"{text[:40]} is not a list of names and values")
    return dict(zip(parts[::2], parts[1::2], strict=True))


def _date(text: str) -> str:
    number = _attributes(text).get("d", "")
    if not (number.isascii() and number.isdigit() and len(number) < _LONGEST_DATE):
        raise ValueError(f"{text[:40]} is not the date of an exception")
    try:
        return f"{_EPOCH + timedelta(days=int(number))}T00:00:00"
    except OverflowError as error:
        raise ValueError(f"{number} is after the year 9999") from error


_LONGEST_DATE = 8


def _shift(text: str) -> Node | None:
    attributes = _attributes(text)
    start, finish = attributes.get("s"), attributes.get("f")
    if not start and not finish:
        return None
    # Midnight at the end is the end of the day.
    last = (_minute(finish) - 1) % _DAY_MINUTES
    first = _minute(start)
    if first == _DAY_MINUTES:
        raise ValueError("a shift that starts at 24:00")
    return ("WorkTime", [("Start", _clock(first)), ("Finish", _clock(last))])


_DAY_MINUTES = 24 * 60


def _minute(time: str | None) -> int:
    match = _TIME.fullmatch(time or "")
    if match is None:
        raise ValueError(f"{(time or '')[:20]} is not a time of day")
    hour, minute = int(match[1]), int(match[2])
    if match[3]:
        if not 1 <= hour <= 12:
            raise ValueError(f"{match[0]} is not a time of day")
        hour = hour % 12 + (12 if match[3][0] in "Pp" else 0)
    total = hour * 60 + minute
    if minute > 59 or total > _DAY_MINUTES:
        raise ValueError(f"{match[0]} is not a time of day")
    return total


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}:00"


_DATES = TextCache(_date).__getitem__
_SHIFTS = TextCache(_shift).__getitem__
