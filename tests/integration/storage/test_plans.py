"""Each query touches one partition of a table: the partition of its client."""

import json
import re
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from typing import Any

import asyncpg
import pytest

from service.imports.client_removal import KEYS
from service.imports.lease import Lease
from service.imports.pipeline.copy import NewVersion, copy_versions
from service.storage import Connection
from tests.support.databases import CLIENT_TABLES
from tests.support.every_query import OF_MANY, VALUES, queries, value
from tests.support.projects import project

WRITES = re.compile(r"\b(UPDATE|DELETE|INSERT)\b")
CALL = re.compile(r"\b(\w+)\(")
PLACES = re.compile(
    r"\bCASE\b.*?\bEND\b|\bcoalesce\((?:[^()]|\([^()]*\))*\)|\bRETURNING\b[^)]*", re.DOTALL
)
"""The places of a statement where Citus accepts only immutable functions."""
ROW = re.compile(r"VALUES \((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)")


@pytest.fixture
async def connection(partitioned: str) -> AsyncIterator[Connection]:
    connection = await asyncpg.connect(partitioned)
    yield connection
    await connection.close()


async def explain(conn: Connection, query: str, *args: Any) -> dict[str, Any]:
    """Return the execution plan of a query."""
    text = await conn.fetchval(f"EXPLAIN (FORMAT JSON) {query}", *args)
    plan: dict[str, Any] = json.loads(text)[0]["Plan"]
    return plan


def touched_partitions(node: dict[str, Any]) -> Iterator[str]:
    """Yield the partitions that a plan reads or writes."""
    name = node.get("Relation Name", "")
    if re.search(r"_\d+$", name):
        yield name
    for below in node.get("Plans", ()):
        yield from touched_partitions(below)


def by_table(partitions: Iterator[str]) -> dict[str, set[str]]:
    found: defaultdict[str, set[str]] = defaultdict(set)
    for name in partitions:
        found[name.rpartition("_")[0]].add(name)
    return found


async def test_each_query_touches_one_partition(connection: Connection) -> None:
    several: dict[str, object] = {}
    tables: set[str] = set()
    for name, query in queries():
        types = (await connection.prepare(query)).get_parameters()
        args = [
            [VALUES[type.name[:-2]]] if type.kind == "array" else value(type.name, place)
            for place, type in enumerate(types)
        ]
        found = by_table(touched_partitions(await explain(connection, query, *args)))
        tables |= {*found}
        if any(len(partitions) > 1 for partitions in found.values()):
            several[name] = found
    assert several.keys() == OF_MANY.keys(), several
    assert {*KEYS} == tables


async def test_copying_a_batch_locks_one_partition_of_each_table(connection: Connection) -> None:
    async with connection.transaction():
        await copy_versions(
            connection,
            Lease(7, 1, 1, b"", "x", lock_timeout=5, idle_timeout=5),
            [NewVersion(project("P1"), 1, 1)],
        )
        rows = await connection.fetch(
            "SELECT relation::regclass::text AS name FROM pg_locks JOIN pg_class ON oid = relation"
            " WHERE pid = pg_backend_pid() AND mode = 'RowExclusiveLock' AND relispartition"
            " AND relkind = 'r'"
        )
    found = by_table(row["name"] for row in rows)
    assert found.keys() == {"project_versions", "tasks", "dependencies"}
    assert {len(partitions) for partitions in found.values()} == {1}


async def test_no_statement_that_writes_calls_a_volatile_function(connection: Connection) -> None:
    """Citus refuses them, by its documentation, except in the VALUES of an INSERT."""
    volatile = await functions(connection, "v")
    refused = {
        name
        for name, query in queries()
        if WRITES.search(query) and volatile & {*CALL.findall(ROW.sub("", query))}
    }
    assert refused == set()


async def test_no_function_that_can_change_is_where_citus_refuses_it(
    connection: Connection,
) -> None:
    """Citus wants immutable functions in CASE, COALESCE and RETURNING of an update."""
    changing = await functions(connection, "vs")
    refused = {
        (name, place)
        for name, query in queries()
        for update in re.split(r"\bUPDATE\b", query)[1:2]
        for place in PLACES.findall(update)
        if changing & {*CALL.findall(place)}
    }
    assert refused == set()


async def test_no_statement_has_both_tables_and_functions_of_the_session(
    connection: Connection,
) -> None:
    """Citus runs such a statement where the table is: there are other locks and sessions."""
    tables = {row["table_name"] for row in await connection.fetch(CLIENT_TABLES)}
    refused = {
        name
        for name, query in queries()
        if tables & {*re.findall(r"\b(?:FROM|JOIN|UPDATE|INTO)\s+(\w+)", query)}
        and re.search(r"\b(pg_\w*advisory\w*|pg_locks|pg_stat_activity|pg_\w+_backend)\b", query)
    }
    assert refused == set()


async def functions(connection: Connection, volatility: str) -> set[str]:
    """Return the names of PostgreSQL's functions of a volatility, of which casts are none."""
    rows = await connection.fetch(
        "SELECT DISTINCT p.proname FROM pg_proc p"
        " WHERE p.pronamespace = 'pg_catalog'::regnamespace AND strpos($1, p.provolatile::text) > 0"
        " AND NOT EXISTS (SELECT FROM pg_proc q WHERE q.proname = p.proname"
        " AND q.provolatile = 'i')",
        volatility,
    )
    return {row["proname"] for row in rows}
