"""How an upload ends: late, stalled, abandoned by its client, or stopped by a shutdown."""

import asyncio
import contextlib
import json

import pytest
import structlog

from service.http import shared_result
from service.imports.manager import ImportManager
from service.imports.upload import UploadSession
from service.settings import Settings
from service.storage import Pool
from tests.support.native import native, stale_projects
from tests.support.projects import REQUEST, until
from tests.support.raw_http import Connection, form, get, head, part, upload
from tests.support.running_imports import (
    FILE,
    HALF,
    WHOLE,
    hold_projects,
    wait_for_begin,
    wait_for_end,
)
from tests.support.service import Service, served


async def test_outcomes_over_one_page_keep_the_order_of_the_file(service: Service) -> None:
    projects = [f'<project id="P-{i}"><name>{i}</name></project>' for i in range(2500)]
    projects[::5] = ['<project id="nameless"/>'] * 500
    xml = native(*projects)
    details = (await upload(service, form(part("file", xml.encode())))).json["details"]
    landed = [item["index"] for item in details["successes"]]
    failed = [item["index"] for item in details["errors"]]
    assert landed == [i for i in range(2500) if i % 5]
    assert failed == list(range(0, 2500, 5))


@pytest.mark.settings(status_after=0.05, keepalive_every=0.05)
async def test_a_late_response_starts_early_and_is_kept_alive(service: Service, pool: Pool) -> None:
    async with Connection(service) as connection:
        async with hold_projects(pool, "P-1"):
            await connection.send(head(service, WHOLE), FILE)
            assert b"207" in await connection.reader.readuntil(b"\r\n\r\n")
            for _ in range(2):
                assert await connection.reader.readexactly(len(b"1\r\n \r\n")) == b"1\r\n \r\n"
        response = json.loads(await connection.chunks())
    assert response["status"] == "success"
    assert response["complete"] is True


@pytest.mark.settings(lock_timeout=0.3)
async def test_a_conflict_of_every_project_is_a_409(service: Service, pool: Pool) -> None:
    async with hold_projects(pool, "P-1", "P-2"):
        answer = await upload(service, FILE)
    assert (answer.status, answer.json["details"]) == (409, "Locking conflict")


async def test_a_409_lists_the_first_1000_errors_and_its_location_has_all(
    service: Service,
) -> None:
    for number in (1000, 1001):
        answer = await upload(service, form(part("file", stale_projects(number))))
        assert (answer.status, answer.json["details"]) == (409, "Version conflict")
        assert answer.json["counts"]["failed"] == number
        assert [error["index"] for error in answer.json["errors"]] == [*range(1000)]
        stored = await get(service, f"{answer.headers['location']}/results", "Accept: text/csv")
        assert stored.body.count(b"VERSION_CONFLICT") == number


@pytest.mark.settings(lock_timeout=0.5, status_after=0.05)
async def test_a_late_conflict_of_every_project_is_reported_per_project(
    service: Service, pool: Pool
) -> None:
    async with hold_projects(pool, "P-1", "P-2"):
        answer = await upload(service, FILE)
    assert (answer.status, answer.json["status"]) == (207, "error")
    assert [item["error"] for item in answer.json["details"]["errors"]] == ["LOCKING_CONFLICT"] * 2


@pytest.mark.parametrize("version", ["1.0", "1.1"])
@pytest.mark.settings(status_after=0.05)
async def test_a_late_response_that_fails_is_aborted(
    service: Service, pool: Pool, version: str
) -> None:
    async with Connection(service) as connection:
        async with hold_projects(pool, "P-1"):
            await connection.send(head(service, WHOLE, version=version), FILE)
            await connection.reader.readuntil(b"\r\n\r\n")
            await pool.execute("ALTER TABLE import_results RENAME TO gone")
        with pytest.raises(ConnectionResetError):
            await connection.reader.read()


@pytest.mark.settings(status_after=0.05)
async def test_a_client_that_disconnects_after_its_last_byte_gets_its_import_completed(
    service: Service, pool: Pool
) -> None:
    async with hold_projects(pool, "P-1"), Connection(service) as connection:
        await connection.send(head(service, WHOLE), FILE)
        await connection.reader.readuntil(b"\r\n\r\n")
    assert await wait_for_end(service) == "completed"
    assert await pool.fetchval("SELECT count(*) FROM projects") == 2


@pytest.mark.settings(pipe_bytes=1000, batch_projects=1, writers=1)
async def test_a_complete_upload_is_imported_after_its_client_disconnects(
    service: Service, pool: Pool
) -> None:
    filler = f"<description>{'x' * 4000}</description>"
    projects = [f'<project id="P-{i}"><name>{i}</name>{filler}</project>' for i in range(60)]
    xml = native(*projects)
    body = form(part("file", xml.encode()))
    async with hold_projects(pool, "P-0"):
        async with Connection(service) as connection:
            await connection.send(head(service, f"Content-Length: {len(body)}"), body)
        await get(service, "/healthz")
    assert await wait_for_end(service) == "completed"
    assert await pool.fetchval("SELECT count(*) FROM projects") == 60


