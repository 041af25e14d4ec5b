import asyncpg
import pytest

from service.imports.pipeline.batch import Lease
from service.imports.pipeline.fair_scheduler import FairScheduler
from service.imports.pipeline.writer import Writer
from service.storage import Pool
from tests.support.projects import CLIENT, begun


@pytest.fixture
async def owner(pool: Pool) -> Lease:
    await pool.execute("INSERT INTO clients (client_id, name) VALUES (1, 'Demo')")
    return await begun(pool)


@pytest.fixture
def writer(pool: Pool, owner: Lease) -> Writer:
    return Writer(pool, FairScheduler(8).seat(CLIENT), owner, lock_timeout=0.3, retry_timeout=5)


async def results(pool: Pool, owner: Lease) -> list[asyncpg.Record]:
    return await pool.fetch(
        "SELECT * FROM import_results WHERE client_id = 1 AND import_id = $1 ORDER BY index",
        owner.import_id,
    )
