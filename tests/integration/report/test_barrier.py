"""No view of ``report`` shows a reader the rows of another client, whatever it asks."""

import json
import re
from collections.abc import Iterator
from typing import Any

import asyncpg
import pytest

from service.storage import Connection
from service.storage.readers import grant_reader
from tests.support.databases import execute
from tests.support.readers import READER, VIEWS, Acting

COLUMNS = """
SELECT attname::text AS name, format_type(atttypid, atttypmod) AS type
  FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 ORDER BY attnum
"""
PEEK = """
CREATE FUNCTION pg_temp.peek(client_id bigint) RETURNS boolean LANGUAGE plpgsql COST 0.0001
AS $$ BEGIN RAISE NOTICE 'client %', client_id; RETURN true; END $$
"""
"""A condition that reports the rows that it is called with, and is so cheap that it comes first."""
ABOUT_A_PROJECT = ["client_id", "project_id", "external_id", "project_name"]
NOT_ABOUT_ONE = {"clients", "imports"}
UNFILLED: set[str] = set()
"""Views that show nothing of ``PLAN``."""

pytestmark = pytest.mark.usefixtures("plans")


@pytest.fixture
async def views(dsn: str, acting: Acting) -> list[str]:
    """The names of all views, which ``READER`` may read for client 1."""
    await grant_reader(dsn, READER, [1])
    async with acting(READER) as connection:
        rows = await connection.fetch(VIEWS)
    assert {row["options"] for row in rows} == {"{security_barrier=true}"}
    return [row["relname"] for row in rows]


async def test_each_view_shows_the_rows_of_the_readers_clients(
    dsn: str, acting: Acting, views: list[str]
) -> None:
    for role, expected in ((READER, {1}), ("postgres", {1, 2})):
        async with acting(role) as connection:
            for view in views:
                found = await connection.fetch(f"SELECT DISTINCT client_id FROM report.{view}")
                seen = {row["client_id"] for row in found}
                assert seen == (set() if view in UNFILLED else expected), view


async def test_a_role_that_may_select_but_has_no_clients_sees_no_rows(
    dsn: str, acting: Acting, views: list[str]
) -> None:
    await grant_reader(dsn, "stranger", [1])
    await execute(dsn, "DELETE FROM report.readers WHERE role = 'stranger'::regrole")
    async with acting("stranger") as connection:
        for view in views:
            assert await connection.fetchval(f"SELECT count(*) FROM report.{view}") == 0, view


async def notices(connection: Connection, view: str) -> set[str]:
    seen: set[str] = set()

    def remember(_: object, message: Any) -> None:
        seen.add(message.message)

    connection.add_log_listener(remember)
    try:
        await connection.fetch(f"SELECT * FROM report.{view} WHERE pg_temp.peek(client_id)")
    finally:
        connection.remove_log_listener(remember)
    return seen


async def test_a_condition_that_talks_gets_no_rows_of_other_clients(
    dsn: str, acting: Acting, views: list[str]
) -> None:
    async with acting(READER) as connection:
        await connection.execute(PEEK)
        for view in views:
            assert await notices(connection, view) <= {"client 1"}, view


async def test_without_the_barrier_the_condition_would_get_them(
    dsn: str, acting: Acting, views: list[str]
) -> None:
    await execute(dsn, "ALTER VIEW report.tasks RESET (security_barrier)")
    async with acting(READER) as connection:
        await connection.execute(PEEK)
        assert await notices(connection, "tasks") == {"client 1", "client 2"}


async def test_a_reader_may_select_from_all_views_and_nothing_else(
    dsn: str, acting: Acting, views: list[str]
) -> None:
    async with acting("postgres") as connection:
        rows = await connection.fetch(
            "SELECT table_schema, table_name, privilege_type"
            "  FROM information_schema.role_table_grants WHERE grantee = 'reader'"
        )
    assert sorted(map(tuple, rows)) == [("report", view, "SELECT") for view in views]


async def test_a_reader_needs_no_functions_of_public(dsn: str, acting: Acting) -> None:
    """An operator can revoke the functions that everyone may execute by default."""
    of_all = "ON ALL FUNCTIONS IN SCHEMA public, report"
    await execute(dsn, f"REVOKE EXECUTE {of_all} FROM PUBLIC")
    await grant_reader(dsn, READER, [1])
    async with acting(READER) as connection:
        for row in await connection.fetch(VIEWS):
            assert await connection.fetch(f"SELECT * FROM report.{row['relname']}"), row
    await execute(dsn, f"GRANT EXECUTE {of_all} TO PUBLIC")


async def test_views_have_ids_and_names_first_and_json_last(
    acting: Acting, views: list[str]
) -> None:
    async with acting(READER) as connection:
        for view in views:
            columns = await connection.fetch(COLUMNS, f"report.{view}")
            names = [column["name"] for column in columns]
            if view not in NOT_ABOUT_ONE:
                assert names[:4] == ABOUT_A_PROJECT, view
            json_columns = [column["name"] for column in columns if column["type"] == "jsonb"]
            assert json_columns in ([], ["attributes"]), view
            assert not json_columns or names[-1] == "attributes", view
            intervals = [column["name"] for column in columns if column["type"] == "interval"]
            assert {f"{name}_hours" for name in intervals} <= {*names}, view
            assert not [name for name in names if re.search("key|fingerprint|nonce", name)]


def read_as_a_whole(node: dict[str, Any]) -> Iterator[str]:
    """Yield the tables that a plan scans without an index."""
    if node["Node Type"] == "Seq Scan":
        yield node["Relation Name"]
    for below in node.get("Plans", ()):
        yield from read_as_a_whole(below)


async def test_a_query_for_one_project_follows_the_primary_keys(
    dsn: str, acting: Acting, views: list[str]
) -> None:
    """Among many projects, no table of records is read as a whole, barrier or not."""
    connection = await asyncpg.connect(dsn, statement_cache_size=0)
    await connection.execute(
        "INSERT INTO projects (client_id, project_id, external_id, version, content_hash)"
        " SELECT 1 + n % 2, n, 'M' || n, 1, '' FROM generate_series(1000, 3000) n;"
        "INSERT INTO project_versions (client_id, project_id, version, content_hash, name, source,"
        " attributes) SELECT client_id, project_id, 1, '', 'M', 'native', '{}' FROM projects"
        " WHERE project_id >= 1000;"
        "INSERT INTO tasks (client_id, project_id, version, ordinal, task_id, kind, milestone,"
        " summary, attributes) SELECT client_id, project_id, 1, n, n, 'activity', false, false,"
        " '{}' FROM projects, generate_series(1, 20) n WHERE project_id >= 1000; ANALYZE"
    )
    await connection.close()
    large = "SELECT relname::text FROM pg_class WHERE reltuples > 500 AND relkind = 'r'"
    async with acting(READER) as reader:
        tables = {row["relname"] for row in await reader.fetch(large)}
        assert len(tables) >= 3
        for view in set(views) - NOT_ABOUT_ONE - {"import_results"}:
            query = f"SELECT * FROM report.{view} WHERE client_id = 1 AND project_id = 1002"
            [whole] = json.loads(await reader.fetchval(f"EXPLAIN (FORMAT JSON) {query}"))
            assert not {*read_as_a_whole(whole["Plan"])} & tables, (view, whole)
