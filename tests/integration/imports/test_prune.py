"""What pruning deletes and what it keeps."""

import asyncio
from datetime import timedelta

import asyncpg
import pytest

from service.imports.lease import Lease
from service.imports.pipeline.writer import Writer
from service.projects import retention as pruning
from service.projects.retention import PruneBusy, prune
from service.settings import Settings
from service.storage import Pool
from service.storage.advisory_locks import prune_key
from tests.support.databases import earlier
from tests.support.projects import finish, project

AGE = f"""
UPDATE imports SET {earlier("started_at")}, {earlier("ended_at")}, {earlier("key_claimed_at")}
"""


@pytest.fixture
def settings(settings: Settings) -> Settings:
    last = {"keep_versions": 2, "keep_days": 0, "keep_months": 0, "keep_superseded": 0}
    return settings.model_copy(update=last)


async def versions(pool: Pool, table: str = "project_versions") -> list[int]:
    rows = await pool.fetch(f"SELECT DISTINCT version FROM {table} ORDER BY version")
    return [row["version"] for row in rows]


@pytest.fixture
async def five_versions(writer: Writer) -> None:
    for n in range(5):
        await writer.write_batch([project("A", index=n, tasks=n + 2)])


@pytest.mark.usefixtures("five_versions")
async def test_pruning_keeps_the_last_versions_with_their_records(
    pool: Pool, settings: Settings
) -> None:
    assert (await prune(pool, settings)).versions == 3

    assert await versions(pool) == [4, 5]
    assert await versions(pool, "tasks") == [4, 5]
    assert await versions(pool, "dependencies") == [4, 5]
    assert await versions(pool, "pruned_versions") == []


@pytest.mark.usefixtures("five_versions")
async def test_pruning_always_keeps_the_newest_version(pool: Pool, settings: Settings) -> None:
    await pool.execute("UPDATE projects SET archived_at = now()")
    await pool.execute(f"UPDATE project_versions SET {earlier('created_at', '9 years')}")
    await prune(pool, settings.model_copy(update={"keep_versions": 1}))

    assert await versions(pool) == [5]
    assert await pool.fetchval("SELECT count(*) FROM current_tasks") == 6


@pytest.mark.usefixtures("five_versions")
async def test_pruning_keeps_recently_superseded_versions(pool: Pool, settings: Settings) -> None:
    hour = settings.model_copy(update={"keep_superseded": 3600})
    await prune(pool, hour)
    assert await versions(pool) == [1, 2, 3, 4, 5]

    # 1 was superseded by 2 two hours ago, and 2 by 3 a moment ago.
    await pool.execute(
        "UPDATE project_versions SET created_at = now() - interval '2 hours' WHERE version <= 2"
    )
    await prune(pool, hour)
    assert await versions(pool) == [2, 3, 4, 5]


async def test_pruning_processes_many_projects_in_ranges(
    pool: Pool, settings: Settings, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pruning, "_PROJECTS_AT_A_TIME", 2)
    monkeypatch.setattr(pruning, "VERSIONS_AT_A_TIME", 3)
    names = "ABCDEFG"
    for n in range(5):
        await writer.write_batch(
            [project(name, index=10 * n + i, tasks=n + 2) for i, name in enumerate(names)]
        )
    assert (await prune(pool, settings)).versions == 3 * len(names)

    left = await pool.fetch("SELECT version, count(*) FROM project_versions GROUP BY 1 ORDER BY 1")
    assert [tuple(row) for row in left] == [(4, len(names)), (5, len(names))]
    assert await versions(pool, "tasks") == [4, 5]


