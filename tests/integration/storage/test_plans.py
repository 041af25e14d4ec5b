"""Each query touches one partition of a table: the partition of its client."""

import itertools
import json
import re
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from service.imports.client_removal import KEYS
from service.imports.fast_path.statement import list_inserts
from service.imports.lease import Lease
from service.imports.pipeline.copy import NewVersion, copy_versions
from service.projects.comparison import keys
from service.projects.comparison import queries as comparison
from service.projects.comparison.kinds import KINDS, Basis, Match
from service.storage import Connection
from service.storage.queries import SQL, Queries
from service.tables import PROJECT_COLUMNS, Table
from tests.support.databases import CLIENT_TABLES
from tests.support.projects import project

OF_MANY = {
    "clients.list": "lists all clients for an operator",
    "prune.list_clients": "finds the clients for which pruning has work",
    "prune.list_changed_clients": "finds the clients with new versions",
    "imports.list_silent_clients": "reads the few running imports of all clients",
}
WRITES = re.compile(r"\b(UPDATE|DELETE|INSERT)\b")
CALL = re.compile(r"\b(\w+)\(")
PLACES = re.compile(
    r"\bCASE\b.*?\bEND\b|\bcoalesce\((?:[^()]|\([^()]*\))*\)|\bRETURNING\b[^)]*", re.DOTALL
)
"""The places of a statement where Citus accepts only immutable functions."""
ROW = re.compile(r"VALUES \((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)")
ABOUT_THE_SERVER = ("partitions", "grants", "readers", "server_checks", "transactions")
COMPOSED = ("compare", "compare_keys")
"""Files of fragments; ``composed_queries`` has the queries made of them."""

PART = re.compile(r"(--.*\n|\s)*AND ")
"""A condition of projects.list, not a query."""

SOURCES = {
    "imports.list_imports": ("imports", ("list_latest", "list_by_key")),
    "projects.list": ("projects", ("list_all", "list_some")),
}
"""Queries, and the parts of their file from which they select: the placeholder, and the names."""

CHILD = {"columns": "attributes", "size": "1"}
FILLED = {
    "projects.list_missing": {"archived": ""},
    "version_copy.copy_versions": {"columns": ", ".join(PROJECT_COLUMNS)},
    "fast_path.write": {"inserts": list_inserts()},
}
VALUES: dict[str, Any] = {
    "int8": 1,
    "int4": 1,
    "float8": 1.0,
    "bool": True,
    "text": "x",
    "bytea": b"x",
    "jsonb": "{}",
    "timestamptz": datetime(2026, 1, 1, tzinfo=UTC),
}


def queries() -> Iterator[tuple[str, str]]:
    """Yield every query by name, with its placeholders filled as the code fills them."""
    for file in sorted((SQL / "queries").glob("*.sql")):
        if file.stem in (*ABOUT_THE_SERVER, *COMPOSED):
            continue
        named = re.findall(r"^-- name: (\w+)", file.read_text("utf-8"), re.MULTILINE)
        texts = {name: getattr(Queries(file.stem), name) for name in named}
        places = (f"${number}" for number in itertools.count(4))
        conditions = [
            text.format(*itertools.islice(places, len({*re.findall(r"{\d}", text)})))
            for text in texts.values()
            if PART.match(text)
        ]
        place = next(places)
        parts = {part for _, names in SOURCES.values() for part in names}
        for name, text in texts.items():
            full = f"{file.stem}.{name}"
            if PART.match(text) or name in parts or text.startswith("DO $settings$"):
                continue
            for table in tables_of(full, text):
                filled = CHILD | {"table": table, "key": KEYS[table]} | FILLED.get(full, {})
                filled["conditions"] = "\n".join(conditions)
                placeholder, sources = SOURCES.get(full, ("", ("",)))
                for source in sources:
                    filled[placeholder] = texts.get(source, "").format(place)
                    yield full, text.format(**filled)
    yield from composed_queries()


def composed_queries() -> Iterator[tuple[str, str]]:
    """Yield the queries of a comparison, for each key by which records match."""
    yield "compare.versions", comparison.SQL.versions
    yield "compare.last_finish", comparison.SQL.last_finish
    for match, moved in itertools.product(Match, (False, True)):
        basis = Basis(match, codes=True, moved=moved)
        for kind, same_ids in itertools.product(KINDS, (False, True)):
            query = comparison.differences(kind, basis._replace(same_ids=same_ids))
            yield f"compare.{kind} by {match}, moved: {moved}, same ids: {same_ids}", query
        query = comparison.baseline_differences(basis)
        yield f"compare.baseline by {match}, moved: {moved}", query
    yield "compare.same_ids", keys.same_ids(basis)
    yield "compare.current_baseline", comparison.SQL.current_baseline


def value(type_name: str, place: int) -> Any:
    """Return a value of a type; of two times, the second is later."""
    known = VALUES[type_name]
    return known + timedelta(place) if isinstance(known, datetime) else known


def tables_of(name: str, text: str) -> list[str]:
    """Return the tables that the code puts into a query."""
    if name == "clients.delete_rows":
        return [*KEYS]
    return [*Table] if "{table}" in text else [Table.TASKS]


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
