"""The primary dies during an import, and the standby replaces it behind PgBouncer."""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Iterator

import aiohttp
import asyncpg
import pytest

from service.imports.ending import COMMITS_LOST
from service.settings import Settings
from service.storage import migrate, watchdog
from tests.support import citus
from tests.support.client import Client
from tests.support.databases import ADD_CLIENT, execute
from tests.support.faults.cluster import Cluster, folder_for
from tests.support.faults.project_files import QUICK
from tests.support.faults.proxy import COMMIT, Fault, Proxy, proxied
from tests.support.faults.recovery import complete_upload, read_readiness, wait_until_ready
from tests.support.faults.truth import assert_outcomes_are_stored
from tests.support.native import native
from tests.support.pgbouncer import run_pgbouncer
from tests.support.service import served
from tests.support.upload import send_file

READ_ONLY = (503, "The database is read-only")
BOUNDARY = {"Content-Type": "multipart/form-data; boundary=b", "Idempotency-Key": "k"}
CAUGHT_UP = """
SELECT (SELECT count(*) >= 200 FROM import_results)
       AND pg_current_wal_lsn() <= (SELECT replay_lsn FROM pg_stat_replication)
"""


@pytest.fixture
def standby(postgres: str, own_server: Cluster) -> Iterator[Cluster]:
    """A synchronous standby of ``own_server``."""
    with (
        folder_for(postgres) as (folder, programs),
        contextlib.closing(Cluster(folder, programs, **citus.options_for(postgres))) as standby,
    ):
        standby.copy_of(own_server, "standby")
        standby.start()
        yield standby


async def make_synchronous(primary: Cluster) -> None:
    """Make commits wait for the standby."""
    connection = await asyncpg.connect(primary.dsn())
    await connection.execute("ALTER SYSTEM SET synchronous_standby_names = 'standby'")
    await connection.execute("SELECT pg_reload_conf()")
    state = "SELECT sync_state FROM pg_stat_replication"
    async with asyncio.timeout(20):
        while await connection.fetchval(state) != "sync":  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    await connection.close()


async def test_readiness_warns_of_a_standby_for_which_no_commit_waits(
    http: aiohttp.ClientSession, settings: Settings, own_server: Cluster, standby: Cluster
) -> None:
    lost = "can lose projects that were reported as imported"
    follow = f"synchronous_standby_names is empty, and standbys follow: a fail-over {lost}"
    hidden = (
        f"synchronous_standby_names is empty: if standbys follow, a fail-over {lost}. The role may "
        "not see whether they do: run GRANT pg_read_all_stats TO it"
    )
    local = f"synchronous_commit is local, and waits for no standby: a fail-over {lost}"

    async def read_warning(dsn: str) -> str:
        async with served(settings, dsn) as service, http.get(f"{service.base}/readyz") as answer:
            assert answer.status == 200
            warning: str = (await answer.json())["checks"]["durability"]
            return warning

    dsn = own_server.dsn()
    await execute(dsn, "CREATE ROLE replica LOGIN")
    await migrate.grant_privileges(dsn, "replica")
    as_replica = dsn.replace("postgres@", "replica@")
    assert [await read_warning(dsn), await read_warning(as_replica)] == [follow, hidden]
    await execute(dsn, "ALTER ROLE replica SET synchronous_commit = local")
    await make_synchronous(own_server)
    assert [await read_warning(dsn), await read_warning(as_replica)] == ["ok", local]


@pytest.mark.settings(prune=False)
async def test_an_archive_whose_backend_is_ended_still_waits_for_the_standby(
    http: aiohttp.ClientSession, settings: Settings, own_server: Cluster, standby: Cluster
) -> None:
    await execute(own_server.dsn(), ADD_CLIENT)
    watch = await asyncpg.connect(own_server.dsn())
    waiting = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep'"

    async with served(settings, own_server.dsn()) as service, asyncio.timeout(20):
        client = Client(http, service)
        await client.land(native('<project id="P"><name>One</name></project>'))
        await make_synchronous(own_server)
        standby.stop()
        asking = asyncio.create_task(client.ask("projects/1", "DELETE"))
        while not (first := await watch.fetchval(waiting)):
            assert not asking.done()
        await watch.execute(f"SELECT pg_terminate_backend({first})")
        while await watch.fetchval(waiting) in (None, first):
            assert not asking.done(), asking.result()
        await asyncio.to_thread(standby.start)
        answer = await asking
    assert (answer.status, answer.details["version"]) == (200, 2)
    await watch.close()


