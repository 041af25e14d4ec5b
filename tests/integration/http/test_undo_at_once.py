"""An undo excludes its import, and other undos of it, while it runs."""

import asyncio
from dataclasses import replace

import pytest

from service.imports.key_conflict import ImportInProgress
from service.imports.options import ImportOptions
from service.imports.record import ImportRequest, begin_import, take_over_import
from service.storage import Pool
from service.storage.advisory_locks import client_key, import_key
from tests.support.projects import CLIENT, REQUEST, begun, finish, until
from tests.support.running_imports import hold_projects
from tests.support.service import Service
from tests.support.uploads import plans, read_outcomes, send, undo

KEY = "Idempotency-Key: first"


def undo_of(import_id: int) -> ImportRequest:
    return ImportRequest(CLIENT, "boss", "request-2", options=ImportOptions(undo=import_id))


async def begin(pool: Pool, request: ImportRequest) -> int | None:
    async with pool.acquire() as conn:
        return await begin_import(conn, request, 10)


async def take_over(pool: Pool, import_id: int, request: ImportRequest = REQUEST) -> int | None:
    async with pool.acquire() as conn:
        return await take_over_import(conn, request, import_id, 1, 10)


async def undo_half(service: Service, pool: Pool) -> int:
    """Undo an import of A and B under a key; interrupt the undo once it has restored A.

    Returns:
        The status of the undo's response.
    """
    await send(service, plans("A", "B"))
    async with hold_projects(pool, "B"):
        undoing = asyncio.create_task(undo(service, 1, KEY))
        await until(pool, "SELECT count(*) = 1 FROM import_results WHERE import_id = 2")
        await interrupt(pool, 2)
    return (await undoing).status


async def interrupt(pool: Pool, import_id: int) -> None:
    await pool.execute("UPDATE imports SET state = 'interrupted' WHERE import_id = $1", import_id)


async def test_a_second_undo_is_refused_while_the_first_runs(service: Service, pool: Pool) -> None:
    await send(service, plans("A"))
    async with hold_projects(pool, "A"):
        first = asyncio.create_task(undo(service, 1))
        await until(pool, "SELECT count(*) = 2 FROM imports")
        second = await undo(service, 1)
        assert (second.status, second.json["details"]) == (409, "Import in progress")
        assert second.json["import_id"] == 2
        assert second.headers["location"] == "/api/v2/clients/1/imports/2"
        assert int(second.headers["retry-after"]) > 0
    assert read_outcomes(await first) == {"A": "updated"}
    assert await pool.fetchval("SELECT count(*) FROM imports") == 2


async def test_an_upload_does_not_resume_an_import_that_is_being_undone(
    service: Service, pool: Pool
) -> None:
    await send(service, plans("A"), "", KEY)
    await interrupt(pool, 1)
    async with hold_projects(pool, "A"):
        undoing = asyncio.create_task(undo(service, 1))
        await until(pool, "SELECT count(*) = 2 FROM imports")
        resumed = await send(service, plans("A"), "", KEY)
        assert (resumed.status, resumed.json["details"]) == (409, "Import in progress")
        assert (resumed.json["import_id"], int(resumed.headers["retry-after"]) > 0) == (2, True)
    assert read_outcomes(await undoing) == {"A": "updated"}
    assert read_outcomes(await send(service, plans("A"), "", KEY)) == {"A": "updated"}
    assert await pool.fetchval("SELECT attempt FROM imports WHERE import_id = 1") == 2


async def test_an_undo_does_not_begin_after_its_import_was_resumed(
    service: Service, pool: Pool
) -> None:
    """The undo has read its import as ended, and waits for the client's lock meanwhile."""
    await send(service, plans("A"), "", KEY)
    await interrupt(pool, 1)
    async with pool.acquire() as conn, conn.transaction():
        await conn.execute("SELECT pg_advisory_xact_lock($1)", import_key(1, 1))
        undoing = asyncio.create_task(undo(service, 1))
        await until(pool, "SELECT count(*) = 1 FROM pg_locks WHERE NOT granted")
        await conn.execute("UPDATE imports SET state = 'running', attempt = 2")
    answer = await undoing
    assert (answer.status, answer.json["details"]) == (409, "Import in progress")
    assert answer.json["import_id"] == 1


async def test_of_two_undos_that_begin_at_once_one_runs(service: Service, pool: Pool) -> None:
    await send(service, plans("A"))
    async with hold_projects(pool, "A"):
        async with pool.acquire() as conn, conn.transaction():
            await conn.execute("SELECT pg_advisory_xact_lock($1)", client_key(1))
            undos = [asyncio.create_task(undo(service, 1)) for _ in range(2)]
            await until(pool, "SELECT count(*) = 2 FROM pg_locks WHERE NOT granted")
        await until(pool, "SELECT count(*) = 2 FROM imports")
        done, running = await asyncio.wait(undos, return_when=asyncio.FIRST_COMPLETED)
        assert [task.result().status for task in done] == [409]
    assert [(await task).status for task in running] == [207]
    assert await pool.fetchval("SELECT count(*) FROM imports") == 2


@pytest.mark.parametrize("rival", ["import", "undo"])
async def test_an_interrupted_undo_is_not_resumed_beside_its_import_or_another_undo(
    service: Service, pool: Pool, rival: str
) -> None:
    lease = await begun(pool)
    await finish(pool, lease)
    undone = replace(undo_of(lease.import_id), key="first")
    first = await begin(pool, undone)
    assert first is not None
    await interrupt(pool, first)
    if rival == "undo":
        running = await begin(pool, replace(undone, nonce=b"other", key="other"))
    else:
        await pool.execute("UPDATE imports SET state = 'running' WHERE import_id = 1")
        running = lease.import_id
    with pytest.raises(ImportInProgress) as refused:
        await take_over(pool, first, replace(undone, nonce=b"again"))
    assert refused.value.import_id == running
    await pool.execute("UPDATE imports SET state = 'completed' WHERE state = 'running'")
    assert await take_over(pool, first, replace(undone, nonce=b"again")) == 2


async def test_an_undo_that_lost_its_lease_restores_nothing_more(
    service: Service, pool: Pool
) -> None:
    assert await undo_half(service, pool) == 503
    versions = await pool.fetch("SELECT external_id, version FROM projects ORDER BY 1")
    assert [tuple(row) for row in versions] == [("A", 2), ("B", 1)]


async def test_a_continued_undo_finds_the_projects_that_it_restored_unchanged(
    service: Service, pool: Pool
) -> None:
    await undo_half(service, pool)
    answer = await undo(service, 1, KEY)
    assert read_outcomes(answer) == {"A": "unchanged", "B": "updated"}
    assert answer.json["import_id"] == 2
    assert answer.json["message"] == "2 of 2 projects restored"
    assert {item["tasks"] for item in answer.json["details"]["successes"]} == {1}
    assert await pool.fetchval("SELECT count(*) FROM projects WHERE archived_at IS NULL") == 0
    assert read_outcomes(await undo(service, 2)) == {"A": "updated", "B": "updated"}
    assert await pool.fetchval("SELECT count(*) FROM projects WHERE archived_at IS NULL") == 2