async def test_a_client_that_disconnects_before_its_last_byte_interrupts_its_import(
    service: Service, pool: Pool
) -> None:
    async with Connection(service) as connection:
        await connection.send(head(service, WHOLE, "Expect: 100-continue"))
        assert (await connection.answer()).status == 100
        await connection.send(FILE[:HALF])
    assert await wait_for_end(service) == "interrupted"
    assert "went away" in await pool.fetchval("SELECT cause FROM imports")


@pytest.mark.parametrize(
    "words",
    [
        pytest.param("No bytes arrived", marks=pytest.mark.settings(idle_timeout=0.2)),
        pytest.param("took longer than", marks=pytest.mark.settings(upload_timeout=0.2)),
    ],
)
async def test_an_upload_that_stalls_is_interrupted(service: Service, words: str) -> None:
    async with Connection(service) as connection:
        await connection.send(head(service, WHOLE), FILE[:HALF])
        answer = await connection.answer()
    assert (answer.status, answer.headers["connection"]) == (408, "close")
    assert words in answer.json["details"]
    assert answer.headers["location"].endswith(str(answer.json["import_id"]))
    assert await wait_for_end(service) == "interrupted"


async def test_a_shutdown_waits_for_running_uploads_and_refuses_new_ones(
    settings: Settings, service: Service, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_result, "KEPT", 60)
    stack = contextlib.AsyncExitStack()
    other = await stack.enter_async_context(served(settings, dsn))
    assert (await get(other, "/readyz")).status == 200
    async with Connection(other) as connection:
        await connection.send(head(other, WHOLE, "Expect: 100-continue"))
        assert (await connection.answer()).status == 100
        closing = asyncio.create_task(stack.aclose())
        await asyncio.sleep(0)
        ready = await get(other, "/readyz")
        assert (ready.status, ready.json["details"]) == (503, "The service is shutting down")
        assert ready.json["checks"]["service"] == "The service is shutting down"
        assert (await upload(other, FILE)).status == 503
        await connection.send(FILE)
        assert (await connection.answer()).status == 207
        await closing


async def test_a_shutdown_interrupts_an_upload_past_its_grace_period(
    settings: Settings, service: Service, dsn: str
) -> None:
    stack = contextlib.AsyncExitStack()
    hurried = settings.model_copy(update={"drain_timeout": 0.1})
    other = await stack.enter_async_context(served(hurried, dsn))
    async with Connection(other) as connection:
        await connection.send(head(other, WHOLE, "Expect: 100-continue"))
        assert (await connection.answer()).status == 100
        await connection.send(FILE[:HALF])
        await wait_for_begin(service)
        with structlog.testing.capture_logs() as log:
            await stack.aclose()
        answer = await connection.answer()
    assert [each["interrupted"] for each in log if each["event"] == "drain.ended"] == [1]
    assert (answer.status, answer.json["details"]) == (503, "The service is shutting down")
    assert int(answer.headers["retry-after"]) >= 5
    assert answer.headers["location"] == f"/api/v2/clients/1/imports/{answer.json['import_id']}"
    assert answer.json["counts"] == {"created": 0, "updated": 0, "unchanged": 0, "failed": 0}
    assert await wait_for_end(service) == "interrupted"


async def test_an_import_whose_end_fails_is_no_longer_renewed(
    settings: Settings, service: Service, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: UploadSession) -> None:
        raise RuntimeError("the files cannot be closed")

    monkeypatch.setattr(UploadSession, "_close_files", fail)
    async with ImportManager(pool, settings) as manager:
        with pytest.raises(RuntimeError, match="the files"):
            async with manager.open(REQUEST):
                assert manager.running
        assert not manager.running


@pytest.mark.settings(heartbeat_every=0.1)
async def test_an_import_whose_id_went_to_another_in_a_fail_over_leaves_that_alone(
    service: Service, pool: Pool
) -> None:
    async with Connection(service) as lost, Connection(service) as other:
        await lost.send(head(service, WHOLE), FILE[:HALF])
        await until(pool, "SELECT count(*) FROM imports")
        # An asynchronous standby takes over without the row.
        await pool.execute("DELETE FROM import_progress")
        await pool.execute("DELETE FROM imports")
        await pool.execute("ALTER TABLE imports ALTER import_id RESTART WITH 1")
        await other.send(head(service, WHOLE), FILE[:HALF])
        assert await until(pool, "SELECT max(import_id) FROM imports") == 1

        async with asyncio.timeout(20):
            assert (await lost.answer()).status == 503
        assert await pool.fetchval("SELECT state FROM imports") == "running"
        await other.send(FILE[HALF:])
        answer = await other.answer()
    assert (answer.status, answer.json["counts"]["created"]) == (207, 2)
    assert await pool.fetchval("SELECT state FROM imports") == "completed"
