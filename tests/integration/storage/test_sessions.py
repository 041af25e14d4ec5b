"""Replicas see and end each other's sessions, or the service refuses: roles and PgBouncer."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp
import asyncpg
import pytest

from service.cli.output import CommandError
from service.errors import Unavailable
from service.projects.archive import ArchiveRequest
from service.projects.listing import read_watermark
from service.projects.locks import ProjectRequest
from service.settings import Settings
from service.storage import APPLICATION_NAME, Connection, migrate
from service.storage.advisory_locks import lock_import, share_client
from service.storage.server_checks import find_hidden_sessions
from tests.support.client import Client
from tests.support.databases import ADD_CLIENT, LOST, as_role, execute
from tests.support.native import native
from tests.support.pgbouncer import run_pgbouncer
from tests.support.service import served

ROLES: Final = ("replica_a", "replica_b")
GRANT: Final = "GRANT pg_read_all_stats, pg_signal_backend TO replica_a, replica_b"
ALWAYS: Final = "2026-01-01T00:00:00Z"
FILE: Final = native('<project id="P"><name>One</name></project>')

pytestmark = pytest.mark.settings(prune=False)


@pytest.fixture
async def roles(dsn: str, pooler: str) -> AsyncIterator[dict[str, str]]:
    """URLs of the database with client 1, for two roles that may serve."""
    if pooler:
        pytest.skip("this PgBouncer logs in as one role")
    await execute(dsn, ADD_CLIENT)
    for role in ROLES:
        await execute(dsn, f"CREATE ROLE {role} LOGIN")
        await migrate.grant_privileges(dsn, role)
    yield {role: as_role(dsn, role) for role in ROLES}
    for role in ROLES:
        await execute(dsn, f"DROP OWNED BY {role}")
        await execute(dsn, f"DROP ROLE {role}")


@contextlib.asynccontextmanager
async def session(dsn: str) -> AsyncIterator[Connection]:
    """A session of another replica."""
    name = {"application_name": APPLICATION_NAME}
    connection = await asyncpg.connect(dsn, server_settings=name)
    try:
        yield connection
    finally:
        await connection.close()


async def follow(client: Client, since: str) -> tuple[list[Any], str]:
    """External ids of the projects that changed since a watermark, and the next watermark."""
    answer = await client.ask(f"projects?archived=include&changed_since={since}")
    assert answer.status == 200, answer.body
    return [item["external_id"] for item in answer.details["projects"]], answer.details["watermark"]


async def assert_no_change_is_missed(client: Client, other: Connection) -> None:
    """Follow changes while another replica archives a project in a transaction that lasts."""
    request = ArchiveRequest(ProjectRequest(1, 1, "ann", 5, 60), archive=True)
    async with other.transaction():
        began = await other.fetchval("SELECT now()")
        await request.run(other)
        held = "SELECT clock_timestamp() - now() > interval '1.5 seconds'"
        while not await other.fetchval(held):  # the watermark is one second in the past
            _, mark = await follow(client, ALWAYS)
            assert mark <= began.isoformat().replace("+00:00", "Z")
    async with asyncio.timeout(20):
        while (await follow(client, mark))[0] != ["P"]:
            pass


async def assert_followed(client: Client) -> None:
    """Check that changes can be followed once sessions that ended are gone."""
    async with asyncio.timeout(20):
        while (await client.ask(f"projects?changed_since={ALWAYS}")).status != 200:
            pass
    assert (await client.ask("/readyz")).json["checks"]["sessions"] == "ok"


async def assert_hidden(client: Client, problem: str) -> None:
    """Check that the list of changes is refused, and readiness gives the reason."""
    refused = await client.ask(f"projects?changed_since={ALWAYS}")
    assert (refused.status, refused.details) == (
        503,
        "The database hides transactions that can change projects; see /readyz",
    )
    assert "retry-after" in refused.headers
    ready = await client.ask("/readyz")
    assert (ready.status, ready.json["checks"]["sessions"]) == (200, problem)


async def test_no_change_of_a_replica_with_another_role_is_missed(
    settings: Settings, roles: dict[str, str], dsn: str
) -> None:
    await execute(dsn, GRANT)
    async with (
        served(settings, roles["replica_a"]) as service,
        aiohttp.ClientSession() as http,
        session(roles["replica_b"]) as other,
    ):
        client = Client(http, service)
        await client.land(FILE)
        await assert_no_change_is_missed(client, other)


async def test_no_change_of_a_replica_behind_another_pooler_is_missed(
    settings: Settings, dsn: str, pooler: str
) -> None:
    if pooler:
        pytest.skip("the test has its own PgBouncer")
    await execute(dsn, ADD_CLIENT)
    database = urlsplit(dsn).path[1:]
    with run_pgbouncer(dsn, prepared=200, add_host=True) as bouncer:
        async with (
            served(settings, bouncer.dsn(database)) as service,
            aiohttp.ClientSession() as http,
            session(dsn) as other,
        ):
            client = Client(http, service)
            await client.land(FILE)
            names = await other.fetch("SELECT application_name FROM pg_stat_activity")
            assert any(name.startswith(f"{APPLICATION_NAME} - ") for (name,) in names)
            await assert_no_change_is_missed(client, other)


async def test_a_role_ends_sessions_of_another_role(roles: dict[str, str], dsn: str) -> None:
    await execute(dsn, GRANT)
    await execute(dsn, "INSERT INTO imports (client_id, import_id) VALUES (1, 1)")
    async with session(roles["replica_a"]) as dead, session(roles["replica_b"]) as other:
        await dead.execute("BEGIN")
        await share_client(dead, 1, import_id=1, lock_timeout=5)
        async with other.transaction():
            await lock_import(other, 1, 1, 1)
        with pytest.raises(LOST):
            await dead.execute("SELECT 1")


async def test_replicas_that_cannot_see_each_other_do_not_start_and_miss_no_change(
    settings: Settings, roles: dict[str, str]
) -> None:
    problem = (
        "The roles replica_a, replica_b serve, but cannot see and end each other's sessions: run "
        "GRANT pg_read_all_stats, pg_signal_backend TO replica_a, replica_b; or use one role, and "
        "no superuser"
    )
    async with served(settings, roles["replica_a"]) as first, aiohttp.ClientSession() as http:
        with pytest.raises(CommandError, match=re.escape(problem)):
            async with served(settings, roles["replica_b"]):
                pass
        client = Client(http, first)
        await assert_followed(client)
        async with session(roles["replica_b"]):
            await assert_hidden(client, problem)
        await assert_followed(client)


@pytest.mark.parametrize("granted", ["pg_read_all_stats", "pg_signal_backend"])
async def test_a_replica_needs_both_grants(
    settings: Settings, roles: dict[str, str], dsn: str, granted: str
) -> None:
    await execute(dsn, GRANT)
    await execute(dsn, f"REVOKE {granted} FROM replica_a")
    async with session(roles["replica_a"]):
        with pytest.raises(CommandError, match="The roles replica_a, replica_b serve"):
            async with served(settings, roles["replica_b"]):
                pass


async def test_a_replica_without_superuser_refuses_to_serve_beside_one(
    settings: Settings, roles: dict[str, str], dsn: str
) -> None:
    await execute(dsn, GRANT)
    async with session(dsn):
        with pytest.raises(CommandError, match="The roles postgres, replica_a serve"):
            async with served(settings, roles["replica_a"]):
                pass


async def test_sessions_that_report_no_state_are_hidden(
    settings: Settings, roles: dict[str, str], dsn: str
) -> None:
    problem = "track_activities is off, so the transactions of the service are hidden"
    async with served(settings, roles["replica_a"]) as service, aiohttp.ClientSession() as http:
        client = Client(http, service)
        await execute(dsn, "GRANT SET ON PARAMETER track_activities TO replica_a")
        async with session(roles["replica_a"]) as other:
            await other.execute("SET track_activities = off")
            await assert_hidden(client, problem)
            with pytest.raises(CommandError, match=problem):
                async with served(settings, roles["replica_a"]):
                    pass
        await assert_followed(client)


async def test_sessions_without_the_name_of_the_service_are_refused(roles: dict[str, str]) -> None:
    connection = await asyncpg.connect(roles["replica_a"])
    try:
        assert await find_hidden_sessions(connection) == (
            "The sessions of the service are not named bulk-import: check the pooler"
        )
        with pytest.raises(Unavailable):
            await read_watermark(connection)
    finally:
        await connection.close()


async def test_sessions_that_are_being_opened_hide_nothing(roles: dict[str, str]) -> None:
    async def open_and_close() -> None:
        while not done.is_set():
            async with session(roles["replica_a"]):
                pass

    done = asyncio.Event()
    async with session(roles["replica_a"]) as reader, asyncio.TaskGroup() as group:
        for _ in range(6):
            group.create_task(open_and_close())
        try:
            for _ in range(2000):
                await read_watermark(reader)
        finally:
            done.set()
