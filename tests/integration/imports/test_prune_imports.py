"""Pruning deletes the rows of imports only if a setting says so, and not before a year."""

from datetime import timedelta

import pytest
from pydantic import ValidationError

from service.imports.lease import Lease
from service.imports.pipeline.writer import Writer
from service.projects import retention
from service.projects.listing import list_versions
from service.projects.records import Page, Query
from service.projects.retention import prune
from service.settings import Settings
from service.storage import Pool
from tests.support.databases import earlier
from tests.support.projects import finish, project

AGE = f"""
UPDATE imports SET {earlier("started_at")}, {earlier("ended_at")}, {earlier("key_claimed_at")}
"""
YEAR = timedelta(days=366)


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"keep_imports_days": 365})


async def count(pool: Pool) -> tuple[int, int]:
    found = await pool.fetchrow(
        "SELECT (SELECT count(*) FROM imports), (SELECT count(*) FROM import_progress)"
    )
    assert found is not None
    return found[0], found[1]


@pytest.fixture
async def ended(pool: Pool, lease: Lease, writer: Writer) -> None:
    await writer.write_batch([project("A")])
    await finish(pool, lease)


def test_imports_are_kept_for_at_least_a_year() -> None:
    with pytest.raises(ValidationError, match="365"):
        Settings(keep_imports_days=364)
    assert Settings().keep_imports_days is None


@pytest.mark.usefixtures("ended")
async def test_pruning_deletes_imports_after_their_outcomes(pool: Pool, settings: Settings) -> None:
    await pool.execute(AGE, timedelta(days=364))
    result = await prune(pool, settings)
    assert (result.outcomes, result.imports) == (1, 0)
    await pool.execute(AGE, timedelta(days=2))
    assert (await prune(pool, settings)).imports == 1
    assert await count(pool) == (0, 0)


@pytest.mark.usefixtures("ended")
async def test_a_version_is_listed_after_its_import_was_pruned(
    pool: Pool, settings: Settings
) -> None:
    await pool.execute(AGE, YEAR)
    assert (await prune(pool, settings)).imports == 1

    async def run_query(query: Query) -> Page:
        async with pool.acquire() as conn:
            return await query(conn)

    project_id = await pool.fetchval("SELECT project_id FROM projects")
    (listed,) = await list_versions(run_query, 1, project_id, -1, 10)
    assert listed["version"] == 1


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE imports SET state = 'running', ended_at = NULL",
        "UPDATE imports SET key_claimed_at = now(), idempotency_key = 'k'",
        "UPDATE imports SET ended_at = now()",
    ],
    ids=["running", "keyed", "ended late"],
)
@pytest.mark.usefixtures("ended")
async def test_pruning_keeps_imports(pool: Pool, settings: Settings, change: str) -> None:
    await pool.execute(AGE, YEAR)
    await pool.execute(change)
    assert (await prune(pool, settings)).imports == 0
    assert await count(pool) == (1, 1)


@pytest.mark.usefixtures("ended")
async def test_pruning_keeps_imports_with_outcomes(pool: Pool, settings: Settings) -> None:
    await pool.execute(AGE, YEAR)
    kept = settings.model_copy(update={"keep_results_days": 400})
    assert (await prune(pool, kept)).imports == 0
    assert await count(pool) == (1, 1)


async def test_pruning_deletes_many_imports_up_to_the_first_young_one(
    pool: Pool, settings: Settings, lease: Lease, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "ROWS_AT_A_TIME", 10)
    await finish(pool, lease)
    await pool.execute(
        """
        INSERT INTO imports (client_id, import_id, state, started_at, ended_at)
        SELECT c, 100 + n, 'completed', at, at
          FROM generate_series(1, 2) c, generate_series(1, 50) n,
               LATERAL (SELECT now() - make_interval(days => 405 - n)) t (at);
        INSERT INTO import_progress (client_id, import_id, attempt)
        SELECT client_id, import_id, 1 FROM imports WHERE import_id > 100;
        """
    )
    assert (await prune(pool, settings)).imports == 40
    left = await pool.fetch(
        "SELECT client_id, count(*) FROM imports WHERE import_id > 100 GROUP BY 1 ORDER BY 1"
    )
    assert [tuple(row) for row in left] == [(1, 10), (2, 50)]
    assert await count(pool) == (61, 61)
