"""Which requests count as faults of the service, in a ``serve`` process, whose log counts them."""

import asyncio
from functools import partial
from typing import Any, Final

import pytest

from service.settings import Settings
from service.storage import Pool
from tests.support.databases import ADD_CLIENT
from tests.support.logs import read_records, serve_with_log
from tests.support.metrics import Metrics, read_metrics, wait_for_metrics
from tests.support.raw_http import Connection, head, upload
from tests.support.running_imports import FILE, HALF, WHOLE, hold_projects, wait_for_end
from tests.support.service import Service

BULK: Final = "/api/v2/clients/{client_id}/projects/bulk"
FAULTS: Final = ("bulk_import_faults_total",)
BREAK: Final = """
    CREATE OR REPLACE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = 'XX000'; END $$;
    CREATE TRIGGER fail BEFORE INSERT ON project_versions FOR EACH ROW EXECUTE FUNCTION fail()
"""
MEND: Final = "DROP TRIGGER fail ON project_versions"


def answers(metrics: Metrics, status: int) -> float:
    """The uploads that were answered with a status."""
    return metrics.get(("bulk_import_http_answers_total", "POST", BULK, str(status)), 0)


def is_counted(before: Metrics, status: int, faults: int, after: Metrics) -> bool:
    """Whether a further upload was answered with a status, and so many faults are counted."""
    more = answers(after, status) > answers(before, status)
    return more and after[FAULTS] >= before[FAULTS] + faults


async def leave_half_way(service: Service, pool: Pool) -> None:
    """Close the connection in the middle of an upload."""
    async with Connection(service) as connection:
        await connection.send(head(service, WHOLE, "X-Request-Id: seen"), FILE[:HALF])
        await wait_for_metrics(service, lambda seen: seen["bulk_import_imports_running",] == 1)


async def fail_before_the_answer(service: Service, pool: Pool) -> None:
    """Have an import fail whose answer has not begun."""
    await pool.execute(BREAK)
    async with Connection(service) as connection:
        await connection.send(head(service, WHOLE, "X-Request-Id: seen"), FILE)
        assert (await connection.answer()).status == 500
    await pool.execute(MEND)


async def fail_after_the_begin(service: Service, pool: Pool) -> None:
    """Have an import fail whose answer has begun with 207."""
    async with Connection(service) as connection:
        async with hold_projects(pool, "P-1"):
            await connection.send(head(service, WHOLE, "X-Request-Id: seen"), FILE)
            assert b"207" in await connection.reader.readline()
            await pool.execute(BREAK)
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await connection.reader.readuntil(b'"complete":true')
    await pool.execute(MEND)


async def fail_after_202(service: Service, pool: Pool) -> None:
    """Have an import fail that was accepted before its end."""
    async with Connection(service) as connection, hold_projects(pool, "P-1"):
        prefer = "Prefer: respond-async"
        await connection.send(head(service, WHOLE, prefer, "X-Request-Id: seen"), FILE)
        assert (await connection.answer()).status == 202
        await pool.execute(BREAK)
    while await wait_for_end(service, 4) != "failed":
        pass
    await pool.execute(MEND)


async def test_each_fault_is_counted_once_and_a_client_that_leaves_is_none(
    settings: Settings, dsn: str, pool: Pool
) -> None:
    await pool.execute(ADD_CLIENT)
    events: list[tuple[Any, int, int]] = [
        (leave_half_way, 499, 0),
        (fail_before_the_answer, 500, 1),
        (fail_after_the_begin, 500, 1),
        (fail_after_202, 202, 1),
    ]
    briefly = {"status_after": 0.2, "lock_timeout": 30, "fast_path_bytes": 0}
    async with serve_with_log(settings, dsn, "json", **briefly) as (service, log):
        for event, status, faults in events:
            before, first = await read_metrics(service), len(read_records(log))
            await event(service, pool)
            seen = partial(is_counted, before, status, faults)
            after = await wait_for_metrics(service, seen)
            assert after[FAULTS] - before[FAULTS] == faults, event
            if status == 499:
                assert answers(after, 500) == answers(before, 500)
            ours = [each for each in read_records(log)[first:] if each.get("request_id") == "seen"]
            (answered,) = [each for each in ours if each["event"] == "http.answered"]
            assert answered["status"] == status
            assert len([each for each in ours if each["level"] == "error"]) == faults
        assert (await upload(service, FILE)).status == 207
