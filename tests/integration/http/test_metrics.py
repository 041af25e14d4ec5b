"""Metrics of imports that run, wait and end."""

import asyncio
import time
from importlib.metadata import version

import pytest

from service.observability.metrics import Stage
from service.projects.retention import prune
from service.storage import Connection as Database
from service.storage import Pool
from service.storage.retry import with_retries
from tests.support.metrics import BYTES, read_metrics, wait_for_metrics
from tests.support.native import native
from tests.support.raw_http import Connection, form, head, part, upload
from tests.support.running_imports import FILE, HALF, WHOLE, hold_projects, wait_for_end
from tests.support.service import Service, served
from tests.support.service import token as new_token

INTERRUPTED = ("bulk_import_imports_ended_total", "client", "interrupted")
REFUSED = "bulk_import_imports_refused_total"
ANSWER = "bulk_import_answer_seconds_sum"


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


MISSING = "ALTER TABLE import_results RENAME TO gone"
SPLIT = """
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '22000'; END $$;
    CREATE TRIGGER refuse BEFORE INSERT ON project_versions FOR EACH ROW EXECUTE FUNCTION refuse()
"""


@pytest.mark.parametrize(("statement", "state"), [(MISSING, "42"), (SPLIT, "22")])
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


@pytest.mark.settings(max_imports=2, max_imports_per_client=1)
async def test_refused_imports_are_counted_by_who_caused_that(service: Service, pool: Pool) -> None:
    await pool.execute("INSERT INTO clients (client_id, name) VALUES (2, 'Two'), (3, 'Three')")
    before = await read_metrics(service)
    token = new_token(clients=(1, 2, 3))
    async with Connection(service) as one, Connection(service) as two:
        for number, connection in enumerate((one, two), 1):
            path = f"/api/v2/clients/{number}/projects/bulk"
            await connection.send(head(service, WHOLE, path=path, token=token), FILE[:HALF])
        await wait_for_metrics(service, lambda seen: seen["bulk_import_imports_running",] == 2)
        for client, status in ((1, 429), (3, 503)):
            path = f"/api/v2/clients/{client}/projects/bulk"
            assert (await upload(service, FILE, path=path, token=token)).status == status
    await wait_for_metrics(service, lambda seen: seen["bulk_import_imports_running",] == 0)
    assert (await upload(service, b"")).status == 400
    after = await read_metrics(service)
    for cause in ("client", "service"):
        assert after[REFUSED, cause] == before[REFUSED, cause] + 1


@pytest.mark.settings(lock_timeout=0.1, retry_timeout=0.5)
async def test_an_import_that_the_database_ends_is_counted_as_the_services(
    service: Service, pool: Pool
) -> None:
    name = ("bulk_import_imports_ended_total", "service", "interrupted")
    given_up = "bulk_import_database_given_up_total"
    before = await read_metrics(service)
    async with Connection(service) as connection, pool.acquire() as conn, conn.transaction():
        await conn.execute("LOCK TABLE projects IN ACCESS EXCLUSIVE MODE")
        await connection.send(head(service, WHOLE), FILE)
        assert (await connection.answer()).status == 503
    after = await wait_for_metrics(service, lambda seen: seen[name] > before[name])
    assert after[name] == before[name] + 1
    assert sum(v for k, v in after.items() if k[0] == given_up) > 0


async def test_the_time_to_the_answer_does_not_include_the_upload(
    service: Service, pool: Pool
) -> None:
    before = await read_metrics(service)
    async with Connection(service) as connection:
        await connection.send(head(service, WHOLE), FILE[:HALF])
        await asyncio.sleep(1)
        await connection.send(FILE[HALF:])
        assert (await connection.answer()).status == 207
    after = await read_metrics(service)
    assert 0 < after[ANSWER,] - before[ANSWER,] < 0.9


async def test_limits_and_the_version_are_published(service: Service) -> None:
    metrics = await read_metrics(service)
    (labels,) = [name for name in metrics if name[0] == "bulk_import_build_info"]
    assert version("project-bulk-import") in labels
    settings = service.settings
    assert metrics["bulk_import_imports_limit",] == settings.max_imports
    assert metrics["bulk_import_connections_limit",] == settings.pool_size
    assert metrics["bulk_import_spool_limit_bytes",] == settings.spool_bytes
    assert metrics["bulk_import_upload_limit_seconds",] == settings.upload_timeout
    seen = await wait_for_metrics(
        service, lambda seen: seen["bulk_import_resident_memory_bytes",] > 0
    )
    assert seen["bulk_import_resident_memory_bytes",] > 30e6


async def test_the_time_of_the_last_pruning_is_published(service: Service, pool: Pool) -> None:
    name = ("bulk_import_last_prune_timestamp_seconds",)
    assert (await read_metrics(service))[name] > time.time() - 60
    await prune(pool, service.settings)
    began_at = await pool.fetchval("SELECT extract(epoch FROM began_at)::float8 FROM prune_state")
    async with served(service.settings, service.dsn) as other:
        await wait_for_metrics(other, lambda seen: seen[name] == pytest.approx(began_at, abs=0.001))
