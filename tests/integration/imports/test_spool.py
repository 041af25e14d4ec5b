"""Imports whose working files reach a limit, or whose disk is full."""

import asyncio
import contextlib
import gc
import os
import threading
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import service.spool.disk_set
from service.errors import FileTooLarge, Unavailable
from service.imports.manager import ImportManager
from service.imports.options import ImportOptions
from service.imports.outcomes import format_outcome, list_outcomes
from service.imports.pipeline.pipe import FilePart
from service.imports.pipeline.upload_pipeline import UploadPipeline
from service.imports.record import ImportRequest
from service.imports.upload import UploadSink
from service.settings import Settings
from service.storage import Pool
from tests.support.databases import ADD_CLIENT
from tests.support.descriptors import unlinked
from tests.support.native import FILE_START
from tests.support.projects import CLIENT, until

REQUEST = ImportRequest(CLIENT, "tester", "request-1")
HEAD = FILE_START.encode() + b"\n"
TAIL = b"</projects>\n"
P6_HEAD = b"<APIBusinessObjects>\n"
P6_TAIL = b"</APIBusinessObjects>\n"

KIB = 1024
LARGE = 1500 * KIB
"""Of the rows of a ``large`` project, about: on disk but for the first ``spill_bytes``."""


def plan(name: str, tasks: int) -> bytes:
    """A native project whose tasks have about 1 KiB each as rows."""
    notes = "x" * 950
    rows = "".join(
        f'<task id="T{n}"><name>Task {n}</name><notes>{notes}</notes></task>' for n in range(tasks)
    )
    return f'<project id="{name}"><name>{name}</name><tasks>{rows}</tasks></project>\n'.encode()


