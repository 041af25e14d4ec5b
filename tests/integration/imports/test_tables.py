"""What batches cost the database, by the statistics of PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from service.imports.lease import Lease
from service.imports.pipeline.transaction import write_batch
from service.storage import Connection, Pool
from tests.support.projects import project

BATCHES = 20
BATCH = 50
ALL = BATCHES * BATCH
PROJECTS = "relname ~ '^projects(_[0-9]+)?$'"
"""The table, or its partitions."""


@pytest.fixture
async def conn(pool: Pool) -> AsyncIterator[Connection]:
    """One connection for all work, so that the test can flush its statistics."""
    async with pool.acquire() as connection:
        yield connection


async def count(conn: Connection, query: str) -> int:
    await conn.execute("SELECT pg_stat_force_next_flush()")
    value: int = await conn.fetchval(query)
    return value


async def import_all(conn: Connection, lease: Lease, name: str, number: int = ALL) -> None:
    # Outcomes are keyed by their place in the file, so each import takes further ones.
    first: int = await conn.fetchval("SELECT count(*) FROM import_results")
    for start in range(0, number, BATCH):
        places = range(start, min(start + BATCH, number))
        items = [project(f"P-{n}", first + n, name=name, tasks=0) for n in places]
        assert not await write_batch(conn, lease, items, first, False)


async def tuples_read_by_imports(conn: Connection, lease: Lease) -> int:
    """What two imports, the second with every project changed, read of ``projects``."""
    await conn.execute("SELECT pg_stat_force_next_flush()")
    await conn.execute("SELECT pg_stat_reset()")
    await import_all(conn, lease, "First")
    await import_all(conn, lease, "Second")
    return await count(
        conn,
        "SELECT ((SELECT sum(seq_tup_read) FROM pg_stat_user_tables"
        f"        WHERE {PROJECTS})"
        "      + (SELECT sum(idx_tup_read) FROM pg_stat_user_indexes"
        f"        WHERE {PROJECTS}))::bigint",
    )


# Each project is found once to be compared and once to be moved.
MOST_READ = 2 * ALL + BATCH


async def test_a_batch_reads_only_its_own_projects_with_outdated_statistics(
    conn: Connection, lease: Lease
) -> None:
    await conn.execute("VACUUM (ANALYZE) projects")
    for edition in range(10):  # PostgreSQL would keep a plan after the fifth
        await import_all(conn, lease, f"Edition {edition}", 2)
    assert await tuples_read_by_imports(conn, lease) <= MOST_READ


async def test_a_batch_reads_only_its_own_projects_of_a_client_without_statistics(
    conn: Connection, lease: Lease
) -> None:
    await conn.execute(
        "INSERT INTO projects (client_id, external_id, version, content_hash)"
        " SELECT 2 + n % 99, 'P-' || n, 1, '' FROM generate_series(1, 20000) n"
    )
    await conn.execute("VACUUM (ANALYZE) projects")
    assert await tuples_read_by_imports(conn, lease) <= MOST_READ


async def test_updating_the_current_version_writes_no_index(conn: Connection, lease: Lease) -> None:
    await import_all(conn, lease, "First")
    await import_all(conn, lease, "Second")

    elsewhere = await count(
        conn,
        f"SELECT sum(n_tup_upd - n_tup_hot_upd)::bigint FROM pg_stat_user_tables WHERE {PROJECTS}",
    )
    assert elsewhere == 0
    updated = f"SELECT sum(n_tup_upd)::bigint FROM pg_stat_user_tables WHERE {PROJECTS}"
    assert await count(conn, updated) == ALL


async def test_a_batch_takes_few_statements_besides_its_copies(
    conn: Connection, lease: Lease
) -> None:
    sent: list[str] = []
    conn.add_query_logger(lambda record: sent.append(record.query))
    for place in (0, 1):  # at the first batch, asyncpg looks up the types of arrays
        sent.clear()
        assert not await write_batch(conn, lease, [project(f"P-{place}", place)], 1, False)
        await asyncio.sleep(0)  # asyncpg reports each query in the next turn of the loop
    own = [query.split()[0] for query in sent if not query.startswith("COPY")]
    # The last SELECT reads the progress of projects with tasks, for the rows of their versions.
    assert own == ["BEGIN", "SELECT", "SELECT", "SELECT", "INSERT", "SELECT", "COMMIT;"]
