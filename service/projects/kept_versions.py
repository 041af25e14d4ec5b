"""Which versions of a project pruning keeps.

It keeps a version while one of these is true:

- it is one of the last ``keep_versions`` versions;
- it was current at the end of one of the last ``keep_days`` days or ``keep_months`` months, in UTC;
- it was superseded less than ``keep_superseded`` seconds ago;
- it has a label.

A version was current at the end of a day if the next one was created on a later day. So a version
that was current for months represents all of them, although it was created before.
``list_superseded`` in ``prune.sql`` applies the rules. A deletion changes nothing for other
versions, so the order in which they are deleted does not matter.
"""

from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from service.settings import Settings

_DAY: Final = timedelta(days=1)
_MONTHS: Final = 12


class Bounds(NamedTuple):
    """The times that decide at a moment which versions time keeps.

    Attributes:
        superseded: a version that was superseded at this time or later is kept.
        midnight: a version that was current at a later midnight is kept.
        month: a version that was current at the begin of a later month is kept.
    """

    superseded: datetime
    midnight: datetime
    month: datetime


def find_bounds(settings: Settings, now: datetime) -> Bounds:
    """Return the bounds at a time."""
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return Bounds(
        now - timedelta(seconds=settings.keep_superseded),
        midnight - settings.keep_days * _DAY,
        _add_months(midnight.replace(day=1), -settings.keep_months),
    )


def find_windows(
    settings: Settings, since: datetime, now: datetime
) -> tuple[list[datetime], list[datetime | None]]:
    """Return when versions were created that can make an older version prunable.

    A version makes older ones prunable when it is new, because it exceeds the number that is kept,
    and again when time no longer keeps the version that it superseded.

    Args:
        since: every version that was prunable then is deleted.
        now: the time that decides what is expired.

    Returns:
        The begins of the windows, and their ends. A window has its begin, but not its end; None is
        infinity.
    """
    old, new = find_bounds(settings, since), find_bounds(settings, now)
    windows: list[tuple[datetime, datetime | None]] = [
        (since, None),
        (old.superseded, new.superseded),
    ]
    if settings.keep_days and old.midnight < new.midnight:
        windows.append((old.midnight + _DAY, new.midnight + _DAY))
    if settings.keep_months and old.month < new.month:
        windows.append((_add_months(old.month, 1), _add_months(new.month, 1)))
    return [begin for begin, _ in windows], [end for _, end in windows]


def _add_months(month: datetime, number: int) -> datetime:
    """Return the begin of the month that is some months after another."""
    years, index = divmod(month.month - 1 + number, _MONTHS)
    return month.replace(year=month.year + years, month=index + 1)
