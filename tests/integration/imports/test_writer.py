"""Writing a batch: outcomes, refusals, locked projects, lost leases and database errors."""

import asyncio
import time
from types import SimpleNamespace

import pytest

from service.codes import ErrorCode
from service.imports.lease import Lease, LeaseLost
from service.imports.pipeline import transaction
from service.imports.pipeline.batch import BatchItem
from service.imports.pipeline.fair_scheduler import FairScheduler
from service.imports.pipeline.writer import Writer
from service.model import Refusal
from service.storage import Connection, Pool
from service.storage.advisory_locks import project_key
from tests.support.projects import CLIENT, begun, fetch_results, project, until


async def test_a_new_project_is_created_with_its_records(
    pool: Pool, lease: Lease, writer: Writer
) -> None:
    await writer.write_batch([project("A", tasks=3)])

    (result,) = await fetch_results(pool, lease)
    assert (result["outcome"], result["version"], result["tasks"]) == ("created", 1, 3)
    tasks = await pool.fetch("SELECT task_id, project_id FROM current_tasks ORDER BY ordinal")
    assert [task["task_id"] for task in tasks] == ["T0", "T1", "T2"]
    assert {task["project_id"] for task in tasks} == {result["project_id"]}
    assert await pool.fetchval("SELECT count(*) FROM current_dependencies") == 2


async def test_a_batch_is_written_after_a_migration_changed_the_columns_of_its_statements(
    pool: Pool, lease: Lease, writer: Writer
) -> None:
    await writer.write_batch([project("A")])
    await pool.execute("DROP SCHEMA report CASCADE")
    for view in await pool.fetch("SELECT viewname FROM pg_views WHERE schemaname = 'public'"):
        await pool.execute(f"DROP VIEW IF EXISTS {view['viewname']} CASCADE")
    await pool.execute('ALTER TABLE projects ALTER COLUMN external_id TYPE text COLLATE "POSIX"')
    await writer.write_batch([project("B", index=1)])
    assert [row["outcome"] for row in await fetch_results(pool, lease)] == ["created"] * 2


async def test_a_batch_of_shared_objects_alone_writes_no_outcome(
    pool: Pool, lease: Lease, writer: Writer
) -> None:
    await writer.write_batch([])
    assert not await fetch_results(pool, lease)


async def test_equal_content_is_unchanged_and_writes_nothing(
    pool: Pool, lease: Lease, writer: Writer
) -> None:
    await writer.write_batch([project("A")])
    await writer.write_batch([project("A", index=1)])

    assert [row["outcome"] for row in await fetch_results(pool, lease)] == ["created", "unchanged"]
    assert await pool.fetchval("SELECT count(*) FROM project_versions") == 1


async def test_changed_content_adds_a_new_version(pool: Pool, lease: Lease, writer: Writer) -> None:
    await writer.write_batch([project("A", tasks=2)])
    await writer.write_batch([project("A", index=1, tasks=5)])

    assert [row["version"] for row in await fetch_results(pool, lease)] == [1, 2]
    assert await pool.fetchval("SELECT count(*) FROM current_tasks") == 5
    assert await pool.fetchval("SELECT count(*) FROM tasks") == 7


async def test_equal_content_revives_an_archived_project(
    pool: Pool, lease: Lease, writer: Writer
) -> None:
    await writer.write_batch([project("A")])
    await pool.execute("UPDATE projects SET archived_at = now()")
    await writer.write_batch([project("A", index=1)])

    assert [row["outcome"] for row in await fetch_results(pool, lease)] == ["created", "updated"]
    assert await pool.fetchval("SELECT archived_at FROM projects") is None


async def test_a_project_from_another_format_gets_a_warning(
    pool: Pool, lease: Lease, writer: Writer
) -> None:
    await writer.write_batch([project("A")])
    await writer.write_batch([project("A", index=1, source="p6")])

    first = (await fetch_results(pool, lease))[1]["warnings"]["first"]
    assert [(notice["code"], notice["value"]) for notice in first] == [
        ("DIALECT_CHANGED", "native")
    ]


