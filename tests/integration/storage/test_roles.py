"""The role of the service has the privileges that the service needs, and no others."""

from collections.abc import AsyncIterator

import aiohttp
import asyncpg
import pytest

from service.projects.retention import prune
from service.settings import Settings
from service.storage import Pool, migrate
from service.storage.pool import open_pool
from tests.support import databases
from tests.support.databases import ADD_CLIENT, CLIENT_TABLES, earlier, execute
from tests.support.faults.project_files import content_of
from tests.support.service import served
from tests.support.upload import send_file

ROLE = "importer"
GRANTED = "SELECT table_name FROM information_schema.role_table_grants WHERE grantee = 'importer'"

REQUESTS = [
    ("GET", "imports", 200),
    ("GET", "imports/1", 200),
    ("GET", "imports/1/results", 200),
    ("POST", "imports/1/cancel", 409),
    ("GET", "projects", 200),
    ("GET", "projects/1", 200),
    ("GET", "projects/1/versions", 200),
    ("GET", "projects/1/checks", 200),
    ("PUT", "projects/1/versions/1/label", 201),
    ("DELETE", "projects/1/versions/1/label", 204),
    ("PUT", "projects/1/lock", 201),
    ("PUT", "projects/1/lock", 200),
    ("GET", "projects/1/lock", 200),
    ("DELETE", "projects/1/lock?reason=over", 204),
    ("POST", "imports/2/undo", 207),
    ("DELETE", "projects/1", 200),
    ("POST", "projects/1/restore", 200),
    ("DELETE", "projects/1", 200),
]


@pytest.fixture
async def as_role(server: str, dsn: str, pooler: str) -> AsyncIterator[str]:
    """URL of the database with a role that was granted the service's privileges."""
    if pooler:
        pytest.skip("this PgBouncer logs in as one role")
    admin = await asyncpg.connect(dsn)
    await admin.execute(f"CREATE ROLE {ROLE} LOGIN")
    await migrate.grant_privileges(dsn, ROLE)
    yield databases.as_role(dsn, ROLE)
    await admin.execute(f"DROP OWNED BY {ROLE}; DROP ROLE {ROLE}")
    await admin.close()


async def test_the_role_can_import_read_and_prune(
    settings: Settings, dsn: str, as_role: str
) -> None:
    await execute(dsn, ADD_CLIENT)
    keep_little = {
        "keep_versions": 1,
        "keep_days": 0,
        "keep_months": 0,
        "keep_superseded": 0.0,
        "keep_results_days": 1,
        "keep_imports_days": 365,
    }
    changed = content_of(20).replace(b"<name>P3</name>", b"<name>Other</name>")
    async with (
        served(settings, as_role) as service,
        aiohttp.ClientSession() as http,
        open_pool(settings, as_role) as own,
    ):
        for content, outcome in ((content_of(20), "created"), (changed, "updated")):
            status, body = await send_file(http, service, content)
            assert (status, body["counts"][outcome] > 0) == (207, True), body
        async with http.get(f"{service.base}/readyz") as answer:
            assert answer.status == 200
        for method, path, expected in REQUESTS:
            body = {"label": "Approved"} if "label" in path else {"ttl_seconds": 60}
            scope = (
                "projects:import projects:read projects:break-locks projects:undo projects:delete"
            )
            # The lock is broken by another user than its holder.
            headers = service.headers(scope=scope, sub="breaker" if "reason" in path else "taker")
            sent = body if method == "PUT" else None
            response = http.request(method, service.url(path), headers=headers, json=sent)
            async with response as answer:
                text = await answer.text()
                assert answer.status == expected, (path, text)
        await execute(
            dsn,
            f"UPDATE imports SET {earlier('started_at', '9 years')},"
            f" {earlier('ended_at', '9 years')}",
        )
        pruned = await prune(own, settings.model_copy(update=keep_little))
        assert pruned.versions == 5
        assert pruned.outcomes == 41
        assert pruned.imports > 0


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE more (id bigint)",
        "CREATE TEMPORARY TABLE more (id bigint); CREATE SCHEMA more",
        "ALTER TABLE tasks ADD COLUMN more text",
        "DROP TABLE tasks",
        "TRUNCATE tasks",
        "UPDATE tasks SET name = 'other'",
        "UPDATE project_versions SET name = 'other'",
        "UPDATE import_results SET outcome = 'created'",
        "DELETE FROM clients",
        "DELETE FROM projects",
        "INSERT INTO clients (client_id, name) VALUES (2, 'Mine')",
        "UPDATE clients SET disabled_at = NULL",
        "DELETE FROM schema_migrations",
        "SELECT * FROM others",
        "SELECT pg_read_file('PG_VERSION')",
        "COPY tasks TO PROGRAM 'true'",
        "CREATE EXTENSION vector",
    ],
)
async def test_the_role_can_do_nothing_else(pool: Pool, as_role: str, statement: str) -> None:
    await pool.execute("CREATE TABLE others AS SELECT 1 AS id")
    connection = await asyncpg.connect(as_role)
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement)
    finally:
        await connection.close()


async def test_the_role_has_privileges_on_every_table(pool: Pool, as_role: str) -> None:
    granted = {row["table_name"] for row in await pool.fetch(GRANTED)}
    assert {row["table_name"] for row in await pool.fetch(CLIENT_TABLES)} <= granted


async def test_the_role_needs_no_functions_of_public(dsn: str, as_role: str) -> None:
    """An operator can revoke the functions that everyone may execute by default."""
    await execute(dsn, "REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA public FROM PUBLIC")
    await execute(
        as_role,
        "INSERT INTO project_versions (client_id, project_id, version, content_hash, name, source,"
        " attributes) SELECT 1, row_number() OVER (), 1, '', 'Plan', source, '{}'"
        " FROM unnest(ARRAY['native', 'mspdi', 'p6']) AS source",
    )
    await execute(dsn, "GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO PUBLIC")
