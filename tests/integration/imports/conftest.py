from collections.abc import AsyncIterator

import pytest

from service.imports.lease import Lease
from service.imports.pipeline.fair_scheduler import FairScheduler
from service.imports.pipeline.writer import Writer
from service.storage import Connection, Pool
from tests.support.databases import ADD_CLIENT
from tests.support.projects import CLIENT, begun


@pytest.fixture
async def lease(pool: Pool) -> Lease:
    await pool.execute(ADD_CLIENT)
    return await begun(pool)


@pytest.fixture
def writer(pool: Pool, lease: Lease) -> Writer:
    return Writer(pool, FairScheduler(8).queue(CLIENT), lease, lock_timeout=0.3, retry_timeout=5)


@pytest.fixture
async def other(pool: Pool) -> AsyncIterator[Connection]:
    """Another connection, in a transaction."""
    async with pool.acquire() as conn:
        await conn.execute("BEGIN")
        yield conn
        await conn.execute("ROLLBACK")
