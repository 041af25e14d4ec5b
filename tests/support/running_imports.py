"""Uploads that are held up half-way, and the end of their imports."""

import contextlib
from collections.abc import AsyncIterator

from service.storage import Pool
from service.storage.advisory_locks import project_key
from tests.support.raw_http import XML, form, get, part
from tests.support.service import Service

FILE = form(part("file", XML, "Content-Type: application/xml"))


WHOLE = f"Content-Length: {len(FILE)}"


HALF = len(FILE) // 2


@contextlib.asynccontextmanager
async def hold_projects(pool: Pool, *external_ids: str) -> AsyncIterator[None]:
    """Hold projects' locks, so that their import waits for the end of the block."""
    async with pool.acquire() as conn, conn.transaction():
        for external_id in external_ids:
            await conn.execute("SELECT pg_advisory_xact_lock($1)", project_key(1, external_id))
        yield


async def wait_for_begin(service: Service, import_id: int = 1) -> None:
    """Wait until the import is listed."""
    while (await get(service, f"/api/v2/clients/1/imports/{import_id}")).status != 200:
        pass


async def wait_for_end(service: Service, import_id: int = 1) -> str:
    """Wait until the import has ended, and return its state."""
    while True:
        answer = await get(service, f"/api/v2/clients/1/imports/{import_id}")
        if answer.status == 200 and (state := answer.json["details"]["state"]) != "running":
            return str(state)
