"""The database server is killed, stopped, unreachable, read-only, full, or out of locks."""

import asyncio
import contextlib
import itertools
import signal
import time
from collections.abc import Iterator

import aiohttp
import asyncpg
import pytest

from service.settings import Settings
from tests.support.databases import ADD_CLIENT, execute
from tests.support.faults.cluster import Cluster, cluster
from tests.support.faults.project_files import QUICK, content_of
from tests.support.faults.proxy import COMMIT, Fault, Proxy, proxied
from tests.support.faults.recovery import complete_upload, read_readiness, wait_until_ready
from tests.support.faults.truth import assert_outcomes_are_stored
from tests.support.service import Service, served
from tests.support.upload import send_file

PROJECTS = 600
WAITED_OUT = pytest.mark.parametrize("retry_timeout", [5.0])


async def wait_until_interrupted(
    http: aiohttp.ClientSession, service: Service, import_id: int
) -> None:
    """Wait until an import is interrupted: reading it ends an import that missed its heartbeats."""
    place = service.url(f"imports/{import_id}")
    async with asyncio.timeout(10):
        while (state := await read_state(http, service, place)) == "running":  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    assert state == "interrupted"


async def read_state(http: aiohttp.ClientSession, service: Service, place: str) -> str:
    async with http.get(place, headers=service.headers()) as answer:
        found: dict[str, str] = (await answer.json())["details"]
    return found["state"]


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGQUIT, signal.SIGINT])
async def test_an_import_completes_after_the_server_restarts(
    http: aiohttp.ClientSession,
    own: Service,
    way: Proxy,
    own_server: Cluster,
    content: bytes,
    how: signal.Signals,
) -> None:
    strike = way.strike(Fault.CUT, COMMIT, skip=5)
    sending = asyncio.create_task(send_file(http, own, content))
    await strike.struck.wait()
    await asyncio.to_thread(own_server.stop, how)
    await asyncio.to_thread(own_server.start)

    status, body = await sending
    assert status == 207, body
    assert body["counts"]["created"] == PROJECTS
    await assert_outcomes_are_stored(own_server.dsn(), content, body["details"]["successes"])
    assert (await complete_upload(http, own, own_server.dsn(), content))["unchanged"] == PROJECTS


@WAITED_OUT
async def test_an_unreachable_server_is_a_503_and_imported_projects_stay(
    http: aiohttp.ClientSession, own: Service, way: Proxy, own_server: Cluster, content: bytes
) -> None:
    strike = way.strike(Fault.CUT, COMMIT, skip=5)
    sending = asyncio.create_task(send_file(http, own, content))
    await strike.struck.wait()
    await asyncio.to_thread(own_server.stop, signal.SIGKILL)

    status, body = await sending
    assert (status, body["message"]) == (503, "Service unavailable")
    for request in (send_file(http, own, content), read_readiness(http, own)):
        start = time.monotonic()
        assert (await request)[0] == 503
        assert time.monotonic() - start < 10
    async with http.get(f"{own.base}/healthz") as answer:
        assert answer.status == 200

    await asyncio.to_thread(own_server.start)
    await wait_until_ready(http, own, 200)
    await wait_until_interrupted(http, own, body["import_id"])
    counts = await complete_upload(http, own, own_server.dsn(), content)
    assert 0 < counts["unchanged"] < PROJECTS


@WAITED_OUT
async def test_a_refusal_without_a_server_has_retry_after(
    http: aiohttp.ClientSession, faulty: Service, proxy: Proxy, content: bytes
) -> None:
    await proxy.go_away()
    form = aiohttp.FormData({"file": content.decode()})
    async with http.post(faulty.bulk, data=form, headers=faulty.headers()) as answer:
        assert answer.status == 503
        assert int(answer.headers["Retry-After"]) > 0
    await proxy.listen()
    assert (await send_file(http, faulty, content))[0] == 207


async def test_readiness_reports_a_silent_server_within_its_time_out(
    http: aiohttp.ClientSession, faulty: Service, proxy: Proxy, dsn: str, content: bytes
) -> None:
    # Work in the background holds the first connections; this leaves a free one to fall silent.
    assert (await read_readiness(http, faulty))[0] == 200
    proxy.stall()
    start = time.monotonic()
    assert await read_readiness(http, faulty) == (503, "The database does not answer")
    assert time.monotonic() - start < 4
    status, body = await send_file(http, faulty, content)
    assert status == 207, body
    await assert_outcomes_are_stored(dsn, content, body["details"]["successes"])
    assert (await read_readiness(http, faulty))[0] == 200


@WAITED_OUT
async def test_a_read_only_server_is_reported_as_not_ready(
    http: aiohttp.ClientSession, own: Service, own_server: Cluster, content: bytes
) -> None:
    dsn = own_server.dsn()
    await execute(dsn, "ALTER SYSTEM SET default_transaction_read_only = on")
    await execute(dsn, "SELECT pg_reload_conf()")
    assert await wait_until_ready(http, own, 503) == "The database is read-only"
    assert (await send_file(http, own, content))[0] == 503

    await execute(dsn, "ALTER SYSTEM RESET default_transaction_read_only")
    await execute(dsn, "SELECT pg_reload_conf()")
    assert (await complete_upload(http, own, dsn, content))["created"] == PROJECTS


