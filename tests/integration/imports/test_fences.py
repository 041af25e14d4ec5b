"""Without its lease an import writes nothing; atomic imports and others wait for each other."""

import asyncio
from urllib.parse import urlsplit

import pytest

from service.imports.lease import Lease
from service.imports.pipeline.writer import Writer
from service.storage import Pool
from service.storage.advisory_locks import client_key
from tests.support.answer import Answer
from tests.support.gate import GATE_KEY, gate
from tests.support.projects import fetch_results, project, until
from tests.support.raw_http import Connection, form, head, part
from tests.support.service import Service
from tests.support.uploads import plans, read_outcomes, send

ATOMIC = "atomic=true"
LOSE_LEASE = "UPDATE imports SET attempt = attempt + 1 WHERE state = 'running'"
WAITS_FOR_LOCK = """
SELECT count(*) > 0 FROM pg_locks
 WHERE locktype = 'advisory' AND NOT granted
   AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
P6 = b"""<APIBusinessObjects xmlns="http://xmlns.oracle.com/Primavera/P6/V8.3/API/BusinessObjects">
<Calendar><ObjectId>7</ObjectId><Name>Night</Name></Calendar>
<Project><ObjectId>1</ObjectId><Id>A</Id><Name>A</Name><GUID>{A}</GUID>
<ActivityDefaultCalendarObjectId>7</ActivityDefaultCalendarObjectId></Project>
</APIBusinessObjects>"""


async def lose_lease_before_writing(
    service: Service, pool: Pool, body: bytes, query: str = ""
) -> Answer:
    """Upload, and lose the lease while the first transaction waits for the client's lock."""
    path = f"{urlsplit(service.bulk).path}?{query}"
    start = len(body) // 3
    async with Connection(service) as connection:
        await connection.send(head(service, f"Content-Length: {len(body)}", path=path))
        await connection.send(body[:start])
        await until(pool, "SELECT count(*) > 0 FROM imports")
        async with pool.acquire() as conn, conn.transaction():
            await conn.execute("SELECT pg_advisory_xact_lock($1)", client_key(1))
            await connection.send(body[start:])
            await until(pool, WAITS_FOR_LOCK)
            await pool.execute(LOSE_LEASE)
        return await connection.answer()


async def assert_nothing_was_written(answer: Answer, pool: Pool) -> None:
    assert answer.status == 503
    assert "took it over" in answer.json["details"]
    assert not await pool.fetch("SELECT FROM import_results")
    assert not await pool.fetch("SELECT FROM projects")
    assert not await pool.fetch("SELECT FROM shared_objects")


@pytest.mark.parametrize(
    ("body", "query"),
    [
        (plans("A", "B"), ATOMIC),
        (plans("A", "A"), ATOMIC),
        (plans("A", "B"), f"{ATOMIC}&dry_run=true"),
        (form(part("file", P6)), ""),
    ],
    ids=["atomic", "outcomes of a refused atomic", "atomic dry run", "shared objects"],
)
async def test_the_first_transaction_after_the_lease_is_lost_writes_nothing(
    service: Service, pool: Pool, body: bytes, query: str
) -> None:
    answer = await lose_lease_before_writing(service, pool, body, query)
    await assert_nothing_was_written(answer, pool)


@pytest.mark.parametrize("query", ["dry_run=true", f"{ATOMIC}&dry_run=true"])
async def test_outcomes_of_a_dry_run_are_not_stored_after_the_lease_is_lost(
    service: Service, pool: Pool, query: str
) -> None:
    async with gate(pool) as entry:
        sending = asyncio.create_task(send(service, plans("A", "B"), query))
        await entry.reached()
        await pool.execute(LOSE_LEASE)
    await assert_nothing_was_written(await sending, pool)


@pytest.mark.settings(fast_path_bytes=0)
async def test_an_atomic_import_stops_looking_for_refused_projects_once_its_lease_is_lost(
    service: Service, pool: Pool
) -> None:
    await pool.execute("CREATE SEQUENCE tries")  # nextval survives the rollback
    await pool.execute("ALTER TABLE projects ADD CHECK (nextval('tries') > 0)")
    await pool.execute("ALTER TABLE tasks ADD CHECK (project_id < 0) NOT VALID")
    async with gate(pool, "projects") as entry:
        sending = asyncio.create_task(send(service, plans("A", "B"), ATOMIC))
        await entry.reached()
        await pool.execute(LOSE_LEASE)
    await assert_nothing_was_written(await sending, pool)
    assert await pool.fetchval("SELECT last_value FROM tries") == 2


@pytest.mark.parametrize(
    ("first", "second"), [(ATOMIC, ATOMIC), (ATOMIC, ""), ("", ATOMIC)], ids=str
)
@pytest.mark.settings(fast_path_bytes=0)
async def test_an_atomic_import_and_another_of_the_same_projects_run_one_after_the_other(
    service: Service, pool: Pool, first: str, second: str
) -> None:
    ids = ("A", "B", "C")
    async with gate(pool) as entry:
        creating = asyncio.create_task(send(service, plans(*ids, name="First"), first))
        await entry.reached()
        updating = asyncio.create_task(send(service, plans(*ids, name="Second"), second))
        await until(pool, f"{WAITS_FOR_LOCK} AND objid <> {GATE_KEY}")
    assert set(read_outcomes(await creating).values()) == {"created"}
    assert set(read_outcomes(await updating).values()) == {"updated"}
    names = await pool.fetch("SELECT DISTINCT version, name FROM current_projects")
    assert [tuple(row) for row in names] == [(2, "Second")]


async def test_equal_content_does_not_pass_a_lock_of_another_subject(
    pool: Pool, lease: Lease, writer: Writer
) -> None:
    await writer.write_batch([project("A")])
    await pool.execute(
        "INSERT INTO project_locks (client_id, project_id, holder, expires_at)"
        " SELECT 1, project_id, 'bob', clock_timestamp() + interval '1 hour' FROM projects"
    )
    await writer.write_batch([project("A", index=1)])
    assert [row["error"] for row in await fetch_results(pool, lease)] == [None, "LOCKING_CONFLICT"]


async def test_a_lock_that_expires_while_an_import_waits_does_not_refuse_its_project(
    pool: Pool, lease: Lease, writer: Writer
) -> None:
    await writer.write_batch([project("A")])
    async with pool.acquire() as conn, conn.transaction():
        await conn.execute("SELECT pg_advisory_xact_lock($1)", client_key(1))
        writing = asyncio.create_task(writer.write_batch([project("A", index=1, tasks=5)]))
        await until(pool, WAITS_FOR_LOCK)
        await pool.execute(  # after the start of the transaction that waits, and over by now
            "INSERT INTO project_locks (client_id, project_id, holder, expires_at)"
            " SELECT 1, project_id, 'bob', clock_timestamp() FROM projects"
        )
    await writing
    assert [row["outcome"] for row in await fetch_results(pool, lease)] == ["created", "updated"]
