"""Responses of imports that stop early, and imports whose response cannot be sent."""

import asyncio
import contextlib
import os
import socket
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from service.settings import Settings
from service.storage import Pool
from tests.support.answer import Answer
from tests.support.faults.proxy import Fault, proxied
from tests.support.native import native
from tests.support.projects import until
from tests.support.raw_http import Connection, form, get, head, part
from tests.support.running_imports import hold_projects, wait_for_end
from tests.support.service import Service, served
from tests.support.uploads import plans, read_outcomes, send

MANY = plans(*(f"P-{n}" for n in range(3000)))
KEY = "Idempotency-Key: k"
LENGTH = f"Content-Length: {len(MANY)}"
PLACE = "/api/v2/clients/1/imports/1"
TASKS = "".join(f'<task id="T{n}"><name>t</name></task>' for n in range(1000))
LARGE = f'<project id="L"><name>L</name><tasks>{TASKS}</tasks></project>'


async def assert_reports_import(answer: Answer, status: int, pool: Pool) -> None:
    """Check that the response names the import and counts its stored projects."""
    assert (answer.status, answer.headers["location"]) == (status, PLACE)
    landed = await pool.fetchval("SELECT count(*) FROM projects")
    assert answer.json["import_id"] == 1
    assert answer.json["counts"] == {"created": landed, "updated": 0, "unchanged": 0, "failed": 0}
    assert landed > 0
    if status == 503:
        assert int(answer.headers["retry-after"]) >= 5


async def send_until_reset(client: socket.socket) -> None:
    """Send until the peer resets: the kernel reports a timed-out connection only to a sender."""
    while True:
        await asyncio.get_running_loop().sock_sendall(client, b"\r\n")
        await asyncio.sleep(0.05)


async def test_a_shutdown_past_its_grace_period_reports_what_was_imported(
    settings: Settings, service: Service, pool: Pool
) -> None:
    stack = contextlib.AsyncExitStack()
    hurried = settings.model_copy(update={"drain_timeout": 0.1})
    other = await stack.enter_async_context(served(hurried, service.dsn))
    async with Connection(other) as connection:
        await connection.send(head(other, LENGTH, KEY), MANY[:-100])
        await until(pool, "SELECT count(*) > 0 FROM projects")
        await stack.aclose()
        await assert_reports_import(await connection.answer(), 503, pool)
    assert await wait_for_end(service) == "interrupted"
    assert (await send(service, MANY, "", KEY)).json["import_id"] == 1


async def test_a_shutdown_past_its_grace_period_aborts_a_started_response(
    settings: Settings, service: Service, pool: Pool
) -> None:
    stack = contextlib.AsyncExitStack()
    hurried = settings.model_copy(update={"drain_timeout": 0.1, "status_after": 0.05})
    other = await stack.enter_async_context(served(hurried, service.dsn))
    async with hold_projects(pool, "P-2999"), Connection(other) as connection:
        await connection.send(head(other, LENGTH), MANY)
        assert b" 207 " in await connection.reader.readuntil(b"\r\n\r\n")
        await stack.aclose()
        with pytest.raises(ConnectionResetError):
            await connection.reader.read()
    assert await wait_for_end(service) == "interrupted"


async def test_an_internal_error_reports_what_was_imported(service: Service, pool: Pool) -> None:
    async with Connection(service) as connection:
        await connection.send(head(service, LENGTH, KEY), MANY[:-100])
        await until(pool, "SELECT count(*) > 0 FROM projects")
        await pool.execute("ALTER TABLE tasks RENAME TO elsewhere")
        await connection.send(MANY[-100:])
        answer = await connection.answer()
    await assert_reports_import(answer, 500, pool)
    assert "elsewhere" not in answer.body.decode()
    assert await wait_for_end(service) == "failed"
    await pool.execute("ALTER TABLE elsewhere RENAME TO tasks")
    assert (await send(service, MANY, "", KEY)).json["import_id"] == 2


async def test_a_lack_of_space_during_an_import_reports_what_was_imported(
    settings: Settings, service: Service, pool: Pool, tmp_path: Path
) -> None:
    spool = tmp_path / "spool"
    spool.mkdir()
    cramped = settings.model_copy(update={"spool_dir": spool, "spill_bytes": 1000})
    body = MANY.replace(b"</projects>", f"{LARGE}</projects>".encode())
    async with served(cramped, service.dsn) as other, Connection(other) as connection:
        length = f"Content-Length: {len(body)}"
        sent = len(MANY) - 500
        await connection.send(head(other, length), body[:sent])
        await until(pool, "SELECT count(*) > 0 FROM projects")
        os.rmdir(spool)
        await connection.send(body[sent:])
        answer = await connection.answer()
    assert answer.json["details"] == "There is no room for the import's working files"
    await assert_reports_import(answer, 503, pool)
    assert await wait_for_end(service) == "interrupted"


@pytest.mark.settings(fast_path_bytes=0)
async def test_outcomes_that_cannot_be_read_for_the_response_are_stored(
    settings: Settings, service: Service
) -> None:
    hasty = settings.model_copy(update={"connect_timeout": 3})
    async with proxied(service.dsn) as proxy, served(hasty, proxy.dsn) as other:
        strike = proxy.strike(Fault.CUT, b"AND index <= $5")
        sending = asyncio.create_task(send(other, plans("A", "B"), "", KEY))
        async with asyncio.timeout(20):
            await strike.struck.wait()
        await proxy.go_away()
        answer = await sending
        await proxy.listen()
    assert (answer.status, answer.json["import_id"]) == (503, 1)
    assert answer.headers["location"] == PLACE
    assert int(answer.headers["retry-after"]) >= 5
    found = (await get(service, f"{PLACE}/results")).json["details"]["results"]
    assert [item["outcome"] for item in found] == ["created", "created"]
    assert (await get(service, PLACE)).json["details"]["state"] == "completed"
    again = await send(service, plans("A", "B"), "", KEY)
    assert read_outcomes(again) == {"A": "created", "B": "created"}


@pytest.mark.settings(send_timeout=0.2, idle_timeout=5, max_projects=30_000)
async def test_a_client_that_does_not_read_its_response_is_disconnected(
    service: Service, pool: Pool
) -> None:
    nameless = "".join(f'<project id="P-{n}"/>' for n in range(30_000))
    body = form(part("file", native(nameless).encode()))
    url = urlsplit(service.base)
    loop = asyncio.get_running_loop()
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.setblocking(False)
        await loop.sock_connect(client, (url.hostname, url.port))
        await loop.sock_sendall(client, head(service, f"Content-Length: {len(body)}") + body)
        async with asyncio.timeout(60):
            with pytest.raises(ConnectionError):
                await send_until_reset(client)
    assert await pool.fetchval("SELECT state FROM imports") == "completed"
    page = await get(service, f"{PLACE}/results?limit=1")
    assert len(page.json["details"]["results"]) == 1
