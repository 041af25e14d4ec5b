"""Metrics of imports that run, wait and end."""

import asyncio

import pytest

from service.observability.metrics import Stage
from service.storage import Connection as Database
from service.storage import Pool
from service.storage.retry import with_retries
from tests.support.metrics import BYTES, read_metrics, wait_for_metrics
from tests.support.native import native
from tests.support.raw_http import Connection, form, head, part
from tests.support.running_imports import FILE, HALF, WHOLE, hold_projects, wait_for_end
from tests.support.service import Service

INTERRUPTED = ("bulk_import_imports_ended_total", "interrupted")


@pytest.mark.settings(heartbeat_every=0.02)
async def test_a_stalled_import_raises_the_age_metric_and_counts_as_interrupted(
    service: Service,
) -> None:
    before = await read_metrics(service)
    assert before["bulk_import_oldest_import_seconds",] == 0
    async with Connection(service) as connection:
        await connection.send(head(service, WHOLE), FILE[:HALF])
        seen: list[float] = []
        while len(seen) < 3:
            age = (await read_metrics(service))["bulk_import_oldest_import_seconds",]
            if age and age not in seen:
                seen.append(age)
        assert seen == sorted(seen)
    assert await wait_for_end(service) == "interrupted"
    after = await wait_for_metrics(
        service, lambda seen: not seen["bulk_import_oldest_import_seconds",]
    )
    assert after[INTERRUPTED] == before[INTERRUPTED] + 1


async def test_projects_that_wait_for_another_import_are_counted(
    service: Service, pool: Pool
) -> None:
    name = ("bulk_import_projects_put_off_total",)
    before = (await read_metrics(service))[name]
    async with Connection(service) as connection:
        async with hold_projects(pool, "P-1"):
            await connection.send(head(service, WHOLE), FILE)
            await wait_for_metrics(service, lambda seen: seen[name] >= before + 2)
        assert (await connection.answer()).status == 207


@pytest.mark.settings(heartbeat_every=0.02)
async def test_missed_heartbeats_are_counted(service: Service, pool: Pool) -> None:
    name = ("bulk_import_heartbeats_missed_total",)
    before = (await read_metrics(service))[name]
    async with Connection(service) as connection:
        await connection.send(head(service, WHOLE), FILE[:HALF])
        # Its own row it writes itself, and would end at the same fault.
        async with asyncio.timeout(20):
            while not await pool.fetchval("SELECT count(*) FROM import_progress"):
                pass
        await pool.execute("ALTER TABLE import_progress RENAME TO elsewhere")
        await wait_for_metrics(service, lambda seen: seen[name] > before)


async def test_retries_are_counted(service: Service, pool: Pool) -> None:
    async def work(_: Database, again: bool) -> None:
        if not again:
            raise ConnectionResetError

    before = (await read_metrics(service))["bulk_import_database_retries_total",]
    await with_retries(pool, work, 10)
    assert (await read_metrics(service))["bulk_import_database_retries_total",] == before + 1


@pytest.mark.settings(writers=1, batch_projects=1, lock_timeout=30)
async def test_the_time_of_each_stage_is_counted(service: Service, pool: Pool) -> None:
    """Two batches, of which the second waits for the writer while the first waits for a lock."""
    put_off = ("bulk_import_projects_put_off_total",)
    before = await read_metrics(service)
    async with Connection(service) as connection:
        async with hold_projects(pool, "P-1"):
            await connection.send(head(service, WHOLE, "User-Agent: curl/8.14"), FILE)
            await wait_for_metrics(
                service,
                lambda seen: (
                    seen[put_off] > before[put_off] and seen["bulk_import_batches_waiting",] == 1
                ),
            )
        assert (await connection.answer()).status == 207
    after = await read_metrics(service)
    assert after["bulk_import_batches_waiting",] == 0

    def grown(*name: str) -> float:
        return after[name] - before.get(name, 0)

    for stage in Stage:
        assert grown("bulk_import_stage_seconds_total", stage) > 0, stage
    assert grown("bulk_import_parse_turn_cpu_seconds_count") > 0
    assert grown("bulk_import_parse_turn_cpu_seconds_sum") > 0
    assert grown("bulk_import_lock_seconds_count", "project") == 1
    assert grown("bulk_import_lock_seconds_count", "client") >= 3  # one of them for nothing
    assert grown("bulk_import_lock_seconds_sum", "project") > 0
    assert grown("bulk_import_database_bytes_total") > 0
    assert grown("bulk_import_projects_total", "curl", "created") == 2


async def test_stage_times_do_not_exceed_the_time_of_the_import(service: Service) -> None:
    before = await read_metrics(service)
    projects = "".join(f'<project id="Q-{n}"><name>One</name></project>' for n in range(2000))
    xml = native(projects)
    async with Connection(service) as connection:
        sent = form(part("file", xml.encode()))
        await connection.send(head(service, f"Content-Length: {len(sent)}"), sent)
        assert (await connection.answer()).status == 207
    after = await read_metrics(service)
    whole = after["bulk_import_import_seconds_sum",] - before["bulk_import_import_seconds_sum",]
    spent = {
        stage: after["bulk_import_stage_seconds_total", stage]
        - before["bulk_import_stage_seconds_total", stage]
        for stage in Stage
    }
    reader = (Stage.RECEIVE, Stage.PARSE_TURN, Stage.PARSE, Stage.HAND_ON)
    assert 0 < sum(spent[stage] for stage in reader) < whole
    writers = sum(seconds for stage, seconds in spent.items() if stage not in reader)
    assert 0 < writers < whole * service.settings.writers


async def test_bytes_are_counted_on_arrival(service: Service) -> None:
    before = (await read_metrics(service))[BYTES]
    async with Connection(service) as connection:
        await connection.send(head(service, WHOLE), FILE[:HALF])
        await wait_for_metrics(service, lambda seen: seen[BYTES] > before)
        await connection.send(FILE[HALF:])
        assert (await connection.answer()).status == 207
    assert (await read_metrics(service))[BYTES] == before + len(FILE)


REFUSED = "ALTER TABLE import_results RENAME TO gone"
SPLIT = """
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '22000'; END $$;
    CREATE TRIGGER refuse BEFORE INSERT ON project_versions FOR EACH ROW EXECUTE FUNCTION refuse()
"""


@pytest.mark.parametrize(("statement", "state"), [(REFUSED, "42"), (SPLIT, "22")])
async def test_database_errors_are_counted_by_class(
    service: Service, pool: Pool, statement: str, state: str
) -> None:
    name = ("bulk_import_database_errors_total", state)
    before = (await read_metrics(service)).get(name, 0)
    await pool.execute(statement)
    async with Connection(service) as connection:
        await connection.send(head(service, WHOLE), FILE)
        await connection.answer()
    assert (await read_metrics(service))[name] > before


async def test_a_broken_connection_is_counted_as_an_error(service: Service, pool: Pool) -> None:
    async def work(_: Database, again: bool) -> None:
        if not again:
            raise ConnectionResetError

    name = ("bulk_import_database_errors_total", "08")
    before = (await read_metrics(service))[name]
    await with_retries(pool, work, 10)
    assert (await read_metrics(service))[name] == before + 1
