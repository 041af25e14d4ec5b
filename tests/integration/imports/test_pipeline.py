"""An import from its bytes to its stored end, and every way to stop before it."""

import asyncio
import os
import sys
import threading
from collections.abc import AsyncIterator, Iterable, Sequence
from pathlib import Path

import pytest

from service.errors import FileRefused, InternalError, RequestTimeout, TooManyRequests, Unavailable
from service.imports.manager import ImportManager
from service.imports.outcomes import format_outcome, list_outcomes
from service.imports.pipeline.batch import BatchItem
from service.imports.pipeline.pipe import FilePart
from service.imports.pipeline.upload_pipeline import NICENESS
from service.imports.pipeline.writer import Writer
from service.imports.record import ImportRequest
from service.imports.session import ImportSession
from service.imports.upload import UploadSink
from service.settings import Settings
from service.storage import Pool
from service.storage.advisory_locks import client_key
from service.storage.pool import create_pool
from service.storage.retry import complete
from tests.support.databases import ADD_CLIENT
from tests.support.projects import CLIENT, HEAD, REQUEST, TAIL, project_line, until


@pytest.fixture
async def importer(pool: Pool, settings: Settings) -> AsyncIterator[ImportManager]:
    await pool.execute(ADD_CLIENT)
    async with ImportManager(pool, settings) as importer:
        yield importer
    for thread in threading.enumerate():
        if thread.name.startswith("parse"):
            thread.join(5)  # the last one may be on its way out
            assert not thread.is_alive()


async def feed(started: UploadSink, chunks: Iterable[bytes]) -> None:
    for chunk in chunks:
        await started.feed(chunk)


async def whole(started: UploadSink, *chunks: bytes) -> None:
    await started.begin_file(FilePart())
    await feed(started, chunks)
    await started.finish()


async def state(pool: Pool) -> tuple[str, str | None]:
    row = await pool.fetchrow("SELECT state, cause FROM imports")
    assert row is not None
    return row["state"], row["cause"]


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a thread has no rank of its own")
async def test_parser_threads_have_a_lower_priority_than_the_event_loop(
    importer: ImportManager,
) -> None:
    before = set(threading.enumerate())
    async with importer.open(REQUEST) as started:
        assert isinstance(started, ImportSession)
        await started.begin_file(FilePart())
        await feed(started, [HEAD])
        async with asyncio.timeout(10):
            while not started.bytes_read:  # noqa: ASYNC110
                await asyncio.sleep(0.001)
        new = set(threading.enumerate()) - before
        threads = [each for each in new if each.name.startswith("parse")]
        ranks = [os.getpriority(os.PRIO_PROCESS, each.native_id or 0) for each in threads]
        await feed(started, [project_line("P"), TAIL])
        await started.finish()
    own = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    assert ranks == [min(own + NICENESS, 19)]


async def test_projects_are_imported_in_the_order_of_the_file(
    pool: Pool, importer: ImportManager
) -> None:
    names = [f"P{n}" for n in range(450)]
    async with importer.open(REQUEST) as started:
        await started.begin_file(FilePart("plans.xml"))
        await feed(started, [HEAD, *map(project_line, names), TAIL])
        tally = await started.finish(notes="nightly")

    assert tally.counts == {"created": 450, "updated": 0, "unchanged": 0, "failed": 0}
    async with pool.acquire() as conn:
        stored = list(map(format_outcome, await list_outcomes(conn, CLIENT, started.id, 1)))
    assert [(item["index"], item["external_id"]) for item in stored] == list(enumerate(names))
    row = await pool.fetchrow("SELECT * FROM imports")
    assert row is not None
    assert (row["state"], row["notes"], row["filename"]) == ("completed", "nightly", "plans.xml")
    assert (row["dialect"], row["counts"]["created"]) == ("native", 450)
    assert row["bytes_read"] == len(HEAD + b"".join(map(project_line, names)) + TAIL)


