"""The age of a plan: whether a file was saved before the stored version of its project.

The dates are members of the project's attributes, which the format lists by weight
(``Format.dated_by``, ``Project.dated_by``). They are read from the rows that an engine has written,
so that both engines give the same ones, and only for an import that asks for them.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import orjson

from service.formats.values import MOMENT, NULL, unescape
from service.model import Project

Dates = Mapping[str, str]
"""Local times, such as ``2026-01-05T08:00:00``, by the names of their members."""

MAX_DATE: Final = 40
"""Characters of the longest text that can be a date; ``writer.sql`` has the number too."""

MAX_ATTRIBUTES: Final = 64 * 1024
"""Bytes of attributes that are searched for dates, because the event loop serves nobody meanwhile.
Those of real plans have 2 KiB. ``writer.sql`` has the number too."""


class Comparison(NamedTuple):
    """The first date in which a file and the stored version differ, or else one that both have."""

    name: str
    file: str
    stored: str

    @property
    def older(self) -> bool:
        """Whether the file is older."""
        return self.file < self.stored

    @property
    def newer(self) -> bool:
        """Whether the file is newer."""
        return self.file > self.stored


def read_dates(project: Project) -> Dates:
    """Return the dates of a project of a file; none if its format has no dates."""
    attributes = project.row.rpartition(b"\t")[2]
    if not project.dated_by or len(attributes) > MAX_ATTRIBUTES:
        return {}
    return _parse_dates(orjson.loads(unescape(attributes) or "{}"), project.dated_by)


def compare_dates(names: Sequence[str], file: Dates, stored: Dates) -> Comparison | None:
    """Compare a file with a stored version of the same format.

    Args:
        names: of the dates, the one that counts most first.
        file: as ``read_dates`` returns them.
        stored: as the version has them.

    Returns:
        None if no date is known of both.
    """
    stored = _parse_dates(stored, names)
    last = None
    for name in names:
        if name in file and name in stored:
            last = Comparison(name, file[name], stored[name])
            if file[name] != stored[name]:
                break
    return last


def _parse_dates(attributes: Mapping[str, Any], names: Iterable[str]) -> Dates:
    """Return the members that are dates, as canonical times, which compare as texts do."""
    dates = {}
    for name in names:
        text = attributes.get(name)
        if isinstance(text, str) and len(text) <= MAX_DATE:
            parsed = MOMENT.parse(text)
            if parsed is not None and parsed != NULL:
                dates[name] = parsed.decode()
    return dates
