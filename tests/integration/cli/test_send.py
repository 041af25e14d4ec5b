"""Uploads by the command line while the network or the service fails."""

import asyncio
import csv
import io
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from service.storage import Pool
from tests.support.client import Client
from tests.support.commands import Commands, ended, says
from tests.support.network import Network, between
from tests.support.paths import CHECKOUT
from tests.support.projects import until
from tests.support.raw_http import Connection, head
from tests.support.service import SECRET, Service
from tests.tools.bench import native

PROJECTS = 300
SIZE = PROJECTS * native.PROJECT_BYTES
PIECE = 100_000
"""Bytes of a piece: some twelve pieces a file."""
RUNNING = "SELECT 1 FROM imports WHERE state = 'running'"
STATES = "SELECT array_agg(state || ' ' || attempt ORDER BY import_id) FROM imports"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return native.write(tmp_path / "plans.xml", PROJECTS)


@pytest.fixture
def failing(file: Path) -> Path:
    """The file, a third of whose projects are refused."""
    text = file.read_text("utf-8")
    file.write_text(text.replace("<priority>1", "<priority>x1"), "utf-8")
    return file


async def test_an_upload_continues_its_import_after_the_connection_breaks(
    run: Commands, network: Network, file: Path, pool: Pool
) -> None:
    network.there.cut_after(SIZE // 2)
    done = await run.upload(file, base=network.base)
    assert (done.code, done.told["counts"]["failed"]) == (0, 0)
    assert sum(done.told["counts"].values()) == PROJECTS
    assert done.told["bytes"] < done.told["bytes_sent"] <= 2 * done.told["bytes"]
    assert await pool.fetchval(STATES) == ["completed 2"]
    assert await pool.fetchval("SELECT count(*) FROM current_projects") == PROJECTS
    assert "again in" in done.err


async def test_stored_outcomes_are_read_after_the_response_breaks_off(
    run: Commands, network: Network, failing: Path, pool: Pool, tmp_path: Path
) -> None:
    network.back.cut_after(55_000)  # after all successes, among the failures
    table = tmp_path / "failures.csv"
    done = await run.upload(failing, "--csv", table, base=network.base)
    failed = await pool.fetchval("SELECT count(*) FROM import_results WHERE outcome = 'failed'")
    assert done.code == 1
    assert done.told["bytes_sent"] == done.told["bytes"]  # once
    assert done.told["counts"]["failed"] == failed == len(done.told["failures"]) > 0
    assert len([*csv.reader(io.StringIO(table.read_text("utf-8")))]) == 1 + failed
    assert await pool.fetchval(STATES) == ["completed 1"]


async def test_only_pieces_whose_connection_broke_are_sent_again(
    run: Commands, network: Network, file: Path, pool: Pool
) -> None:
    for part in (0.2, 0.5, 0.8):
        network.there.cut_after(int(part * SIZE))
    done = await run.upload(file, "--split-size", PIECE, base=network.base)
    size, sent = done.told["bytes"], done.told["bytes_sent"]
    assert (done.code, done.told["counts"]["created"]) == (0, PROJECTS)
    assert done.told["pieces"] >= 10
    # Of a cut try, what the operating system had taken counts as sent: at most the piece.
    assert size < sent <= size + 3 * (PIECE + 20_000) + 1000 * done.told["pieces"]
    states = await pool.fetchval(STATES)
    assert states.count("completed 1") >= done.told["pieces"] - 3
    assert {state.split()[0] for state in states} == {"completed"}
    assert len(states) == done.told["pieces"]


async def test_a_second_run_sends_only_pieces_that_the_first_did_not_complete(
    run: Commands, network: Network, file: Path, pool: Pool
) -> None:
    held = network.there.hold_after(SIZE // 2)
    process = await run.begin("upload", file, "--split-size", PIECE, base=network.base)
    await held.reached.wait()
    process.send_signal(signal.SIGINT)
    first = await ended(process)
    assert first.code == 130
    assert f"Interrupted at {file}. What was imported stays" in first.err
    network.cut()
    again = await run.upload(file, "--split-size", PIECE)
    assert again.code == 0
    assert sum(again.told["counts"].values()) == PROJECTS
    assert again.told["bytes_sent"] < 0.7 * again.told["bytes"]
    assert again.told["key"] in first.err
    assert len(await pool.fetchval(STATES)) == again.told["pieces"]


async def test_ctrl_c_leaves_no_file_and_prints_the_key(
    run: Commands, network: Network, file: Path, pool: Pool, tmp_path: Path
) -> None:
    table = tmp_path / "failures.csv"
    held = network.there.hold_after(SIZE // 2)
    process = await run.begin("upload", file, "--csv", table, base=network.base)
    await held.reached.wait()
    process.send_signal(signal.SIGINT)
    first = await ended(process)
    assert first.code == 130
    assert inside(tmp_path) == [file]
    key = await pool.fetchval("SELECT idempotency_key FROM imports")
    assert f"--key {key}" in first.err
    network.cut()
    again = await run.upload(file, "--csv", table)
    assert (again.code, again.told["key"], again.told["import_ids"]) == (0, key, [1])
    assert await pool.fetchval(STATES) == ["completed 2"]
    assert inside(tmp_path) == [table, file]


async def test_a_complete_upload_is_imported_again_under_a_new_key(
    run: Commands, file: Path
) -> None:
    first, second = [await run.upload(file) for _ in range(2)]
    assert first.told["counts"]["created"] == second.told["counts"]["unchanged"] == PROJECTS
    assert first.told["key"] != second.told["key"]


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """The service asks to come back in a second, in the place of up to fifteen."""
    monkeypatch.setattr("service.http.responses._PAUSE", (1, 1))


@pytest.mark.usefixtures("soon")
@pytest.mark.parametrize(
    "status",
    [
        pytest.param("503", marks=pytest.mark.settings(max_imports=1)),
        pytest.param("429", marks=pytest.mark.settings(max_imports_per_client=1)),
    ],
)
async def test_an_upload_is_tried_again_while_the_service_is_full(
    service: Service, run: Commands, file: Path, pool: Pool, status: str
) -> None:
    async with Connection(service) as other:
        await other.send(head(service, "Content-Length: 1000"))
        await until(pool, RUNNING)
        process = await run.begin("upload", file, "--json")
        await says(process, status)
    done = await ended(process)
    assert (done.code, done.told["counts"]["created"]) == (0, PROJECTS)
    assert done.told["bytes_sent"] == done.told["bytes"]  # none while it was refused


@pytest.mark.settings(max_imports=1)
async def test_an_upload_gives_up_when_no_time_for_retries_is_left(
    service: Service, run: Commands, file: Path, pool: Pool
) -> None:
    async with Connection(service) as other:
        await other.send(head(service, "Content-Length: 1000"))
        await until(pool, RUNNING)
        done = await run.upload(
            file, CHECKOUT / "samples" / "p6.xml", "--split-size", 1, "--retry-for", 0
        )
    assert done.code == 2
    assert done.told["status"] == "unsent"
    assert "503 Service unavailable" in done.told["refusals"][0]
    assert "--retry-for" in done.told["refusals"][0]
    assert "1 more not sent" in done.err


async def test_an_upload_waits_for_the_import_under_the_same_key(
    service: Service, run: Commands, file: Path, pool: Pool
) -> None:
    body = native.content(0, 2)
    async with Connection(service) as other:
        await other.send(head(service, "Content-Length: 9999", "Idempotency-Key: night"), body[:99])
        await until(pool, RUNNING)
        process = await run.begin("upload", file, "--key", "night", "--json")
        await says(process, "import 1 is running")
    done = await ended(process)
    assert (done.code, done.told["import_ids"]) == (0, [1])
    assert await pool.fetchval(STATES) == ["completed 2"]


async def test_an_upload_with_other_options_than_its_key_is_refused(
    service: Service, run: Commands, file: Path, pool: Pool
) -> None:
    async with Connection(service) as other:
        await other.send(head(service, "Content-Length: 9999", "Idempotency-Key: night"))
        await until(pool, RUNNING)
    await until(pool, "SELECT 1 FROM imports WHERE state = 'interrupted'")
    done = await run.upload(file, "--key", "night", "--dry-run")
    assert (done.code, done.told["status"]) == (2, "refused")
    assert "other options" in done.told["refusals"][0]
    assert await pool.fetchval(STATES) == ["interrupted 1"]


async def test_a_token_without_the_read_scope_can_upload(
    run: Commands, network: Network, file: Path
) -> None:
    network.there.cut_after(SIZE // 2)
    done = await run.upload(file, base=network.base, scope="projects:import")
    assert (done.code, sum(done.told["counts"].values())) == (0, PROJECTS)


async def test_a_file_changed_during_the_upload_is_refused(
    run: Commands, network: Network, file: Path
) -> None:
    held = network.there.hold_after(SIZE // 2)
    process = await run.begin("upload", file, "--json", base=network.base)
    await held.reached.wait()
    change_file(file)
    network.cut()
    done = await ended(process)
    assert done.code == 2
    assert "was changed" in done.told["refusals"][0]


@pytest.fixture
def files(file: Path) -> Path:
    """A folder of three files, of which the second one is large."""
    native.write(file.with_name("a.xml"), 2, first=1_000)
    native.write(file.with_name("z.xml"), 2, first=2_000)
    return file.parent


async def test_a_pack_continues_its_import_after_the_connection_breaks(
    run: Commands, network: Network, files: Path, pool: Pool
) -> None:
    network.there.cut_after(SIZE // 2)
    done = await run.upload(files, base=network.base)
    assert done.code == 0
    assert [sum(line["counts"].values()) for line in done.lines] == [2, PROJECTS, 2]
    assert {line["key"] for line in done.lines} == {
        await pool.fetchval("SELECT idempotency_key FROM imports")
    }
    assert await pool.fetchval(STATES) == ["completed 2"]


async def test_a_second_run_continues_an_interrupted_pack(
    run: Commands, network: Network, files: Path, pool: Pool
) -> None:
    held = network.there.hold_after(SIZE // 2)
    process = await run.begin("upload", files, base=network.base)
    await held.reached.wait()
    process.send_signal(signal.SIGINT)
    first = await ended(process)
    assert first.code == 130
    assert "Interrupted at a.xml and 2 more" in first.err
    network.cut()
    again = await run.upload(files)
    assert (again.code, again.lines[0]["import_ids"]) == (0, [1])
    assert again.lines[0]["key"] in first.err
    assert await pool.fetchval(STATES) == ["completed 2"]


async def test_a_pack_is_sent_again_without_a_file_that_changes(
    run: Commands, network: Network, files: Path, pool: Pool
) -> None:
    held = network.there.hold_after(SIZE // 2)
    process = await run.begin("upload", files, "--json", base=network.base)
    await held.reached.wait()
    change_file(files / "z.xml")
    network.cut()
    done = await ended(process)
    assert (done.code, [line["status"] for line in done.lines]) == (
        2,
        ["success", "success", "refused"],
    )
    assert "was changed" in done.lines[2]["refusals"][0]
    assert await pool.fetchval("SELECT count(*) FROM projects") == PROJECTS + 2


@asynccontextmanager
async def serving(service: Service) -> AsyncIterator[tuple[Process, str]]:
    """``serve`` in a separate process on the database of another, and its address."""
    settings = {
        "DATABASE_URL": service.dsn,
        "BULK_IMPORT_STATEMENT_CACHE_SIZE": str(service.settings.statement_cache_size),
        "BULK_IMPORT_JWT_SECRET": SECRET,
        "BULK_IMPORT_PORT": "0",
        "BULK_IMPORT_HEARTBEAT_EVERY": "0.1",
        "BULK_IMPORT_HEARTBEAT_EXPIRY": "5",
    }
    command = (sys.executable, "-m", "service", "serve")
    process = await asyncio.create_subprocess_exec(*command, env=os.environ | settings, stdout=PIPE)
    assert process.stdout is not None
    try:
        line = (await process.stdout.readline()).decode()
        yield process, line.split()[2]
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def test_an_upload_continues_after_the_service_is_killed_and_restarted(
    service: Service, run: Commands, file: Path, pool: Pool
) -> None:
    async with between(service.base) as network:
        async with serving(service) as (killed, network.target):
            held = network.there.hold_after(int(0.9 * SIZE))  # a batch more
            process = await run.begin("upload", file, "--json", base=network.base)
            await held.reached.wait()
            await until(pool, "SELECT count(*) > 0 FROM import_results")
            killed.kill()
            await killed.wait()
        network.cut()
        async with serving(service) as (_, network.target):
            done = await ended(process)
    assert (done.code, done.told["import_ids"]) == (0, [1])
    assert sum(done.told["counts"].values()) == PROJECTS
    assert done.told["counts"]["unchanged"] > 0
    assert await pool.fetchval(STATES) == ["completed 2"]


async def test_the_csv_of_failures_equals_that_of_the_service(
    run: Commands, client: Client, failing: Path, tmp_path: Path
) -> None:
    ours, pieces = tmp_path / "ours.csv", tmp_path / "pieces.csv"
    done = await run.upload(failing, "--csv", ours)
    theirs = await client.ask("imports/1/results?outcome=failed", accept="text/csv")
    rows = read(ours)
    name = failing.name
    expected = [*csv.reader(io.StringIO(theirs.body.decode()))]
    assert rows == [[str(failing) if cell == name else cell for cell in row] for row in expected]
    assert str(failing) in rows[1]
    again = await run.upload(failing, "--csv", pieces, "--split-size", PIECE)
    assert again.told["pieces"] > 9
    assert again.told["failures"] == done.told["failures"]
    assert read(pieces) == rows


def inside(folder: Path) -> list[Path]:
    return sorted(folder.iterdir())


def change_file(file: Path) -> None:
    file.write_text("<other/>")


def read(path: Path) -> list[list[Any]]:
    return [*csv.reader(io.StringIO(path.read_text("utf-8")))]