@pytest.mark.parametrize(("there", "read_at", "current"), [(True, 7, 1), (False, 1, None)])
async def test_a_version_other_than_the_current_one_is_a_conflict(
    pool: Pool, lease: Lease, writer: Writer, there: bool, read_at: int, current: int | None
) -> None:
    if there:
        await writer.write_batch([project("A")])
    await writer.write_batch([project("A", index=1, tasks=9, read_at=read_at)])

    result = (await fetch_results(pool, lease))[-1]
    assert result["error"] == ErrorCode.VERSION_CONFLICT
    assert result["extra"] == {"expected_version": read_at, "current_version": current}


async def test_the_current_version_is_replaced(pool: Pool, lease: Lease, writer: Writer) -> None:
    await writer.write_batch([project("A")])
    await writer.write_batch([project("A", index=1, tasks=9, read_at=1)])

    assert (await fetch_results(pool, lease))[1]["outcome"] == "updated"


@pytest.mark.parametrize(
    ("holder", "expires", "outcome"),
    [("bob", "1 hour", "failed"), ("tester", "1 hour", "updated"), ("bob", "-1 s", "updated")],
)
async def test_a_lock_of_another_subject_refuses_the_project_until_it_expires(
    pool: Pool, lease: Lease, writer: Writer, holder: str, expires: str, outcome: str
) -> None:
    await writer.write_batch([project("A")])
    await pool.execute(
        "INSERT INTO project_locks (client_id, project_id, holder, expires_at)"
        " SELECT 1, project_id, $1, clock_timestamp() + $2::text::interval FROM projects",
        holder,
        expires,
    )
    await writer.write_batch([project("A", index=1, tasks=5)])

    result = (await fetch_results(pool, lease))[1]
    assert result["outcome"] == outcome
    if outcome == "failed":
        assert result["error"] == ErrorCode.LOCKING_CONFLICT
        assert result["extra"]["locked_by"] == "bob"


async def test_a_project_that_the_database_refuses_fails_alone(
    pool: Pool, lease: Lease, writer: Writer
) -> None:
    bad = {3, 4, 17}
    batch = [
        project(f"P{n}", index=n, percent="not a number" if n in bad else "5") for n in range(20)
    ]
    await writer.write_batch(batch)

    outcomes = await fetch_results(pool, lease)
    assert {row["index"] for row in outcomes if row["outcome"] == "failed"} == bad
    assert {row["error"] for row in outcomes if row["index"] in bad} == {"VALIDATION_ERROR"}
    assert await pool.fetchval("SELECT count(*) FROM projects") == 17
    assert await pool.fetchval("SELECT count(*) FROM tasks") == 34


async def test_a_database_error_without_a_row_is_located_by_bisection(
    pool: Pool, lease: Lease, writer: Writer
) -> None:
    await pool.execute(
        """
        CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF EXISTS (SELECT FROM added WHERE external_id = 'P5') THEN
                RAISE EXCEPTION 'no' USING ERRCODE = '23000';
            END IF;
            RETURN NULL;
        END $$;
        CREATE TRIGGER refuse AFTER INSERT ON projects REFERENCING NEW TABLE AS added
            FOR EACH STATEMENT EXECUTE FUNCTION refuse();
        """
    )
    await writer.write_batch([project(f"P{n}", index=n) for n in range(9)])

    outcomes = await fetch_results(pool, lease)
    assert [row["index"] for row in outcomes if row["outcome"] == "failed"] == [5]
    assert outcomes[5]["error"] == ErrorCode.INTERNAL_ERROR
    assert await pool.fetchval("SELECT count(*) FROM projects") == 8


async def test_a_locked_project_does_not_delay_its_batch_and_is_imported_once_free(
    pool: Pool, lease: Lease, other: Connection
) -> None:
    writer = Writer(pool, FairScheduler(8).queue(CLIENT), lease, lock_timeout=30, retry_timeout=5)
    await other.execute("SELECT pg_advisory_xact_lock($1)", project_key(CLIENT, "B"))
    landing = asyncio.create_task(
        writer.write_batch([project(name, index=n) for n, name in enumerate("ABC")])
    )
    await until(pool, "SELECT count(*) = 2 FROM import_results")
    assert [row["external_id"] for row in await fetch_results(pool, lease)] == ["A", "C"]

    await other.execute("ROLLBACK")
    await landing
    assert [row["outcome"] for row in await fetch_results(pool, lease)] == ["created"] * 3


