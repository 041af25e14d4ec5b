import asyncpg
import pytest

from service.db import Pool
from service.importer.batches import Owner
from service.importer.turns import Turns
from service.importer.writer import Writer
from tests.integration.importer.build import CLIENT, begun


@pytest.fixture
async def owner(pool: Pool) -> Owner:
    await pool.execute("INSERT INTO clients (client_id, name) VALUES (1, 'Demo')")
    return await begun(pool)


@pytest.fixture
def writer(pool: Pool, owner: Owner) -> Writer:
    return Writer(pool, Turns(8).seat(CLIENT), owner, lock_timeout=0.3, retry_timeout=5)


async def results(pool: Pool, owner: Owner) -> list[asyncpg.Record]:
    return await pool.fetch(
        "SELECT * FROM import_results WHERE client_id = 1 AND import_id = $1 ORDER BY index",
        owner.import_id,
    )
