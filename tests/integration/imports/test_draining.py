"""Which import gets the writer while the service shuts down."""

import asyncio

from service.imports.manager import ImportManager
from service.imports.pipeline.pipe import FilePart
from service.settings import Settings
from service.storage import Pool
from service.storage.advisory_locks import client_key
from tests.support.databases import ADD_CLIENT
from tests.support.projects import HEAD, REQUEST, TAIL, project_line


async def test_a_complete_upload_is_written_first_during_a_shutdown(
    pool: Pool, settings: Settings
) -> None:
    await pool.execute(ADD_CLIENT)
    one_writer = settings.model_copy(update={"pool_size": 4, "batch_projects": 1})
    async with (
        ImportManager(pool, one_writer) as importer,
        importer.open(REQUEST) as busy,
        importer.open(REQUEST) as sending,
        importer.open(REQUEST) as whole,
    ):
        async with pool.acquire() as conn, conn.transaction():
            await conn.execute("SELECT pg_advisory_xact_lock($1)", client_key(1))
            for number, started in enumerate((busy, sending, whole)):
                await started.begin_file(FilePart())
                await started.feed(HEAD + project_line(f"P{number}"))
                await wait_for_waiting_imports(importer, number)
            await whole.feed(TAIL)
            finishing = asyncio.create_task(whole.finish())
            await asyncio.sleep(0)
            importer.drain()
        await finishing
        await sending.feed(TAIL)
        await sending.finish()
    order = "SELECT import_id FROM import_results ORDER BY xmin::text::bigint"
    written = [row["import_id"] for row in await pool.fetch(order)]
    assert written == [busy.id, whole.id, sending.id]


async def wait_for_waiting_imports(importer: ImportManager, number: int) -> None:
    """Wait until the only writer is taken and ``number`` imports wait for it."""
    async with asyncio.timeout(10):
        while importer._writing._free or len(importer._writing._waiting) < number:  # noqa: ASYNC110
            await asyncio.sleep(0)
