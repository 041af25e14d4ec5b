"""A huge project needs the memory of a small one, or is refused alone."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from service.imports.manager import ImportManager
from service.imports.outcomes import format_outcome, list_outcomes
from service.imports.pipeline.pipe import FilePart
from service.imports.record import ImportRequest
from service.settings import Settings
from service.storage import Pool
from tests.support.databases import ADD_CLIENT
from tests.support.native import FILE_START
from tests.support.projects import CLIENT

KIB = 1024


@pytest.fixture
async def little(settings: Settings, pool: Pool) -> Settings:
    """Settings that keep little of a project in memory; adds the client."""
    await pool.execute(ADD_CLIENT)
    return settings.model_copy(update={"spill_bytes": 64 * KIB, "max_project_bytes": 40_000 * KIB})


def pieces(name: str, tasks: int) -> Iterator[bytes]:
    """A file of two projects, the first with tasks of about 1 KiB each."""
    notes = "x" * 950
    yield FILE_START.encode() + b"\n"
    yield f'<project id="{name}"><name>{name}</name><tasks>\n'.encode()
    for n in range(tasks):
        yield f'<task id="T{n}"><name>Task {n}</name><notes>{notes}</notes></task>\n'.encode()
    yield b"</tasks></project>\n"
    yield f'<project id="{name}2"><name>next</name></project>\n</projects>\n'.encode()


async def send(importer: ImportManager, name: str, tasks: int) -> int:
    """Import a file of ``pieces``; returns the import's id."""
    async with importer.open(ImportRequest(CLIENT, "tester", "request-1")) as started:
        await started.begin_file(FilePart())
        for piece in pieces(name, tasks):
            await started.feed(piece)
        await started.finish()
    return started.id


async def test_a_huge_project_needs_no_more_memory_than_a_small_one(
    pool: Pool, little: Settings
) -> None:
    async def peak(name: str, tasks: int) -> int:
        """KiB that an import takes at its peak over what was there before it."""
        before = memory()
        await send(importer, name, tasks)
        return memory(forget=False) - before

    async with ImportManager(pool, little) as importer:
        await send(importer, "warm-up", 1000)
        small, huge = await peak("A", 1000), await peak("B", 31_000)
    assert huge - small < 10_000  # for 30 MB of rows
    assert await pool.fetchval("SELECT count(*) FROM current_tasks") == 33_000
    assert await pool.fetchval("SELECT count(*) FROM projects") == 6


def memory(*, forget: bool = True) -> int:
    """The process's peak in KiB; ``forget`` sets it to what is resident now (proc(5))."""
    if forget:
        Path("/proc/self/clear_refs").write_text("5")
    return int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])


async def test_a_project_over_the_limit_is_too_large_and_the_next_is_imported(
    pool: Pool, little: Settings
) -> None:
    less = little.model_copy(update={"max_project_bytes": 2000 * KIB})
    async with ImportManager(pool, less) as importer:
        import_id = await send(importer, "A", 3000)
        assert importer.spool.used_bytes == 0
    async with pool.acquire() as conn:
        refused, landed = map(format_outcome, await list_outcomes(conn, CLIENT, import_id, 1))
    assert (refused["external_id"], refused["error"]) == ("A", "PROJECT_TOO_LARGE")
    assert str(2000 * KIB) in refused["message"]
    assert (landed["external_id"], landed["outcome"]) == ("A2", "created")