async def test_a_second_occurrence_is_a_duplicate_for_any_outcome_of_the_first(
    pool: Pool, importer: ImportManager
) -> None:
    nameless = b'<project id="A"><tasks/></project>\n'
    async with importer.open(REQUEST) as started:
        await whole(
            started,
            HEAD,
            nameless,
            project_line("B"),
            project_line("A"),
            project_line("B", tasks=7),
            TAIL,
        )
    async with pool.acquire() as conn:
        stored = list(map(format_outcome, await list_outcomes(conn, CLIENT, started.id, 1)))

    assert [item.get("error") for item in stored] == [
        "VALIDATION_ERROR",
        None,
        "DUPLICATE_PROJECT",
        "DUPLICATE_PROJECT",
    ]
    assert [item.get("first_line") for item in stored[2:]] == [2, 3]
    assert await pool.fetchval("SELECT count(*) FROM current_tasks") == 2


async def test_projects_before_a_syntax_error_are_imported_and_the_error_is_reported_last(
    pool: Pool, importer: ImportManager
) -> None:
    async with importer.open(REQUEST) as started:
        await started.begin_file(FilePart())
        await feed(
            started,
            [
                HEAD,
                project_line("A"),
                project_line("B"),
                project_line("C")[:-20],
                b"<<<",
                project_line("D"),
            ],
        )
        tally = await started.finish()
    async with pool.acquire() as conn:
        *landed, last = map(format_outcome, await list_outcomes(conn, CLIENT, started.id, 1))

    assert tally.counts["created"] == len(landed) == 2
    assert (last["index"], last["error"], last["line"]) == (2, "MALFORMED_XML", 4)
    assert (await state(pool))[0] == "completed"


@pytest.mark.parametrize(
    "content", [b"", b"no XML at all", HEAD + project_line("A")[:-30], HEAD + TAIL]
)
async def test_a_file_without_a_complete_project_fails_the_import(
    pool: Pool, importer: ImportManager, content: bytes
) -> None:
    async with importer.open(REQUEST) as started:
        with pytest.raises(FileRefused) as refused:
            await whole(started, content)

    assert await state(pool) == ("failed", refused.value.details)
    assert refused.value.fields["import_id"] == started.id
    assert await pool.fetchval("SELECT count(*) FROM import_results") == 0


async def test_an_unreadable_file_is_not_kept_until_its_last_byte(
    importer: ImportManager, settings: Settings
) -> None:
    block = b"{" * settings.pipe_bytes
    async with importer.open(REQUEST) as started, asyncio.timeout(10):
        await started.begin_file(FilePart())
        for _ in range(20):  # without a reader, each would wait for 10 s
            await started.feed(block)
        with pytest.raises(FileRefused):
            await started.finish()


async def test_an_interrupted_import_keeps_the_imported_projects(
    pool: Pool, importer: ImportManager
) -> None:
    async with importer.open(REQUEST) as started:
        await started.begin_file(FilePart())
        await feed(started, [HEAD, *(project_line(f"P{n}") for n in range(250))])
        await until(pool, "SELECT count(*) >= 200 FROM import_results")
        await started.interrupt(RequestTimeout("gone"))
        with pytest.raises(RequestTimeout):
            await started.feed(b"more")

    assert await state(pool) == ("interrupted", "gone")
    assert await pool.fetchval("SELECT (counts->>'created')::int FROM imports") == 200
    assert await pool.fetchval("SELECT count(*) FROM projects") == 200


async def test_leaving_a_session_before_its_end_interrupts_the_import(
    pool: Pool, importer: ImportManager
) -> None:
    async def left() -> None:
        async with importer.open(REQUEST) as started:
            await started.begin_file(FilePart())
            await started.feed(HEAD)
            raise KeyError

    with pytest.raises(KeyError):
        await left()
    assert (await state(pool))[0] == "interrupted"
    assert not importer.running


async def test_an_internal_error_fails_the_import_and_reveals_no_internals(
    pool: Pool, importer: ImportManager
) -> None:
    await pool.execute("ALTER TABLE tasks RENAME TO elsewhere")
    async with importer.open(REQUEST) as started:
        with pytest.raises(InternalError) as raised:
            await whole(started, HEAD, project_line("A"), TAIL)

    assert "elsewhere" not in raised.value.details
    assert "tasks" not in raised.value.details
    assert (await state(pool))[0] == "failed"


