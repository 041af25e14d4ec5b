"""The times that decide which versions are kept, and when a version can become prunable."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from service.projects.kept_versions import find_bounds, find_windows
from service.settings import Settings

NOON = datetime(2026, 3, 31, 12, tzinfo=UTC)
SETTINGS = Settings(keep_days=30, keep_months=12, keep_superseded=3600)


def at(year: int, month: int, day: int, hour: int = 0) -> datetime:
    return datetime(year, month, day, hour, tzinfo=UTC)


@pytest.mark.parametrize(
    "now", [NOON, NOON.astimezone(timezone(timedelta(hours=14))), at(2026, 3, 31)]
)
def test_the_bounds_are_midnights_and_begins_of_months_in_utc(now: datetime) -> None:
    bounds = find_bounds(SETTINGS, now)
    assert bounds.superseded == now - timedelta(hours=1)
    assert (bounds.midnight, bounds.month) == (at(2026, 3, 1), at(2025, 3, 1))


@pytest.mark.parametrize(
    ("months", "month"),
    [
        (0, at(2026, 3, 1)),
        (2, at(2026, 1, 1)),
        (3, at(2025, 12, 1)),
        (15, at(2024, 12, 1)),
        (1200, at(1926, 3, 1)),
    ],
)
def test_months_are_counted_by_the_calendar(months: int, month: datetime) -> None:
    settings = SETTINGS.model_copy(update={"keep_months": months})
    assert find_bounds(settings, NOON).month == month


def windows(since: datetime, now: datetime = NOON, **changes: int) -> list[tuple[object, object]]:
    begins, ends = find_windows(SETTINGS.model_copy(update=changes), since, now)
    return list(zip(begins, ends, strict=True))


def test_within_a_day_only_new_and_recently_superseded_versions_matter() -> None:
    since = at(2026, 3, 31)
    assert windows(since) == [(since, None), (at(2026, 3, 30, 23), at(2026, 3, 31, 11))]


def test_after_midnight_the_versions_of_the_day_that_left_the_range_matter() -> None:
    since = at(2026, 3, 29, 23)
    assert windows(since)[2:] == [(at(2026, 2, 28), at(2026, 3, 2))]
    assert windows(since, keep_days=0)[2:] == []


def test_in_a_new_month_the_versions_of_the_month_that_left_the_range_matter() -> None:
    since, now = at(2026, 3, 31, 23), at(2026, 4, 1)
    assert windows(since, now)[2:] == [
        (at(2026, 3, 2), at(2026, 3, 3)),
        (at(2025, 4, 1), at(2025, 5, 1)),
    ]
    assert windows(since, now, keep_months=0)[2:] == [(at(2026, 3, 2), at(2026, 3, 3))]
