"""Background work of a service without requests."""

import asyncio

import aiohttp
import pytest

from service.settings import Settings
from service.storage import Pool
from tests.support.databases import ADD_CLIENT
from tests.support.native import native_file
from tests.support.projects import until
from tests.support.service import served
from tests.support.upload import upload


def plan(tasks: int) -> bytes:
    rows = "".join(f'<task id="T{n}"/>' for n in range(tasks))
    project = f'<project id="A"><name>A</name><tasks>{rows}</tasks></project>'
    return native_file(project)


@pytest.mark.parametrize("wanted", [True, False])
async def test_old_versions_are_pruned_only_where_pruning_is_enabled(
    settings: Settings, dsn: str, pool: Pool, wanted: bool
) -> None:
    quick = {"prune": wanted, "prune_every": 0.1}
    quick |= {"keep_versions": 1, "keep_days": 0, "keep_months": 0, "keep_superseded": 0}
    await pool.execute(ADD_CLIENT)
    async with (
        served(settings.model_copy(update=quick), dsn) as service,
        aiohttp.ClientSession() as http,
    ):
        for tasks in (1, 2, 3):
            await upload(http, service, plan(tasks))
        if wanted:
            await until(pool, "SELECT array_agg(DISTINCT version) = '{3}' FROM tasks")
        else:
            assert "prune" not in {task.get_name() for task in asyncio.all_tasks()}