def large(name: str) -> bytes:
    return plan(name, LARGE // KIB)


def p6_project(name: str) -> bytes:
    return f"<Project><Id>{name}</Id><Name>{name}</Name></Project>\n".encode()


def calendars(count: int) -> bytes:
    """Objects outside the projects, of about 1 KiB each."""
    name = "x" * 900
    return b"".join(
        f"<Calendar><ObjectId>{n}</ObjectId><Name>{name}</Name></Calendar>\n".encode()
        for n in range(count)
    )


@contextlib.asynccontextmanager
async def importing(pool: Pool, settings: Settings, **changes: Any) -> AsyncIterator[ImportManager]:
    """An importer with small bounds; at its end nothing is left on disk."""
    await pool.execute(ADD_CLIENT)
    bounds = {"spill_bytes": 64 * KIB, "shared_bytes": 64 * KIB, **changes}
    gc.collect()  # what earlier tests have left
    before = unlinked()
    async with ImportManager(pool, settings.model_copy(update=bounds)) as importer:
        yield importer
        assert importer.spool.used_bytes == 0
    assert unlinked() == before
    for thread in threading.enumerate():
        if thread.name.startswith("parse"):
            thread.join(5)  # the last one may be on its way out
            assert not thread.is_alive()


async def send(importer: ImportManager, *chunks: bytes) -> UploadSink:
    async with importer.open(REQUEST) as started:
        await whole(started, *chunks)
    return started


async def whole(started: UploadSink, *chunks: bytes) -> None:
    await started.begin_file(FilePart())
    for chunk in chunks:
        await started.feed(chunk)
    await started.finish()


async def wait_for_spool_size(importer: ImportManager, size: int) -> None:
    """Wait until the spool holds ``size`` bytes."""
    async with asyncio.timeout(20):
        while importer.spool.used_bytes < size:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def read_outcomes(pool: Pool, started: UploadSink) -> list[dict[str, Any]]:
    async with pool.acquire() as conn:
        return list(map(format_outcome, await list_outcomes(conn, CLIENT, started.id, 1)))


async def state(pool: Pool, started: UploadSink) -> str:
    query = "SELECT state FROM imports WHERE import_id = $1"
    return str(await pool.fetchval(query, started.id))


async def test_a_project_over_the_spool_share_is_too_large_and_the_next_is_imported(
    pool: Pool, settings: Settings
) -> None:
    async with importing(pool, settings, import_spool_bytes=2 * LARGE) as importer:
        started = await send(
            importer, HEAD, large("A"), plan("B", 3 * LARGE // KIB), large("C"), plan("D", 1), TAIL
        )
    outcomes = await read_outcomes(pool, started)
    assert [(item["external_id"], item.get("error")) for item in outcomes] == [
        ("A", None),
        ("B", "PROJECT_TOO_LARGE"),
        ("C", None),
        ("D", None),
    ]
    assert str(2 * LARGE) in outcomes[1]["message"]
    assert outcomes[1]["name"] == "B"
    assert await pool.fetchval("SELECT count(*) FROM current_tasks") == 2 * LARGE // KIB + 1


async def test_an_atomic_import_deletes_its_working_files_at_its_end(
    pool: Pool, settings: Settings
) -> None:
    atomic = replace(REQUEST, options=ImportOptions(atomic=True))
    async with importing(pool, settings) as importer, importer.open(atomic) as started:
        await started.begin_file(FilePart())
        for chunk in (HEAD, large("A")):
            await started.feed(chunk)
        await wait_for_spool_size(importer, 1)
        await started.feed(TAIL)
        await started.finish()
        assert importer.spool.used_bytes == 0


async def test_unresolved_references_count_towards_the_size_of_their_project(
    pool: Pool, settings: Settings
) -> None:
    tasks = "".join(
        f'<task id="T{n}" parent="T{n + 1}"><name>n</name></task>' for n in range(20_000)
    )
    a = f'<project id="A"><name>A</name><tasks>{tasks}<task id="T20000"/></tasks></project>\n'
    bounds = {"import_spool_bytes": 512 * KIB, "spill_bytes": 1 << 30}
    async with importing(pool, settings, **bounds) as importer:
        started = await send(importer, HEAD, a.encode(), plan("B", 1), TAIL)
    outcomes = await read_outcomes(pool, started)
    assert [item.get("error") for item in outcomes] == ["PROJECT_TOO_LARGE", None]


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """An event that is set once a reader waits for its writers."""
    waits, settle = threading.Event(), UploadPipeline._wait_for_writers

    def seen(receiving: UploadPipeline) -> None:
        waits.set()
        settle(receiving)

    monkeypatch.setattr(UploadPipeline, "_wait_for_writers", seen)
    return waits


async def test_the_reader_waits_until_writers_release_spool_space(
    pool: Pool, settings: Settings, waits: threading.Event
) -> None:
    async with importing(pool, settings, import_spool_bytes=5 * LARGE // 2) as importer:
        async with pool.acquire() as conn, conn.transaction():
            await conn.execute("LOCK TABLE projects")
            sent = asyncio.create_task(send(importer, HEAD, *map(large, "ABCDEF"), TAIL))
            assert await asyncio.to_thread(waits.wait, 30)
            assert not sent.done()
        started = await sent
    assert [item.get("error") for item in await read_outcomes(pool, started)] == [None] * 6


async def test_shared_objects_over_the_spool_share_end_the_file(
    pool: Pool, settings: Settings
) -> None:
    async with importing(pool, settings, import_spool_bytes=LARGE) as importer:
        started = await send(
            importer, P6_HEAD, p6_project("A"), calendars(3000), p6_project("B"), P6_TAIL
        )
        with pytest.raises(FileTooLarge, match=str(LARGE)):
            await send(importer, P6_HEAD, calendars(3000), p6_project("A"), P6_TAIL)
    landed, last = await read_outcomes(pool, started)
    assert (landed["external_id"], landed["outcome"]) == ("A", "created")
    assert (last["index"], last["error"]) == (1, "FILE_TOO_LARGE")
    assert str(LARGE) in last["message"]
    assert await pool.fetchval("SELECT array_agg(state ORDER BY import_id) FROM imports") == [
        "completed",
        "failed",
    ]


async def test_ids_over_the_spool_share_end_the_file_without_a_gap_in_the_outcomes(
    pool: Pool, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service.spool.disk_set, "FEW", 1000)
    ids = [f"{n:0250}" for n in range(10_000)]
    plans = (b'<project id="%b"><name>n</name></project>\n' % name.encode() for name in ids)
    async with importing(pool, settings, import_spool_bytes=2048 * KIB) as importer:
        started = await send(importer, HEAD, *plans, TAIL)
    query = "SELECT count(*) AS n, max(index) AS last FROM import_results WHERE import_id = $1"
    row = await pool.fetchrow(query, started.id)
    assert row is not None
    assert row["n"] == row["last"] + 1 < len(ids)
    query = "SELECT error FROM import_results WHERE import_id = $1 AND index = $2"
    assert await pool.fetchval(query, started.id, row["last"]) == "FILE_TOO_LARGE"


async def test_a_spool_filled_by_other_imports_interrupts_the_import_and_a_retry_succeeds(
    pool: Pool, settings: Settings
) -> None:
    file = (HEAD, plan("A", 1), large("B"), TAIL)
    async with importing(pool, settings, spool_bytes=2 * LARGE) as importer:
        async with importer.open(REQUEST) as other, importer.open(REQUEST) as started:
            await other.begin_file(FilePart())
            await other.feed(P6_HEAD + calendars(2400))
            await wait_for_spool_size(importer, 2300 * KIB)
            assert unlinked() > 0
            with pytest.raises(Unavailable, match="no room"):
                await whole(started, *file)
            assert await state(pool, started) == "interrupted"
            await other.feed(p6_project("C") + P6_TAIL)
            await other.finish()
        again = await send(importer, *file)
    assert await state(pool, other) == await state(pool, again) == "completed"
    assert await pool.fetchval("SELECT count(*) FROM projects") == 3


async def test_an_import_without_spool_space_for_its_share_is_refused(
    pool: Pool, settings: Settings
) -> None:
    bounds = {"spool_bytes": 2 * LARGE, "import_spool_bytes": LARGE}
    async with importing(pool, settings, **bounds) as importer:
        async with importer.open(REQUEST) as started:
            await started.begin_file(FilePart())
            await started.feed(P6_HEAD)
            with importer.admit(1):
                pass
            await started.feed(calendars(LARGE // KIB - 200))
            await wait_for_spool_size(importer, LARGE - 400 * KIB)
            importer.spool.check_space(LARGE)
            async with importer.open(REQUEST) as second:
                await second.begin_file(FilePart())
                await second.feed(P6_HEAD + calendars(LARGE // KIB - 200))
                await wait_for_spool_size(importer, LARGE + 1)
                with pytest.raises(Unavailable, match="no room"):
                    importer.admit(1).__enter__()
        with importer.admit(1):
            pass


async def test_a_disk_at_its_reserve_refuses_new_imports_and_interrupts_running_ones(
    pool: Pool, settings: Settings, tmp_path: Path
) -> None:
    free = os.statvfs(tmp_path).f_bavail * os.statvfs(tmp_path).f_frsize
    async with (
        importing(pool, settings, spool_dir=tmp_path) as importer,
        importer.open(REQUEST) as small,
        importer.open(REQUEST) as started,
    ):
        importer.spool._reserved_bytes = 2 * free
        with pytest.raises(Unavailable, match="no room"):
            importer.admit(1).__enter__()
        with pytest.raises(Unavailable, match="no room"):
            await whole(started, HEAD, plan("A", 1), large("B"), TAIL)
        assert await state(pool, started) == "interrupted"
        await whole(small, HEAD, plan("A", 1), TAIL)
    assert await state(pool, small) == "completed"


async def test_stopping_an_import_whose_reader_waits_ends_it_at_once(
    pool: Pool, settings: Settings, waits: threading.Event
) -> None:
    bounds = {"import_spool_bytes": 5 * LARGE // 2, "lock_timeout": 2, "retry_timeout": 0.5}
    async with importing(pool, settings, **bounds) as importer:
        async with importer.open(REQUEST) as started:
            async with pool.acquire() as conn, conn.transaction():
                await conn.execute("LOCK TABLE projects")
                await started.begin_file(FilePart())
                sent = asyncio.create_task(
                    started.feed(HEAD + b"".join(map(large, "ABCDEF")) + TAIL)
                )
                assert await asyncio.to_thread(waits.wait, 30)
                async with asyncio.timeout(30):
                    await started.interrupt(Unavailable("stopped"))
            with contextlib.suppress(Unavailable):
                await sent
        assert await state(pool, started) == "interrupted"
        await until(pool, "SELECT count(*) = 0 FROM projects")