async def test_an_import_continues_on_the_new_primary_without_losing_reported_projects(
    http: aiohttp.ClientSession,
    settings: Settings,
    own_server: Cluster,
    standby: Cluster,
    content: bytes,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(watchdog, "TRANSACTION_TIMEOUT", 2.0)
    patient = settings.model_copy(update=QUICK | {"retry_timeout": 30.0})
    await execute(own_server.dsn(), ADD_CLIENT)
    await make_synchronous(own_server)
    with run_pgbouncer(own_server.dsn(), prepared=200) as bouncer:
        async with (
            proxied(bouncer.dsn("postgres")) as way,
            served(patient, way.dsn) as service,
        ):
            strike = way.strike(Fault.CUT, COMMIT, skip=5)
            sending = asyncio.create_task(send_file(http, service, content))
            await strike.struck.wait()
            await asyncio.to_thread(own_server.stop, signal.SIGKILL)
            bouncer.point_to("127.0.0.1", standby.port)
            async with asyncio.timeout(20):
                while await read_readiness(http, service) != READ_ONLY:  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
            assert not sending.done()
            await asyncio.to_thread(standby.promote)
            await wait_until_ready(http, service, 200)

            status, body = await sending
            assert status == 207, body
            assert body["counts"]["created"] == 600
            await assert_outcomes_are_stored(standby.dsn(), content, body["details"]["successes"])
            assert (await complete_upload(http, service, standby.dsn(), content))[
                "unchanged"
            ] == 600
            assert (await read_readiness(http, service))[0] == 200


@contextlib.asynccontextmanager
async def following(postgres: str, primary: Cluster) -> AsyncIterator[tuple[Cluster, Proxy]]:
    """An asynchronous standby, and the way by which it follows the primary."""
    async with proxied(primary.dsn()) as way:
        with (
            folder_for(postgres) as (folder, programs),
            contextlib.closing(Cluster(folder, programs, **citus.options_for(postgres))) as standby,
        ):
            await asyncio.to_thread(standby.copy_of, primary, "standby", way.port)
            await asyncio.to_thread(standby.start)
            yield standby, way


async def test_commits_lost_by_an_asynchronous_failover_interrupt_the_import(
    http: aiohttp.ClientSession,
    settings: Settings,
    postgres: str,
    own_server: Cluster,
    content: bytes,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(watchdog, "TRANSACTION_TIMEOUT", 2.0)
    patient = settings.model_copy(update=QUICK | {"retry_timeout": 30.0})
    await execute(own_server.dsn(), ADD_CLIENT)
    half = content.index(b'<project id="P300"')
    last = content.index(b'<project id="P590"')
    go_on, end = asyncio.Event(), asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        yield b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\n' + content[:half]
        await go_on.wait()
        yield content[half:last]
        await end.wait()
        yield content[last:] + b"\r\n--b--\r\n"

    async with following(postgres, own_server) as (standby, replication):
        with run_pgbouncer(own_server.dsn(), prepared=200) as bouncer:
            async with served(patient, bouncer.dsn("postgres")) as service:
                headers = service.headers() | BOUNDARY
                sending = asyncio.create_task(http.post(service.bulk, data=body(), headers=headers))
                await wait_until(own_server, CAUGHT_UP)
                replication.stall()
                go_on.set()
                await wait_until(own_server, "SELECT count(*) >= 500 FROM import_results")
                await asyncio.to_thread(own_server.stop, signal.SIGKILL)
                bouncer.point_to("127.0.0.1", standby.port)
                await asyncio.to_thread(standby.promote)
                await wait_until_ready(http, service, 200)
                end.set()
                async with await sending as answer:
                    received = await answer.json()
                assert (answer.status, received.get("details")) == (503, COMMITS_LOST), received[
                    "counts"
                ]
                assert received["counts"]["created"] < 600

                status, received = await send_file(http, service, content, Idempotency_Key="k")
                assert (status, received["import_id"]) == (207, 1)
                assert received["counts"]["created"] > 0
                assert len(received["details"]["successes"]) == 600
                await assert_outcomes_are_stored(
                    standby.dsn(), content, received["details"]["successes"]
                )


async def wait_until(server: Cluster, query: str) -> None:
    connection = await asyncpg.connect(server.dsn())
    async with asyncio.timeout(20):
        while not await connection.fetchval(query):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    await connection.close()
