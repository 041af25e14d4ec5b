"""Which versions pruning keeps: the last ones, and those of the ends of days and months."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from service.projects import retention
from service.projects.kept_versions import find_bounds
from service.projects.prune_round import PruneRound
from service.projects.retention import PruneResult, prune
from service.settings import Settings
from service.storage import Pool
from service.storage.advisory_locks import try_prune_lock
from tests.support.databases import ADD_CLIENT
from tests.support.plans import recording_pool

DAY = timedelta(days=1)
NOW = datetime(2026, 3, 15, 12, tzinfo=UTC)
MIDNIGHT = NOW.replace(hour=0)


@pytest.fixture
def settings(settings: Settings) -> Settings:
    rules = {"keep_versions": 1, "keep_days": 3, "keep_months": 2, "keep_superseded": 3600}
    return settings.model_copy(update=rules)


@pytest.fixture(autouse=True)
async def client(pool: Pool) -> None:
    await pool.execute(ADD_CLIENT)


async def add(
    pool: Pool, created: Sequence[datetime], versions: Sequence[int] | None = None, project: int = 1
) -> None:
    """Store a project whose versions were created at the given times."""
    numbers = list(range(1, len(created) + 1)) if versions is None else list(versions)
    await pool.execute(
        "INSERT INTO projects (client_id, project_id, external_id, version, content_hash)"
        " VALUES (1, $1, 'P-' || $1::bigint, $2, '')",
        project,
        numbers[-1],
    )
    await pool.execute(
        """
        INSERT INTO project_versions (client_id, project_id, version, import_id, content_hash, name,
                                      source, attributes, created_at)
        SELECT 1, $1, v.version, 1, '', 'Plan', 'native', '{}', v.at
          FROM unnest($2::integer[], $3::timestamptz[]) AS v (version, at)
        """,
        project,
        numbers,
        list(created),
    )


async def kept(
    pool: Pool,
    settings: Settings,
    now: datetime = NOW,
    since: datetime | None = None,
    project: int = 1,
) -> list[int]:
    """Prune the versions at a time, and return those that are left of a project."""
    this = PruneRound(now, now, since, now)
    await retention._prune_versions(pool, 1, settings, this, PruneResult())
    return await stored(pool, project)


async def stored(pool: Pool, project: int = 1) -> list[int]:
    rows = await pool.fetch(
        "SELECT version FROM project_versions WHERE project_id = $1 ORDER BY version", project
    )
    return [row["version"] for row in rows]


async def test_pruning_keeps_the_last_version_of_each_recent_day(
    pool: Pool, settings: Settings
) -> None:
    hours = [MIDNIGHT - days * DAY + timedelta(hours=h) for days in (5, 4, 3, 2) for h in (8, 20)]
    await add(pool, [*hours, MIDNIGHT + timedelta(hours=8)])
    # Two versions a day, but none yesterday, at whose end that of the day before was current.
    assert await kept(pool, settings) == [6, 8, 9]


async def test_pruning_keeps_the_last_version_of_each_recent_month(
    pool: Pool, settings: Settings
) -> None:
    created = [datetime(2025, 12, 5, tzinfo=UTC) + 10 * n * DAY for n in range(10)]
    assert [at.strftime("%m-%d") for at in created] == [
        *("12-05", "12-15", "12-25", "01-04", "01-14", "01-24", "02-03", "02-13", "02-23", "03-05")
    ]
    await add(pool, created)
    assert await kept(pool, settings) == [6, 9, 10]


async def test_a_version_represents_all_days_on_which_it_was_current(
    pool: Pool, settings: Settings
) -> None:
    """A version of last year that was current until this morning is yesterday's."""
    year = MIDNIGHT - 365 * DAY
    await add(pool, [year, year + timedelta(hours=1), *[MIDNIGHT + timedelta(hours=8)] * 9])
    assert await kept(pool, settings) == [2, 11]
    assert await kept(pool, settings, MIDNIGHT + 3 * DAY - timedelta(seconds=1)) == [2, 11]
    month = settings.model_copy(update={"keep_months": 0})
    assert await kept(pool, month, MIDNIGHT + 3 * DAY) == [11]


@pytest.mark.parametrize(
    ("before", "left"),
    [(timedelta(microseconds=1), [1, 3]), (timedelta(0), [3])],
    ids=["the last moment of a day", "midnight"],
)
async def test_a_day_ends_at_midnight_utc(
    pool: Pool, settings: Settings, before: timedelta, left: list[int]
) -> None:
    """A version that is created at midnight belongs to the day that begins."""
    name = await pool.fetchval("SELECT current_database()")
    await pool.execute(f"ALTER DATABASE {name} SET timezone = 'Pacific/Kiritimati'")
    await pool.expire_connections()
    await add(pool, [MIDNIGHT - before, *[MIDNIGHT + timedelta(hours=1)] * 2])
    assert await kept(pool, settings) == left


@pytest.mark.parametrize(
    ("before", "left"),
    [(timedelta(microseconds=1), [1, 3]), (timedelta(0), [3])],
    ids=["the last moment of a month", "the begin of a month"],
)
async def test_a_month_ends_at_midnight_utc(
    pool: Pool, settings: Settings, before: timedelta, left: list[int]
) -> None:
    month = datetime(2026, 3, 1, tzinfo=UTC)
    await add(pool, [month - before, *[month + timedelta(hours=1)] * 2])
    assert await kept(pool, settings) == left


async def test_days_and_months_can_be_turned_off(pool: Pool, settings: Settings) -> None:
    await add(pool, [MIDNIGHT - days * DAY for days in (90, 60, 30, 2, 1, 0)])
    off = settings.model_copy(update={"keep_days": 0, "keep_months": 0, "keep_versions": 2})
    assert await kept(pool, off) == [5, 6]