async def test_a_project_locked_past_its_deadline_fails_and_names_the_blocking_import(
    pool: Pool, lease: Lease, writer: Writer, other: Connection
) -> None:
    rival = await begun(pool)
    await other.execute("ROLLBACK")
    async with transaction.lease_transaction(other, rival):
        await other.execute("SELECT pg_advisory_xact_lock($1)", project_key(CLIENT, "B"))
        await writer.write_batch([project("B")])

    (result,) = await fetch_results(pool, lease)
    assert result["error"] == ErrorCode.LOCKING_CONFLICT
    assert result["extra"] == {"import_id": rival.import_id}
    assert await pool.fetchval("SELECT count(*) FROM projects") == 0


async def test_waiting_for_a_slot_does_not_count_towards_the_deadline_of_a_project(
    pool: Pool, lease: Lease, other: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns = FairScheduler(1)
    neighbour = turns.queue(CLIENT + 1)
    ahead = 0
    clock = SimpleNamespace(monotonic=lambda: time.monotonic() + ahead)
    monkeypatch.setattr("service.imports.pipeline.writer.time", clock)
    writer = Writer(pool, turns.queue(CLIENT), lease, lock_timeout=60, retry_timeout=5)
    await other.execute("SELECT pg_advisory_xact_lock($1)", project_key(CLIENT, "B"))
    landing = asyncio.create_task(
        writer.write_batch([project(name, n) for n, name in enumerate("AB")])
    )
    await until(pool, "SELECT count(*) = 1 FROM import_results")
    async with neighbour.slot():
        async with asyncio.timeout(30):
            while not turns._waiting:  # noqa: ASYNC110
                await asyncio.sleep(0)
        ahead = 100
    async with neighbour.slot():  # after the next try, which found the lock held
        await other.execute("ROLLBACK")
    await landing

    assert [row["outcome"] for row in await fetch_results(pool, lease)] == ["created"] * 2


@pytest.mark.parametrize(
    "change",
    [
        "imports SET attempt = 2",
        "imports SET state = 'interrupted'",
        "import_progress SET nonce = ''",
    ],
)
async def test_an_import_that_lost_its_lease_writes_nothing(
    pool: Pool, lease: Lease, writer: Writer, change: str
) -> None:
    await pool.execute(f"UPDATE {change}")

    with pytest.raises(LeaseLost):
        await writer.write_batch([project("A")])
    assert await pool.fetchval("SELECT count(*) FROM projects") == 0


async def test_a_batch_whose_commit_got_no_response_is_not_written_twice(
    pool: Pool, lease: Lease
) -> None:
    batch: list[BatchItem] = [
        project("A"),
        Refusal(1, 5, "B", None, ErrorCode.VALIDATION_ERROR, "bad"),
    ]
    async with pool.acquire() as conn:
        await transaction.write_batch(conn, lease, batch, 1, False)
        await transaction.write_batch(conn, lease, batch, 1, True)

    assert [row["outcome"] for row in await fetch_results(pool, lease)] == ["created", "failed"]
    assert await pool.fetchval("SELECT version FROM projects") == 1


async def test_batches_in_opposite_order_neither_deadlock_nor_lose_a_version(
    pool: Pool, lease: Lease
) -> None:
    names = [f"P{n}" for n in range(60)]
    writer = Writer(pool, FairScheduler(8).queue(CLIENT), lease, lock_timeout=30, retry_timeout=5)

    async def write(order: list[str], first: int, tasks: int) -> None:
        for at in range(0, 60, 10):
            chunk = order[at : at + 10]
            await writer.write_batch(
                [project(name, first + at + n, tasks=tasks) for n, name in enumerate(chunk)]
            )

    await asyncio.gather(write(names, 0, 3), write(names[::-1], 1000, 4), write(names, 2000, 5))

    versions = await pool.fetch("SELECT version, count(*) AS n FROM projects GROUP BY version")
    assert [(row["version"], row["n"]) for row in versions] == [(3, 60)]
    told = await pool.fetch(
        "SELECT external_id, array_agg(version ORDER BY version) AS versions"
        " FROM import_results GROUP BY external_id"
    )
    assert {tuple(row["versions"]) for row in told} == {(1, 2, 3)}