@pytest.mark.parametrize("seconds", [1.0, 60.0])
async def test_an_import_waits_for_a_locked_table_up_to_its_time_out(
    http: aiohttp.ClientSession,
    settings: Settings,
    own_server: Cluster,
    content: bytes,
    seconds: float,
) -> None:
    dsn = own_server.dsn()
    await execute(dsn, ADD_CLIENT)
    quick = QUICK | {"lock_timeout": 1.5}
    async with served(settings.model_copy(update=quick), dsn) as service:
        other = await asyncpg.connect(dsn)
        await other.execute("BEGIN; LOCK TABLE tasks")
        sending = asyncio.create_task(send_file(http, service, content))
        await asyncio.wait([sending], timeout=seconds)
        await other.close()
        status, body = await sending
        assert status == (207 if seconds == 1.0 else 503), body
        await complete_upload(http, service, dsn, content)


async def test_an_import_waits_for_a_free_connection_of_the_server(
    http: aiohttp.ClientSession, settings: Settings, postgres: str, content: bytes
) -> None:
    with cluster(postgres, max_connections="12", superuser_reserved_connections="1") as server:
        dsn = server.dsn()
        await execute(dsn, ADD_CLIENT)
        async with served(settings.model_copy(update=QUICK), dsn) as service:
            hogs = []
            with contextlib.suppress(asyncpg.TooManyConnectionsError):
                while True:
                    hogs.append(await asyncpg.connect(dsn))
            sending = asyncio.create_task(send_file(http, service, content))
            await asyncio.wait([sending], timeout=1)
            for hog in hogs:
                await hog.close()
            status, body = await sending
            assert status == 207, body
            await assert_outcomes_are_stored(dsn, content, body["details"]["successes"])
            await complete_upload(http, service, dsn, content)


async def test_a_server_with_little_lock_memory_gets_smaller_batches(
    http: aiohttp.ClientSession, settings: Settings, postgres: str
) -> None:
    number = 3000
    content = content_of(number)
    with cluster(postgres, max_connections="20", max_locks_per_transaction="10") as server:
        dsn = server.dsn()
        await execute(dsn, ADD_CLIENT)
        quick = settings.model_copy(
            update=QUICK | {"batch_projects": number, "batch_bytes": 1 << 30}
        )
        async with served(quick, dsn) as service:
            status, body = await send_file(http, service, content)
            assert status == 207, body
            assert body["counts"]["created"] == number, body["details"]["errors"][:1]
            await assert_outcomes_are_stored(dsn, content, body["details"]["successes"])
        assert "out of shared memory" in (server.folder / "server.log").read_text()


@WAITED_OUT
async def test_an_import_gives_up_with_a_503_when_others_fill_the_lock_memory(
    http: aiohttp.ClientSession, own: Service, own_server: Cluster, content: bytes
) -> None:
    hog = await asyncpg.connect(own_server.dsn())
    with contextlib.suppress(asyncpg.OutOfMemoryError):
        for first in itertools.count(step=100):
            many = "SELECT pg_advisory_lock_shared(k) FROM generate_series($1::bigint, $2) AS k"
            await hog.fetch(many, first, first + 99)
    status, body = await send_file(http, own, content)
    assert (status, body["message"]) == (503, "Service unavailable"), body
    await hog.close()
    await complete_upload(http, own, own_server.dsn(), content)


@pytest.fixture
def full_soon(postgres: str) -> Iterator[Cluster]:
    """A server on a small separate disk."""
    try:
        with cluster(postgres, disk_mib=300) as server:
            yield server
    except OSError as error:
        pytest.skip(f"a disk of its own takes root and a kernel that mounts: {error}")


async def test_a_full_disk_interrupts_the_import_and_imported_projects_stay(
    http: aiohttp.ClientSession, settings: Settings, full_soon: Cluster
) -> None:
    content = content_of(4000)
    await execute(full_soon.dsn(), ADD_CLIENT)
    async with (
        proxied(full_soon.dsn()) as way,
        served(settings.model_copy(update=QUICK), way.dsn) as service,
    ):
        strike = way.strike(Fault.CUT, COMMIT, skip=5)
        sending = asyncio.create_task(send_file(http, service, content))
        await strike.struck.wait()
        ballast = full_soon.folder / "ballast"
        with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while file.write(bytes(1 << 16)):
                pass
        status, body = await sending
        assert (status, body["message"]) == (503, "Service unavailable"), body

        ballast.unlink()
        if not full_soon.running:  # it could not write its WAL
            await asyncio.to_thread(full_soon.start)
        await wait_until_ready(http, service, 200)
        await wait_until_interrupted(http, service, body["import_id"])
        await complete_upload(http, service, full_soon.dsn(), content)