async def test_an_import_taken_over_by_another_process_stops(
    pool: Pool, importer: ImportManager
) -> None:
    async with importer.open(REQUEST) as started:
        await started.begin_file(FilePart())
        await started.feed(HEAD)
        await pool.execute("UPDATE imports SET attempt = 2")
        with pytest.raises(Unavailable):
            await whole(started, project_line("A"), TAIL)

    assert (await state(pool))[0] == "running"
    assert await pool.fetchval("SELECT count(*) FROM projects") == 0


async def test_a_spool_that_cannot_be_written_interrupts_the_import(
    pool: Pool, settings: Settings, tmp_path: Path
) -> None:
    await pool.execute(ADD_CLIENT)
    directory = tmp_path / "removed"
    directory.mkdir()
    small = {"spool_dir": directory, "spill_bytes": 1000}
    async with (
        ImportManager(pool, settings.model_copy(update=small)) as importer,
        importer.open(REQUEST) as started,
    ):
        directory.rmdir()
        with pytest.raises(Unavailable):
            await whole(started, HEAD, project_line("A", tasks=100), TAIL)

    assert (await state(pool))[0] == "interrupted"


async def test_a_project_over_the_memory_limit_is_spooled_and_imported_completely(
    pool: Pool, settings: Settings, tmp_path: Path
) -> None:
    await pool.execute(ADD_CLIENT)
    small = {"spool_dir": tmp_path, "spill_bytes": 10_000}
    async with (
        ImportManager(pool, settings.model_copy(update=small)) as importer,
        importer.open(REQUEST) as started,
    ):
        await whole(started, HEAD, project_line("A", tasks=5000), TAIL)

    ids = await pool.fetch("SELECT task_id FROM current_tasks ORDER BY ordinal")
    assert [row["task_id"] for row in ids] == [f"T{n}" for n in range(5000)]
    assert not os.listdir(tmp_path)


async def test_a_slow_database_slows_the_upload(pool: Pool, importer: ImportManager) -> None:
    heavy = project_line("A", tasks=1, text="x" * 500_000)
    fed = 0

    async def upload() -> None:
        nonlocal fed
        for n in range(200):
            await started.feed(heavy.replace(b'"A"', b'"A%d"' % n, 1))
            fed += len(heavy)

    async with importer.open(REQUEST) as started:
        async with pool.acquire() as conn, conn.transaction():
            await conn.execute("LOCK TABLE projects")
            await started.begin_file(FilePart())
            await started.feed(HEAD)
            uploading = asyncio.create_task(upload())
            before = -1
            while fed != before:  # until nothing more is taken
                before = fed
                await asyncio.sleep(0.5)
            assert not uploading.done()
        await uploading
        await started.feed(TAIL)
        await started.finish()

    assert fed > before > 0


async def test_a_running_import_updates_its_heartbeat(pool: Pool, settings: Settings) -> None:
    await pool.execute(ADD_CLIENT)
    quick = settings.model_copy(update={"heartbeat_every": 0.05})
    async with ImportManager(pool, quick) as importer, importer.open(REQUEST) as started:
        await started.begin_file(FilePart())
        await feed(started, [HEAD, *(project_line(f"P{n}") for n in range(250))])
        await until(pool, "SELECT projects_done = 200 AND bytes_read > 0 FROM import_progress")
        first = await pool.fetchval("SELECT beat_at FROM import_progress")
        await until(pool, f"SELECT beat_at > '{first.isoformat()}' FROM import_progress")


async def test_slots_are_bounded_for_a_client_and_for_all(pool: Pool, settings: Settings) -> None:
    few = settings.model_copy(update={"max_imports": 2, "max_imports_per_client": 1})
    async with ImportManager(pool, few) as importer:
        with importer.admit(1):
            with pytest.raises(TooManyRequests):
                importer.admit(1).__enter__()
            with importer.admit(2), pytest.raises(Unavailable):
                importer.admit(3).__enter__()
            with importer.admit(3):
                pass


