import pytest

from service.imports.pipeline.batch import Lease
from service.imports.pipeline.fair_scheduler import FairScheduler
from service.imports.pipeline.writer import Writer
from service.storage import Pool
from tests.support.databases import ADD_CLIENT
from tests.support.projects import CLIENT, begun


@pytest.fixture
async def owner(pool: Pool) -> Lease:
    await pool.execute(ADD_CLIENT)
    return await begun(pool)


@pytest.fixture
def writer(pool: Pool, owner: Lease) -> Writer:
    return Writer(pool, FairScheduler(8).seat(CLIENT), owner, lock_timeout=0.3, retry_timeout=5)