@pytest.fixture
async def large(writer: Writer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three versions; pruning the first takes several transactions with observable pauses."""
    monkeypatch.setattr(pruning, "ROWS_AT_A_TIME", 10)
    monkeypatch.setattr(pruning, "_PAUSE", 0.5)
    for n in range(3):
        await writer.write_batch([project("A", index=n, tasks=25 + n)])


@pytest.mark.usefixtures("large")
async def test_pruning_deletes_the_version_first_and_its_records_in_pieces(
    pool: Pool, settings: Settings
) -> None:
    """A reader or a copy detects an incomplete version by the missing version row."""
    async with asyncio.timeout(20):
        task = asyncio.create_task(prune(pool, settings))
        seen = set()
        while not task.done():
            # One snapshot: both tables as they were at one moment.
            seen.add(
                await pool.fetchval(
                    "SELECT (EXISTS (SELECT FROM project_versions"
                    " WHERE client_id = 1 AND version = 1),"
                    " (SELECT count(*) FROM tasks WHERE client_id = 1 AND version = 1))::text"
                )
            )
        await task
    assert {text for text in seen if text.startswith("(t")} <= {"(t,25)"}
    assert "(f,15)" in seen, "a transaction takes no more than it may"
    assert await versions(pool, "tasks") == [2, 3]


@pytest.mark.usefixtures("large")
async def test_a_cancelled_pruning_round_is_completed_by_the_next(
    pool: Pool, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pruning, "_PAUSE", 30)
    cut = asyncio.create_task(prune(pool, settings))
    async with asyncio.timeout(20):
        while 1 in await versions(pool):
            pass
    cut.cancel()
    await asyncio.wait([cut])
    assert cut.cancelled()
    assert await versions(pool, "pruned_versions") == [1]

    monkeypatch.setattr(pruning, "_PAUSE", 0)
    assert (await prune(pool, settings)).versions == 0
    assert await versions(pool, "tasks") == [2, 3]
    assert await versions(pool, "pruned_versions") == []


@pytest.mark.usefixtures("five_versions")
async def test_pruning_keeps_rows_of_another_client_with_the_same_keys(
    pool: Pool, settings: Settings, lease: Lease
) -> None:
    await finish(pool, lease)
    await pool.execute(AGE, timedelta(days=31))
    await pool.execute("INSERT INTO clients (client_id, name) VALUES (2, 'Two')")
    copied = ("project_versions", "tasks", "dependencies", "import_results", "imports")
    for table in copied:
        await pool.execute(
            f"INSERT INTO {table}"
            f" SELECT (jsonb_populate_record(t, '{{\"client_id\": 2}}')).* FROM {table} t"
        )
    await pool.execute("DELETE FROM project_versions WHERE client_id = 2 AND version > 2")
    await pool.execute("UPDATE imports SET ended_at = now() WHERE client_id = 2")
    await pool.execute("INSERT INTO projects VALUES (2, 1, 'A', 2, '')")
    theirs = "SELECT count(*) FROM {} WHERE client_id = 2"
    before = [await pool.fetchval(theirs.format(table)) for table in copied]

    gone = await prune(pool, settings)
    assert (gone.versions, gone.outcomes) == (3, 5)
    assert [await pool.fetchval(theirs.format(table)) for table in copied] == before
    assert all(before)


@pytest.mark.usefixtures("five_versions")
async def test_pruning_continues_with_other_clients_after_an_error(
    pool: Pool, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    await pool.execute("INSERT INTO clients (client_id, name) VALUES (0, 'First')")

    prune_records = pruning._prune_records

    async def prune_or_fail(pool: Pool, client_id: int) -> None:
        if client_id == 0:
            await pool.execute("SELECT 1 / 0")
        await prune_records(pool, client_id)

    monkeypatch.setattr(pruning, "_prune_records", prune_or_fail)
    with pytest.raises(asyncpg.DivisionByZeroError):
        await prune(pool, settings)
    assert await versions(pool) == [4, 5]


@pytest.mark.usefixtures("five_versions")
async def test_pruning_is_refused_while_another_process_prunes(
    pool: Pool, settings: Settings
) -> None:
    async with pool.acquire() as conn, conn.transaction():
        await conn.execute("SELECT pg_advisory_xact_lock($1)", prune_key())
        with pytest.raises(PruneBusy):
            await prune(pool, settings)

    assert await versions(pool) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(("state", "left"), [("completed", 0), ("interrupted", 0), ("running", 5)])
@pytest.mark.usefixtures("five_versions")
async def test_pruning_deletes_outcomes_of_imports_that_ended_long_ago(
    pool: Pool, settings: Settings, lease: Lease, state: str, left: int
) -> None:
    """Outcomes of a running import stay, and every import stays in the history."""
    if state != "running":
        await finish(pool, lease, state)
    await pool.execute(AGE, timedelta(days=29))
    assert (await prune(pool, settings)).outcomes == 0
    await pool.execute(AGE, timedelta(days=2))
    assert (await prune(pool, settings)).outcomes == 5 - left

    assert await pool.fetchval("SELECT count(*) FROM import_results") == left
    assert await pool.fetchval("SELECT state FROM imports") == state


@pytest.mark.usefixtures("five_versions")
async def test_pruning_keeps_outcomes_while_their_key_is_valid(
    pool: Pool, settings: Settings, lease: Lease
) -> None:
    await finish(pool, lease)
    await pool.execute("UPDATE imports SET idempotency_key = 'k', key_claimed_at = started_at")
    week = settings.model_copy(update={"keep_results_days": 1, "keep_keys_hours": 168})
    await pool.execute(AGE, timedelta(days=7))
    assert (await prune(pool, week)).outcomes == 0  # a client with the key may still upload
    await pool.execute(AGE, timedelta(days=1))
    assert (await prune(pool, week)).outcomes == 5


async def test_pruning_deletes_the_outcomes_of_many_imports(
    pool: Pool, settings: Settings, lease: Lease, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pruning skips imports that stay and stops at the first that is too young."""
    monkeypatch.setattr(pruning, "ROWS_AT_A_TIME", 10)
    await pool.execute(
        """
        INSERT INTO imports (client_id, import_id, state, started_at, ended_at)
        SELECT 1, n, CASE WHEN n = 150 THEN 'running' ELSE 'completed' END,
               now() - make_interval(days => 250 - n),
               CASE WHEN n <> 150 THEN now() - make_interval(days => 250 - n) END
          FROM generate_series(101, 249) n;
        INSERT INTO import_progress (client_id, import_id, attempt)
        SELECT 1, import_id, 1 FROM imports WHERE import_id > 100;
        INSERT INTO import_results (client_id, import_id, attempt, index, outcome)
        SELECT 1, import_id, a, i, 'unchanged'
          FROM imports, generate_series(1, 2) a, generate_series(0, 2) i
         WHERE import_id > 100;
        """
    )
    gone = await prune(pool, settings)
    left = await pool.fetch("SELECT DISTINCT import_id FROM import_results ORDER BY import_id")
    assert [row["import_id"] for row in left] == [150, *range(221, 250)]
    assert gone.outcomes == 6 * (149 - 30)


async def test_pruning_keeps_imports_projects_and_locks(
    pool: Pool, settings: Settings, lease: Lease, writer: Writer
) -> None:
    """Imports, archived projects, locks and lock breaks are kept forever."""
    await writer.write_batch([project("A")])
    await finish(pool, lease)
    await pool.execute(
        """
        UPDATE projects SET archived_at = now() - interval '9 years';
        INSERT INTO project_locks VALUES (1, 1, 'bob', now(), now() - interval '9 years');
        INSERT INTO lock_breaks (client_id, project_id, holder, expires_at, broken_by, reason)
        VALUES (1, 1, 'bob', now() - interval '9 years', 'eve', 'over')
        """
    )
    await pool.execute(AGE, timedelta(days=3650))
    there = "SELECT count(*) FROM {}"
    tables = ("imports", "import_progress", "projects", "project_locks", "lock_breaks", "tasks")
    before = [await pool.fetchval(there.format(table)) for table in tables]
    assert (await prune(pool, settings)).outcomes == 1
    assert [await pool.fetchval(there.format(table)) for table in tables] == before
    assert all(before)
