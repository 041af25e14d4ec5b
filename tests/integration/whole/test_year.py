"""The program that measures a year of nightly imports, in small."""

import pytest

from tests.tools.bench.year import FAKETIME, year


@pytest.mark.once
@pytest.mark.skipif(not FAKETIME.exists(), reason="libfaketime is not installed")
@pytest.mark.usefixtures("postgres")
async def test_a_few_nights_are_imported_and_pruned_as_if_days_passed() -> None:
    rules = {"keep_versions": 1, "keep_days": 2, "keep_months": 0}
    async with year(20, **rules) as running:
        nights = [await running.spend_night(number, 1.0) for number in range(1, 6)]
        days = await running.database.value(
            "SELECT count(DISTINCT created_at::date) FROM project_versions"
        )
    assert [night.changed for night in nights] == [20] * 5
    # The version of tonight, and those that were current at the last two midnights.
    assert [night.versions for night in nights] == [20, 40, 60, 60, 60]
    assert [night.pruned.versions for night in nights] == [0, 0, 0, 20, 20]
    assert days == 3
    assert all(night.size[0] > 0 and night.service > 0 for night in nights)
