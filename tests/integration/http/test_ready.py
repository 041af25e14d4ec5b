"""``/readyz`` reports each condition that affects readiness.

``test_endings`` covers shutdowns; ``tests/integration/faults`` covers unreachable databases.
"""

import asyncio
from typing import Any

import asyncpg
import pytest
import structlog

from service.http.routes.health import OK, UNKNOWN
from service.imports.ending import NO_ROOM
from service.settings import Settings
from service.storage import Pool
from tests.support.databases import ADD_CLIENT, execute
from tests.support.raw_http import Connection, get, head, upload
from tests.support.running_imports import FILE, HALF, WHOLE, wait_for_end
from tests.support.service import Service, served, token

END_OTHERS = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = $1 AND pid <> pg_backend_pid()
"""
ALL_OK = dict.fromkeys(
    ("service", "database", "schema", "imports", "spool", "sessions", "durability", "nodes"), OK
)
UNSEEN = dict.fromkeys(("schema", "sessions", "durability"), UNKNOWN)


async def read_readiness(service: Service) -> tuple[int, Any, dict[str, str]]:
    """The status, the details and the checks that are not ok."""
    answer = await get(service, "/readyz", token=None)
    checks = answer.json["checks"]
    assert set(checks) == set(ALL_OK)
    unseen_nodes = {("nodes", UNKNOWN)}  # on Citus, without a connection
    wrong = checks.items() - ALL_OK.items() - unseen_nodes
    return answer.status, answer.json["details"], dict(wrong)


async def alter_database(server: str, name: str, how: str) -> None:
    """Alter a database and end its connections, so that all clients and a pooler reconnect."""
    admin = await asyncpg.connect(server)
    await admin.execute(f"ALTER DATABASE {name} {how}")
    await admin.fetch(END_OTHERS, name)
    await admin.close()


async def wait_until_unready(service: Service) -> tuple[Any, dict[str, str]]:
    async with asyncio.timeout(10):
        while (found := await read_readiness(service))[0] == 200:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    return found[1:]


async def test_a_healthy_service_is_ready(service: Service) -> None:
    assert await read_readiness(service) == (200, {}, {})


@pytest.mark.settings(max_imports=1)
async def test_readiness_reports_a_lack_of_slots_and_stays_ready(service: Service) -> None:
    full = "All import slots are in use"
    async with Connection(service) as connection:
        await connection.send(head(service, WHOLE), FILE[:HALF])
        async with asyncio.timeout(10):
            while (found := await read_readiness(service)) == (200, {}, {}):
                pass
        assert found == (200, {}, {"imports": full})
        assert (await upload(service, FILE)).json["details"] == full
    assert await wait_for_end(service) == "interrupted"
    async with asyncio.timeout(10):  # the slot is released after the state is written
        while await read_readiness(service) != (200, {}, {}):
            pass


@pytest.mark.settings(spool_reserve_bytes=1 << 60)
async def test_a_lack_of_spool_space_is_logged_at_the_start_and_stays_ready(
    settings: Settings, dsn: str
) -> None:
    await execute(dsn, ADD_CLIENT)
    with structlog.testing.capture_logs() as logs:
        async with served(settings, dsn) as service:
            logged = [log["fault"] for log in logs if log["event"] == "spool"]
            assert await read_readiness(service) == (200, {}, {"spool": NO_ROOM})
            assert (await upload(service, FILE)).json["details"] == NO_ROOM
    assert len(logged) == 1
    assert f"has no more than {1 << 60} bytes free" in logged[0]


@pytest.mark.settings(pool_size=4)
async def test_readiness_reports_an_exhausted_pool(service: Service, pool: Pool) -> None:
    found = "All connections to the database are in use"
    clients = range(1, 5)  # one client reads with few connections at a time
    await pool.execute(
        "INSERT INTO clients (client_id, name) SELECT n, 'Client' FROM unnest($1::int[]) n"
        " ON CONFLICT DO NOTHING",
        list(clients),
    )
    async with pool.acquire() as conn, asyncio.TaskGroup() as reading, conn.transaction():
        await conn.execute("LOCK TABLE projects")
        requests = [
            reading.create_task(
                get(service, f"/api/v2/clients/{number}/projects", token=token(clients=[number]))
            )
            for number in clients
        ]
        assert await wait_until_unready(service) == (found, {"database": found} | UNSEEN)
    assert [(await each).status for each in requests] == [200] * 4
    assert await read_readiness(service) == (200, {}, {})


async def test_readiness_reports_every_fault_of_the_database(
    service: Service, pool: Pool, server: str
) -> None:
    version = await pool.fetchval("SELECT max(version) FROM schema_migrations")
    name = await pool.fetchval("SELECT current_database()")
    await pool.execute("DELETE FROM schema_migrations WHERE version = $1", version)
    status, behind, wrong = await read_readiness(service)
    assert (status, wrong) == (503, {"schema": behind})
    assert behind.startswith(f"The database lacks 1 migrations: {version}_")
    await alter_database(server, name, "SET default_transaction_read_only = on")
    async with asyncio.timeout(10):
        while (found := await read_readiness(service))[2].get(
            "database"
        ) != "The database is read-only":
            pass
    read_only = "The database is read-only"
    assert found == (503, f"{read_only}; {behind}", {"database": read_only, "schema": behind})


async def test_readiness_warns_of_a_commit_that_does_not_wait_for_the_disk(
    service: Service, pool: Pool, server: str
) -> None:
    name = await pool.fetchval("SELECT current_database()")
    warning = (
        "synchronous_commit is off: a crash of the database can lose projects that were reported "
        "as imported"
    )
    with structlog.testing.capture_logs() as logs:
        await alter_database(server, name, "SET synchronous_commit = off")
        async with asyncio.timeout(10):
            while (found := await read_readiness(service)) == (200, {}, {}) or found[0] != 200:
                pass
        assert found == (200, {}, {"durability": warning})
        assert await read_readiness(service) == found
    logged = [log for log in logs if log["event"] == "server.durability"]
    assert logged == [{"event": "server.durability", "log_level": "warning", "warning": warning}]


async def test_readiness_reports_why_the_database_refuses_connections(
    service: Service, pool: Pool, server: str, pooler: str
) -> None:
    name = await pool.fetchval("SELECT current_database()")
    await alter_database(server, name, "ALLOW_CONNECTIONS false")
    details, wrong = await wait_until_unready(service)
    assert wrong == {"database": details} | UNSEEN
    if not pooler:  # PgBouncer words the refusal itself
        async with asyncio.timeout(10):
            while (details := (await read_readiness(service))[1]) == "The database does not answer":
                pass  # until the pool has replaced the ended connection
        assert details == "The database reports an error: SQLSTATE 55000"
