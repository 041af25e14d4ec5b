"""The probes on a port of their own."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
import structlog

from service.cli.output import CommandError
from service.cli.serve import site
from service.cli.serve.site import serve_at
from service.http import answer_pace
from service.http.routes.table import PROBES, ROUTES
from service.settings import Settings
from tests.support.databases import ADD_CLIENT, execute
from tests.support.raw_http import Connection, get, head, upload
from tests.support.running_imports import FILE, HALF, WHOLE
from tests.support.service import Service

CONNECTIONS = 3


@pytest.fixture
async def stack(dsn: str) -> AsyncIterator[AsyncExitStack]:
    """A stack that closes before the database is dropped."""
    async with AsyncExitStack() as stack:
        yield stack


@pytest.fixture
async def ports(
    stack: AsyncExitStack, settings: Settings, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> tuple[Service, Service]:
    """The public and the admin port of a service, each with room for three connections."""
    monkeypatch.setattr(site, "MAX_ADMIN_CONNECTIONS", CONNECTIONS)
    await execute(dsn, ADD_CLIENT)
    changed = settings.model_copy(update={"admin_port": 0, "max_connections": CONNECTIONS})
    addresses = await stack.enter_async_context(serve_at(changed, dsn))
    assert addresses.admin is not None
    return Service(addresses.base, dsn, changed), Service(addresses.admin, dsn, changed)


async def test_each_path_is_on_one_port(ports: tuple[Service, Service]) -> None:
    public, admin = ports
    for path in PROBES:
        assert (await get(admin, path, token=None)).status == 200
        assert (await get(public, path)).status == 404
    for path in set(ROUTES) - set(PROBES):
        assert (await get(admin, re.sub(r"{\w+}", "1", path))).status == 404
    assert (await upload(admin, FILE)).status == 404


async def test_a_full_public_port_delays_no_probe(
    ports: tuple[Service, Service], stack: AsyncExitStack
) -> None:
    public, admin = ports
    uploads = [await stack.enter_async_context(Connection(public)) for _ in range(CONNECTIONS)]
    for each in uploads:
        await each.send(head(public, WHOLE, "Expect: 100-continue"))
        assert (await each.answer()).status == 100
    async with Connection(public) as late:
        assert await late.ended()
    for path in PROBES:
        assert (await get(admin, path, token=None)).status == 200


async def test_the_admin_port_bounds_its_connections_alone(
    ports: tuple[Service, Service], stack: AsyncExitStack
) -> None:
    public, admin = ports
    silent = [await stack.enter_async_context(Connection(admin)) for _ in range(CONNECTIONS)]
    assert (await get(admin, "/healthz", token=None)).status == 200
    assert await silent[0].ended()
    assert (await upload(public, FILE)).status == 207


async def test_both_ports_answer_until_the_last_import_has_ended(
    ports: tuple[Service, Service], stack: AsyncExitStack
) -> None:
    public, admin = ports
    listing = head(public, method="GET", path="/api/v2/clients/1/imports")
    with structlog.testing.capture_logs() as log:
        async with Connection(public) as connection, Connection(public) as kept:
            await connection.send(head(public, WHOLE, "Expect: 100-continue"))
            assert (await connection.answer()).status == 100
            await connection.send(FILE[:HALF])
            await kept.send(listing)
            assert "connection" not in (await kept.answer()).headers
            closing = asyncio.create_task(stack.aclose())
            while (ready := await get(admin, "/readyz", token=None)).status == 200:
                pass
            assert (ready.status, ready.json["details"]) == (503, "The service is shutting down")
            # A proxy's connection is closed after a response, so that no request on it is lost.
            await kept.send(listing)
            answer = await kept.answer()
            assert (answer.status, answer.headers["connection"]) == (200, "close")
            assert await kept.ended()
            refused = await upload(public, FILE)
            assert (refused.status, refused.headers["connection"]) == (503, "close")
            await connection.send(FILE[HALF:])
            answer = await connection.answer()
            assert (answer.status, answer.headers["connection"]) == (207, "close")
        await closing
    begun, ended = (each for each in log if each["event"].startswith("drain."))
    assert (begun["event"], begun["imports"]) == ("drain.begun", 1)
    assert (ended["event"], ended["interrupted"]) == ("drain.ended", 0)
    assert ended["seconds"] >= 0
    with pytest.raises(ConnectionRefusedError):
        await get(admin, "/healthz", token=None)


async def test_a_database_that_refuses_connections_at_the_start_is_reported(
    settings: Settings,
) -> None:
    with pytest.raises(CommandError, match=r"the database cannot be used: .*Connect call failed"):
        async with serve_at(settings, "postgresql://127.0.0.1:1/none"):
            pass


async def test_a_taken_admin_port_is_reported(
    ports: tuple[Service, Service], settings: Settings, dsn: str
) -> None:
    taken = int(ports[0].base.rpartition(":")[2])
    with pytest.raises(CommandError, match=f"cannot listen on 127.0.0.1:{taken}: .*in use"):
        async with serve_at(settings.model_copy(update={"admin_port": taken}), dsn):
            pass


async def test_a_flood_of_the_public_port_delays_no_answer_of_the_admin_port(
    ports: tuple[Service, Service], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answer_pace, "GAP", 10)
    async with asyncio.timeout(5):
        for each in ports:
            await get(each, "/healthz", token=None)
