"""The tables on Citus: each client on one node, with statements that go to that node alone."""

import asyncio
import re
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from service.storage import Pool, migrate
from service.storage.citus.distribution import DistributionError, distribute_tables
from service.storage.partitions import PartitionError, partition_tables
from service.storage.readers import ReaderError, grant_reader
from tests.support import citus
from tests.support.databases import CLIENT_TABLES, execute
from tests.support.every_query import OF_MANY, VALUES, queries, value
from tests.support.servers import PLAIN, database_dsn

pytestmark = pytest.mark.citus

THROUGH_COORDINATOR = {
    "imports.begin",
    "prune.delete_version",
    "undo.move_pointers",
    "version_copy.copy_versions",
}
"""Statements that insert what they select, of which Citus shows no plan: it fetches the rows."""
FIRST = "20261124"
"""The day of the migrations that create the first tables."""


@pytest.fixture
async def joined(server: str) -> AsyncIterator[str]:
    """A database without tables on a cluster that has workers."""
    dsn = database_dsn(server, "joined")
    await execute(server, "CREATE DATABASE joined")
    await citus.join(dsn)
    yield dsn
    for node in citus.nodes(server):
        await execute(node, "DROP DATABASE joined WITH (FORCE)")


async def test_every_table_by_client_is_distributed_with_the_clients(pool: Pool) -> None:
    rows = await pool.fetch("SELECT logicalrelid::text, colocationid FROM pg_dist_partition")
    groups = {row["logicalrelid"]: row["colocationid"] for row in rows}
    tables = {row["table_name"] for row in await pool.fetch(CLIENT_TABLES)}
    assert {groups[name] for name in tables} == {groups["clients"]}
    assert groups.keys() - tables == {"check_thresholds"}


async def test_each_query_goes_to_one_node(pool: Pool) -> None:
    several, through_coordinator = set(), set()
    async with pool.acquire() as conn:
        for name, query in queries():
            if name.startswith("fast_path."):
                continue  # not used on Citus
            types = (await conn.prepare(query)).get_parameters()
            args = [
                [VALUES[type.name[:-2]]] if type.kind == "array" else value(type.name, place)
                for place, type in enumerate(types)
            ]
            try:
                plan = await conn.fetchval(f"EXPLAIN (FORMAT JSON) {query}", *args)
            except asyncpg.FeatureNotSupportedError:
                through_coordinator.add(name)
                continue
            tasks = re.findall(r"'Task Count': (\d+)", str(plan))
            if any(int(number) > 1 for number in tasks):
                several.add(name)
    fast = {name for name in OF_MANY if name.startswith("fast_path.")}
    assert several == OF_MANY.keys() - fast | {"prune.list_all_clients"}
    assert through_coordinator == THROUGH_COORDINATOR


async def test_distributing_again_changes_nothing(dsn: str) -> None:
    assert await distribute_tables(dsn) == []


async def test_later_migrations_reach_the_shards_of_distributed_tables(
    joined: str, dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in migrate.MIGRATIONS.glob(f"{FIRST}*.sql"):
        shutil.copy(path, tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(migrate, "MIGRATIONS", tmp_path)
        await asyncio.to_thread(migrate.migrate, joined)
    assert "tasks" in await distribute_tables(joined, citus.SHARDS)
    await asyncio.to_thread(migrate.migrate, joined, citus=True)
    assert {"baselines", "version_labels"} <= {*await distribute_tables(joined)}
    columns = """SELECT DISTINCT result FROM run_command_on_shards('tasks', $$
                     SELECT string_agg(attname, ' ' ORDER BY attname) FROM pg_attribute
                      WHERE attrelid = '%s'::regclass AND attnum > 0 $$)"""
    assert await execute(joined, columns) == await execute(dsn, columns)


async def test_a_cluster_without_workers_is_refused(server: str) -> None:
    await execute(server, f"CREATE DATABASE alone TEMPLATE {PLAIN}")
    dsn = database_dsn(server, "alone")
    try:
        with pytest.raises(DistributionError, match="CREATE EXTENSION citus"):
            await distribute_tables(dsn)
        await execute(dsn, "CREATE EXTENSION citus")
        with pytest.raises(DistributionError, match="citus_add_node"):
            await distribute_tables(dsn)
    finally:
        await execute(server, "DROP DATABASE alone WITH (FORCE)")


async def test_no_reader_can_be_limited_to_clients(dsn: str) -> None:
    with pytest.raises(ReaderError, match="Citus"):
        await grant_reader(dsn, "pg_monitor", [1])


async def test_distributed_tables_cannot_be_partitioned(dsn: str) -> None:
    with pytest.raises(PartitionError, match="Citus"):
        await partition_tables(dsn, 4)


async def test_the_rows_of_two_clients_can_be_on_two_nodes(dsn: str) -> None:
    place = """SELECT nodeport FROM pg_dist_shard_placement
                WHERE shardid = get_shard_id_for_distribution_column('tasks', {}::bigint)"""
    ports = {await execute(dsn, place.format(client)) for client in range(1, 9)}
    assert ports == {urlsplit(node).port for node in citus.nodes(dsn)[1:]}
