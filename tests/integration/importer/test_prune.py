"""What pruning takes, and what it leaves."""

import pytest

from service.db import Pool
from service.importer import transaction
from service.importer.batches import Owner
from service.importer.keys import prune_key
from service.importer.lifecycle import End, end
from service.importer.prune import prune
from service.importer.writer import Writer
from service.model import SharedObject
from service.settings import Settings
from tests.integration.importer.build import project


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"keep_versions": 2, "keep_superseded": 0})


async def versions(pool: Pool, table: str = "project_versions") -> list[int]:
    rows = await pool.fetch(f"SELECT DISTINCT version FROM {table} ORDER BY version")
    return [row["version"] for row in rows]


@pytest.fixture
async def five_versions(writer: Writer) -> None:
    for n in range(5):
        await writer.land([project("A", index=n, tasks=n + 2)])


@pytest.mark.usefixtures("five_versions")
async def test_the_last_versions_stay_with_their_children(pool: Pool, settings: Settings) -> None:
    assert (await prune(pool, settings))["versions"] == 3

    assert await versions(pool) == [4, 5]
    assert await versions(pool, "tasks") == [4, 5]
    assert await versions(pool, "dependencies") == [4, 5]


@pytest.mark.usefixtures("five_versions")
async def test_a_version_stays_for_a_while_after_it_was_superseded(
    pool: Pool, settings: Settings
) -> None:
    await prune(pool, settings.model_copy(update={"keep_superseded": 3600}))

    assert await versions(pool) == [1, 2, 3, 4, 5]


@pytest.mark.usefixtures("five_versions")
async def test_a_replica_leaves_the_work_to_one_that_prunes(pool: Pool, settings: Settings) -> None:
    async with pool.acquire() as conn, conn.transaction():
        await conn.execute("SELECT pg_advisory_xact_lock($1)", prune_key())
        await prune(pool, settings)

    assert await versions(pool) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("ended", [True, False])
@pytest.mark.usefixtures("five_versions")
async def test_outcomes_go_once_their_import_has_long_ended(
    pool: Pool, settings: Settings, owner: Owner, ended: bool
) -> None:
    if ended:
        async with pool.acquire() as conn:
            await end(conn, owner, End("completed"))
        await pool.execute("UPDATE imports SET ended_at = now() - interval '31 days'")
    await prune(pool, settings)

    left = await pool.fetchval("SELECT count(*) FROM import_results")
    assert left == (0 if ended else 5)


async def test_shared_objects_go_when_nothing_names_them_and_nothing_runs(
    pool: Pool, settings: Settings, owner: Owner, writer: Writer
) -> None:
    used, unused = (SharedObject(bytes([n]) * 32, "Calendar", str(n), b"{}") for n in (1, 2))
    plan = project("A")
    plan.shared = (used.hash,)
    async with pool.acquire() as conn:
        await transaction.store_shared(conn, owner, [used, unused])
    await writer.land([plan])

    assert (await prune(pool, settings))["shared_objects"] == 0
    async with pool.acquire() as conn:
        await end(conn, owner, End("completed"))
    assert (await prune(pool, settings))["shared_objects"] == 1
    assert await pool.fetchval("SELECT object_id FROM shared_objects") == "1"


async def test_an_import_whose_owner_fell_silent_is_interrupted(
    pool: Pool, settings: Settings, owner: Owner, writer: Writer
) -> None:
    await writer.land([project("A")])
    await prune(pool, settings)
    assert await pool.fetchval("SELECT state FROM imports") == "running"

    await pool.execute("UPDATE import_progress SET beat_at = now() - interval '1 minute'")
    await prune(pool, settings)
    row = await pool.fetchrow("SELECT state, counts, ended_at FROM imports")
    assert row is not None
    assert row["state"] == "interrupted"
    assert row["counts"]["created"] == 1
    assert row["ended_at"] is not None
