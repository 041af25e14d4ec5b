"""Each query touches one partition of a table: that of the client whom it names."""

import itertools
import json
import re
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from typing import Any

import asyncpg
import pytest

from service.imports.client_removal import KEYS
from service.imports.pipeline.batch import Lease
from service.imports.pipeline.copy import NewVersion, copy_versions
from service.storage import Connection
from service.storage.queries import SQL, Queries
from service.tables import PROJECT_COLUMNS, Table
from tests.integration.storage.test_clients import KEYED_BY_CLIENT
from tests.support.projects import project

OF_MANY = {
    "clients.list": "an operator's list of all clients",
    "imports.beat": "the heartbeats of a process, whosever imports it runs",
}
CITUS = SQL / "citus.sql"
ROW = re.compile(r"VALUES \((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)")
ABOUT_THE_SCHEMA = ("partitions", "grants")

PART = re.compile(r"(--.*\n|\s)*AND ")
"""A condition of projects.list, and no query."""

CHILD = {"columns": "attributes", "size": "1"}
FILLED = {
    "locks.copy_version": {"columns": ", ".join(PROJECT_COLUMNS)},
    "undo.copy_versions": {"columns": ", ".join(PROJECT_COLUMNS)},
    "compare.project": {"version": "$3"},
    "compare.records": {"version": "$3"},
    "compare.shared": {"version": "$3"},
    "compare.differences": {
        "key": "task_id",
        "content": "name",
        "old_identity": "'{}'",
        "new_identity": "'{}'",
        "old": "SELECT * FROM tasks WHERE client_id = $1 AND version = 1",
        "new": "SELECT * FROM tasks WHERE client_id = $1 AND version = 2",
    },
}
VALUES: dict[str, Any] = {
    "int8": 1,
    "int4": 1,
    "float8": 1.0,
    "bool": True,
    "text": "x",
    "bytea": b"x",
    "jsonb": "{}",
    "timestamptz": None,
}


def queries() -> Iterator[tuple[str, str]]:
    """Every query by name, with what the code would put into its text."""
    for file in sorted((SQL / "queries").glob("*.sql")):
        if file.stem in ABOUT_THE_SCHEMA:
            continue
        named = re.findall(r"^-- name: (\w+)", file.read_text("utf-8"), re.MULTILINE)
        texts = {name: getattr(Queries(file.stem), name) for name in named}
        places = (f"${number}" for number in itertools.count(4))
        conditions = [
            text.format(*itertools.islice(places, len({*re.findall(r"{\d}", text)})))
            for text in texts.values()
            if PART.match(text)
        ]
        for name, text in texts.items():
            full = f"{file.stem}.{name}"
            if PART.match(text):
                continue
            for table in tables_of(full, text):
                filled = CHILD | {"table": table, "key": KEYS[table]} | FILLED.get(full, {})
                yield full, text.format(**filled, conditions="\n".join(conditions))


def tables_of(name: str, text: str) -> list[str]:
    """What the code puts into a query's text as its table."""
    if name == "clients.delete_some":
        return [*KEYS]
    return [*Table] if "{table}" in text else [Table.TASKS]


@pytest.fixture
async def connection(partitioned: str) -> AsyncIterator[Connection]:
    connection = await asyncpg.connect(partitioned)
    yield connection
    await connection.close()


async def plan(conn: Connection, query: str, *args: Any) -> dict[str, Any]:
    """The plan by which a query would go."""
    told = await conn.fetchval(f"EXPLAIN (FORMAT JSON) {query}", *args)
    found: dict[str, Any] = json.loads(told)[0]["Plan"]
    return found


def touched(node: dict[str, Any]) -> Iterator[str]:
    """The partitions that a plan reads or writes."""
    name = node.get("Relation Name", "")
    if re.search(r"_\d+$", name):
        yield name
    for below in node.get("Plans", ()):
        yield from touched(below)


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
            [VALUES[type.name[:-2]]] if type.kind == "array" else VALUES[type.name]
            for type in types
        ]
        found = by_table(touched(await plan(connection, query, *args)))
        tables |= {*found}
        if any(len(partitions) > 1 for partitions in found.values()):
            several[name] = found
    assert several.keys() == OF_MANY.keys(), several
    assert {*KEYS} == tables


async def test_a_batch_is_copied_into_one_partition_of_each_table(connection: Connection) -> None:
    async with connection.transaction():
        await copy_versions(
            connection,
            Lease(7, 1, 1, "x", lock_timeout=5, idle_timeout=5),
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


async def test_each_table_is_distributed_by_client(connection: Connection) -> None:
    """``sql/citus.sql``, which no Citus is there to run, names what is there."""
    said = re.findall(r"create_distributed_table\('(\w+)', 'client_id', (\w+)", CITUS.read_text())
    tables = [row["table_name"] for row in await connection.fetch(KEYED_BY_CLIENT)]
    assert sorted(name for name, _ in said) == sorted(tables)
    assert [how for _, how in said] == ["shard_count"] + ["colocate_with"] * (len(said) - 1)


async def test_no_change_is_by_a_volatile_function(connection: Connection) -> None:
    """Which Citus refuses, by its documentation, but for what an INSERT has in its VALUES."""
    volatile = {
        row["proname"]
        for row in await connection.fetch(
            "SELECT proname FROM pg_proc WHERE provolatile = 'v'"
            " AND pronamespace = 'pg_catalog'::regnamespace"
        )
    }
    refused = {
        name
        for name, query in queries()
        if re.search(r"\b(UPDATE|DELETE|INSERT)\b", query)
        and volatile & {*re.findall(r"\b(\w+)\(", ROW.sub("", query))}
    }
    assert refused == set()
