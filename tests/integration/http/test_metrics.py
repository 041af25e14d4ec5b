"""What metrics tell of imports while they run, wait and end."""

import pytest
from prometheus_client.parser import text_string_to_metric_families

from service.db import Connection as Database
from service.db import Pool
from service.importer.retries import retrying
from tests.integration.http.raw import Connection, get, head
from tests.integration.http.test_endings import FILE, HALF, WHOLE, ended, held
from tests.serving import Service

INTERRUPTED = ("bulk_import_imports_ended_total", "interrupted")


async def told(service: Service) -> dict[tuple[str, ...], float]:
    """The values by name and labels."""
    text = (await get(service, "/metrics")).body.decode()
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name.startswith("bulk_import")
    }


@pytest.mark.settings(heartbeat_every=0.02)
async def test_an_import_that_hangs_grows_old_and_is_counted_as_it_ends(service: Service) -> None:
    before = await told(service)
    assert before["bulk_import_oldest_import_seconds",] == 0
    async with Connection(service) as connection:
        await connection.send(head(service, WHOLE), FILE[:HALF])
        seen: list[float] = []
        while len(seen) < 3:
            age = (await told(service))["bulk_import_oldest_import_seconds",]
            if age and age not in seen:
                seen.append(age)
        assert seen == sorted(seen)
    assert await ended(service) == "interrupted"
    while (after := await told(service))["bulk_import_oldest_import_seconds",]:
        pass
    assert after[INTERRUPTED] == before[INTERRUPTED] + 1


async def test_projects_that_wait_for_another_import_are_counted(
    service: Service, pool: Pool
) -> None:
    name = ("bulk_import_projects_put_off_total",)
    before = (await told(service))[name]
    async with Connection(service) as connection:
        async with held(pool, "P-1"):
            await connection.send(head(service, WHOLE), FILE)
            while (await told(service))[name] < before + 2:
                pass
        assert (await connection.answer()).status == 207


@pytest.mark.settings(heartbeat_every=0.02)
async def test_heartbeats_that_are_missed_are_counted(service: Service, pool: Pool) -> None:
    name = ("bulk_import_heartbeats_missed_total",)
    before = (await told(service))[name]
    async with Connection(service) as connection:
        await connection.send(head(service, WHOLE), FILE[:HALF])
        while not (await told(service))["bulk_import_oldest_import_seconds",]:
            pass
        await pool.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        while (await told(service))[name] == before:
            pass


async def test_tries_are_counted(service: Service, pool: Pool) -> None:
    async def work(_: Database, again: bool) -> None:
        if not again:
            raise ConnectionResetError

    before = (await told(service))["bulk_import_database_retries_total",]
    await retrying(pool, work, 10)
    assert (await told(service))["bulk_import_database_retries_total",] == before + 1