async def test_many_imports_share_few_connections(pool: Pool, dsn: str, settings: Settings) -> None:
    """More writers than connections wait for each other, however short the patience."""
    await pool.execute(ADD_CLIENT)
    few = settings.model_copy(update={"pool_size": 4, "retry_timeout": 2, "batch_projects": 5})
    begun = asyncio.Barrier(9)

    async def one(number: int, importer: ImportManager) -> None:
        async with importer.open(REQUEST) as started:
            await begun.wait()
            plans = (project_line(f"I{number}P{n}", tasks=50) for n in range(100))
            await whole(started, HEAD, *plans, TAIL)

    async with await create_pool(few, dsn) as small, ImportManager(small, few) as importer:
        imports = [asyncio.create_task(one(number, importer)) for number in range(8)]
        async with pool.acquire() as conn, conn.transaction():
            async with asyncio.timeout(30):
                while begun.n_waiting < 8:  # noqa: ASYNC110
                    await asyncio.sleep(0)
            await conn.execute("SELECT pg_advisory_xact_lock($1)", client_key(1))
            await begun.wait()
            _, waiting = await asyncio.wait(imports, timeout=2.5)
        assert len(waiting) == 8
        await asyncio.gather(*imports)

    states = await pool.fetch("SELECT state, count(*) AS n FROM imports GROUP BY state")
    assert [(row["state"], row["n"]) for row in states] == [("completed", 8)]


async def test_a_blocked_client_does_not_block_another(
    pool: Pool, dsn: str, settings: Settings
) -> None:
    await pool.execute("INSERT INTO clients (client_id, name) VALUES (1, 'Demo'), (2, 'Other')")
    few = settings.model_copy(update={"pool_size": 5, "batch_projects": 5, "pipe_bytes": 1000})
    async with (
        await create_pool(few, dsn) as small,
        ImportManager(small, few) as importer,
        importer.open(REQUEST) as large,
    ):
        async with pool.acquire() as conn, conn.transaction():
            await conn.execute("SELECT pg_advisory_xact_lock($1)", client_key(CLIENT))
            plans = (project_line(f"P{n}") for n in range(1000))
            uploading = asyncio.create_task(whole(large, HEAD, *plans, TAIL))
            await until(pool, "SELECT count(*) > 0 FROM pg_locks WHERE NOT granted")
            async with asyncio.timeout(20), importer.open(ImportRequest(2, "other", "2")) as other:
                await whole(other, HEAD, project_line("P1"), TAIL)
            assert not uploading.done()
        await uploading


async def test_failed_imports_release_their_slots(pool: Pool, importer: ImportManager) -> None:
    async def fail(number: int) -> None:
        async with importer.open(REQUEST) as started:
            chunks = [HEAD, *(project_line(f"I{number}P{n}") for n in range(300))]
            if number % 3 == 0:
                with pytest.raises(FileRefused):
                    await whole(started, b"no XML")
            elif number % 3 == 1:
                await feed(started, chunks)
                await started.interrupt(RequestTimeout("gone"))
            else:
                feeding = asyncio.create_task(feed(started, chunks))
                await asyncio.sleep(0)
                await started.fail(InternalError())
                await asyncio.wait([feeding])

    for first in range(0, 48, 8):
        await asyncio.gather(*(fail(first + number) for number in range(8)))

    async with asyncio.timeout(20), importer.open(REQUEST) as started:
        await whole(started, HEAD, *(project_line(f"P{n}") for n in range(1000)), TAIL)
    assert await pool.fetchval("SELECT count(*) FROM imports WHERE state = 'running'") == 0


async def test_a_fault_counts_although_the_import_is_cancelled_before_all_stages_have_ended(
    pool: Pool, importer: ImportManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    met = asyncio.Event()

    async def write_batch(_: Writer, items: Sequence[BatchItem]) -> None:
        if items[0].index:
            met.set()
            raise KeyError
        await complete(asyncio.sleep(0.3))

    monkeypatch.setattr(Writer, "write_batch", write_batch)
    async with importer.open(REQUEST) as started:
        assert isinstance(started, ImportSession)
        await started.begin_file(FilePart())
        await feed(started, [HEAD, *(project_line(f"P{n}") for n in range(450))])
        async with asyncio.timeout(10):
            await met.wait()
        started.cancel()
        with pytest.raises(InternalError):
            await started.finish()
    assert (await state(pool))[0] == "failed"