async def test_pruning_counts_the_stored_versions(pool: Pool, settings: Settings) -> None:
    """Numbers of versions that are gone count neither as the last versions nor as a day's."""
    days = (400, 399, 3, 2, 1)
    two = settings.model_copy(update={"keep_versions": 2, "keep_days": 1, "keep_months": 0})
    await add(pool, [MIDNIGHT - n * DAY for n in days], versions=[3, 9, 20, 21, 40])
    assert await kept(pool, two) == [21, 40]


async def test_the_current_version_of_an_archived_project_is_kept(
    pool: Pool, settings: Settings
) -> None:
    await add(pool, [MIDNIGHT - 900 * DAY, MIDNIGHT - 800 * DAY])
    await pool.execute("UPDATE projects SET archived_at = now() - interval '2 years'")
    await pool.execute("INSERT INTO project_locks VALUES (1, 1, 'bob', now(), now())")
    assert await kept(pool, settings) == [2]


async def test_versions_out_of_the_order_of_their_times_are_pruned_in_the_end(
    pool: Pool, settings: Settings
) -> None:
    """The clock was set back: version 2 seems to be older than version 1."""
    await add(pool, [MIDNIGHT + 5 * DAY, MIDNIGHT - DAY, MIDNIGHT, MIDNIGHT + 2 * DAY])
    assert 4 in await kept(pool, settings)
    assert await kept(pool, settings, NOW + 100 * DAY) == [4]


def expected(settings: Settings, created: list[datetime], now: datetime) -> list[int]:
    """Return the versions that are kept, found by walking over the ends of days and months."""
    current = {len(created) - place for place in range(settings.keep_versions)}
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    ends = [today - n * DAY for n in range(settings.keep_days)]
    month = today.replace(day=1)
    for _ in range(settings.keep_months):
        ends.append(month)
        month = (month - DAY).replace(day=1)
    for end in ends:
        before = [version for version, at in enumerate(created, 1) if at < end]
        current.update(before[-1:])
    recent = [n for n, at in enumerate(created[1:], 1) if at >= now - timedelta(hours=1)]
    return sorted({*current, *recent} & {*range(1, len(created) + 1)})


@pytest.mark.parametrize("seed", range(6))
async def test_pruning_keeps_the_ends_of_days_and_months_of_any_history(
    pool: Pool, settings: Settings, seed: int
) -> None:
    """Rounds at any times leave what one round leaves, whether they visit all projects or not."""
    rng = random.Random(seed)
    rules = {"keep_versions": rng.randint(1, 3), "keep_days": rng.randint(0, 40)}
    settings = settings.model_copy(update=rules | {"keep_months": rng.randint(0, 5)})
    histories = {}
    for project in (1, 2, 3):
        since = [rng.choice([0.01, 2, 9, 40, 900]) * rng.random() for _ in range(40)]
        times = sorted(NOW - timedelta(hours=24 * hours) for hours in since)
        histories[project] = times
        await add(pool, times, project=project)
    for project, times in histories.items():
        left = await kept(pool, settings, project=project)
        assert left == expected(settings, times, NOW), (rules, times)
    last = NOW
    for days in sorted(rng.choice([1, 40, 500]) * rng.random() for _ in range(8)):
        now = NOW + days * DAY
        for project, times in histories.items():
            left = await kept(pool, settings, now, since=last, project=project)
            assert left == expected(settings, times, now), (rules, now, times)
        last = now


@pytest.mark.once
async def test_many_versions_of_one_project_are_pruned_in_bounded_transactions(
    pool: Pool, dsn: str, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """20,000 versions: a transaction reads about as many versions as it deletes."""
    monkeypatch.setattr(retention, "_PAUSE", 0)
    limit = retention.VERSIONS_AT_A_TIME
    await add(pool, [MIDNIGHT - 9 * DAY] * 20_000)
    rules = (1, [1], settings.keep_versions, *find_bounds(settings, NOW), limit)
    async with (
        recording_pool(dsn) as (recorded, plans),
        recorded.acquire() as conn,
        conn.transaction(),
    ):
        assert await try_prune_lock(conn)
        assert len(await conn.fetch(retention._SQL.list_superseded, *rules)) == limit
    assert plans[-1].rows < 4 * limit
    assert await kept(pool, settings) == [20_000]
    assert await pool.fetchval("SELECT count(*) FROM pruned_versions") == 19_999


@pytest.mark.parametrize(
    ("days", "months"), [(30, 0), (0, 12)], ids=["after midnight", "in a new month"]
)
async def test_a_round_finds_versions_that_expired_although_nothing_changed(
    pool: Pool, settings: Settings, days: int, months: int
) -> None:
    now = await pool.fetchval("SELECT now()")
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    end = today - days * DAY
    if months:
        end = today.replace(day=1, year=today.year - 1)
    await add(pool, [end - 2 * DAY, end - DAY, end + timedelta(hours=5)])
    rules = settings.model_copy(update={"keep_days": days, "keep_months": months})
    assert (await prune(pool, rules)).versions == 2
    assert (await prune(pool, rules)).versions == 0
    await pool.execute("DELETE FROM project_versions; DELETE FROM projects")
    await add(pool, [end - 2 * DAY, end - DAY, end + timedelta(hours=5)])
    # As if the last round had been before the day or the month at whose end version 2 was current
    # left the range. It left version 1 to this round.
    last = now - (32 * DAY if months else DAY)
    await pool.execute("UPDATE prune_state SET began_at = $1", last)
    assert (await prune(pool, rules)).versions == 2
    assert await stored(pool) == [3]
