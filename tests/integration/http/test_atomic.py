"""Atomic imports store all projects of a file or none."""

import asyncio
import contextlib
from pathlib import Path

import pytest

from service.imports.pipeline.atomic import AtomicWriter
from service.storage import Pool
from service.storage.advisory_locks import client_key
from tests.support.answer import Answer
from tests.support.native import native
from tests.support.projects import until
from tests.support.raw_http import Connection, form, get, head, part
from tests.support.running_imports import wait_for_end
from tests.support.service import Service
from tests.support.uploads import plans, read_outcomes, rows, send

ATOMIC = "atomic=true"
LOCK = """
INSERT INTO project_locks (client_id, project_id, holder, expires_at)
SELECT 1, project_id, 'bob', now() + interval '1 hour' FROM projects WHERE external_id = 'A'
    ON CONFLICT DO NOTHING
"""
UNLOCK = "DELETE FROM project_locks"
MANY = [f"P-{n}" for n in range(1000)]


async def test_an_atomic_import_commits_all_projects_in_one_transaction(
    service: Service, pool: Pool
) -> None:
    await send(service, plans("P-1", "P-2", name="Before"))
    await send(service, plans("P-3"))
    answer = await send(service, plans(*MANY), ATOMIC)
    assert answer.json["counts"] == {"created": 997, "updated": 2, "unchanged": 1, "failed": 0}
    assert [item["index"] for item in answer.json["details"]["successes"]] == [*range(1000)]
    written = "SELECT count(DISTINCT xmin::text) FROM import_results WHERE import_id = 3"
    assert await pool.fetchval(written) == 1
    assert await pool.fetchval("SELECT count(*) FROM current_tasks WHERE name = 't'") == 1000
    assert await pool.fetchval("SELECT state FROM imports WHERE import_id = 3") == "completed"


@pytest.mark.parametrize("place", [0, 500, 999])
async def test_one_invalid_project_fails_an_atomic_import(
    service: Service, pool: Pool, place: int
) -> None:
    await send(service, plans("P-1"))
    before = await rows(pool)
    ids = MANY.copy()
    ids[place] = "P-7" if place > 7 else "x" * 300
    answer = await send(service, plans(*ids), ATOMIC)
    assert await rows(pool) == before
    assert (answer.status, answer.json["status"]) == (207, "error")
    assert answer.json["message"] == "0 of 1000 projects imported"
    errors = answer.json["details"]["errors"]
    assert [item["index"] for item in errors] == [*range(1000)]
    culprits = {item["index"] for item in errors if item["error"] != "NOT_IMPORTED"}
    assert culprits == {place}
    assert await pool.fetchval("SELECT state FROM imports WHERE import_id = 2") == "failed"
    assert "all or nothing" in await pool.fetchval("SELECT cause FROM imports WHERE import_id = 2")


async def test_one_project_refused_by_its_mode_fails_an_atomic_import(
    service: Service, pool: Pool
) -> None:
    await send(service, plans("P-1", name="Before"))
    before = await rows(pool)
    answer = await send(service, plans("P-0", "P-1", "P-2"), f"{ATOMIC}&mode=create")
    assert await rows(pool) == before
    assert read_outcomes(answer) == {
        "P-0": "NOT_IMPORTED",
        "P-1": "ALREADY_EXISTS",
        "P-2": "NOT_IMPORTED",
    }


async def test_an_atomic_import_with_only_version_conflicts_is_a_409(
    service: Service, pool: Pool
) -> None:
    await send(service, plans("A"))
    stale = native(
        '<project id="B"><name>B</name></project>'
        '<project id="A" version="7"><name>Other</name></project>'
    )
    key = "Idempotency-Key: k"
    answer = await send(service, form(part("file", stale.encode())), ATOMIC, key)
    assert (answer.status, answer.json["details"]) == (409, "Version conflict")
    assert [e["error"] for e in answer.json["errors"]] == ["NOT_IMPORTED", "VERSION_CONFLICT"]
    assert (await send(service, plans("A"), ATOMIC, key)).status == 207


@pytest.mark.settings(batch_projects=10)
async def test_projects_that_the_database_refuses_are_identified(
    service: Service, pool: Pool
) -> None:
    await pool.execute("ALTER TABLE tasks ADD CHECK (name <> 'bad')")
    await pool.execute("ALTER TABLE projects ADD CHECK (external_id <> 'P-37')")
    bad = "<tasks><task id='T'><name>bad</name></task></tasks>"
    xml = "".join(
        f'<project id="P-{n}"><name>n</name>{bad if n == 35 else ""}</project>' for n in range(50)
    )
    answer = await send(service, form(part("file", native(xml).encode())), ATOMIC)
    outcomes = read_outcomes(answer)
    assert {k: v for k, v in outcomes.items() if v != "NOT_IMPORTED"} == {
        "P-35": "INTERNAL_ERROR",
        "P-37": "INTERNAL_ERROR",
    }
    assert len(outcomes) == 50
    assert not await pool.fetch("SELECT FROM projects")


async def test_a_truncated_file_imports_nothing(service: Service, pool: Pool) -> None:
    broken = native('<project id="A"><name>A</name></project>').replace("</projects>", "<")
    answer = await send(service, form(part("file", broken.encode())), ATOMIC)
    assert [e["error"] for e in answer.json["details"]["errors"]] == [
        "NOT_IMPORTED",
        "MALFORMED_XML",
    ]
    assert not await pool.fetch("SELECT FROM projects")


async def test_an_incomplete_atomic_upload_writes_nothing(service: Service, pool: Pool) -> None:
    body = plans(*MANY)
    async with Connection(service) as connection:
        path = f"/api/v2/clients/1/projects/bulk?{ATOMIC}"
        length = f"Content-Length: {len(body)}"
        await connection.send(head(service, length, path=path), body[:-40])
        await until(pool, "SELECT 1 FROM imports")
    assert await wait_for_end(service) == "interrupted"
    assert not await pool.fetch("SELECT FROM import_results")
    assert not await pool.fetch("SELECT FROM projects")


async def test_an_atomic_dry_run_reports_the_outcomes_of_the_import(
    service: Service, pool: Pool
) -> None:
    await send(service, plans("P-1", name="Before"))
    await send(service, plans("P-2"))
    before = await rows(pool)
    good, bad = plans("P-1", "P-2", "P-3"), plans("P-1", "P-2", "P-3", "P-1")
    for body in (good, bad):
        rehearsed = await send(service, body, f"{ATOMIC}&dry_run=true")
        assert await rows(pool) == before
        assert rehearsed.json["dry_run"] is True
        if body is bad:
            assert set(read_outcomes(rehearsed).values()) == {"NOT_IMPORTED", "DUPLICATE_PROJECT"}
    rehearsed = await send(service, good, f"{ATOMIC}&dry_run=true")
    real = await send(service, good, ATOMIC)
    assert (
        read_outcomes(rehearsed)
        == read_outcomes(real)
        == {"P-1": "updated", "P-2": "unchanged", "P-3": "created"}
    )


async def test_shared_objects_are_stored_only_if_the_atomic_import_succeeds(
    service: Service, pool: Pool
) -> None:
    def portfolio(*ids: str) -> bytes:
        projects = "".join(
            f"<Project><ObjectId>{n}</ObjectId><Id>{i}</Id><Name>{i}</Name><GUID>{{{i}}}</GUID>"
            "<ActivityDefaultCalendarObjectId>7</ActivityDefaultCalendarObjectId></Project>"
            for n, i in enumerate(ids, 1)
        )
        space = "http://xmlns.oracle.com/Primavera/P6/V8.3/API/BusinessObjects"
        calendar = "<Calendar><ObjectId>7</ObjectId><Name>Night</Name></Calendar>"
        xml = f'<APIBusinessObjects xmlns="{space}">{calendar}{projects}</APIBusinessObjects>'
        return form(part("file", xml.encode()))

    await send(service, portfolio("A", "B", "A"), ATOMIC)
    assert not await pool.fetch("SELECT FROM shared_objects")
    assert (await send(service, portfolio("A", "B"), ATOMIC)).json["counts"]["created"] == 2
    assert len(await pool.fetch("SELECT FROM shared_objects")) == 1


@pytest.mark.settings(import_spool_bytes=100_000)
async def test_an_atomic_import_larger_than_its_working_files_is_a_413(
    service: Service, pool: Pool
) -> None:
    answer = await send(service, plans(*MANY), ATOMIC)
    assert answer.status == 413
    assert await pool.fetchval("SELECT state FROM imports") == "failed"
    assert (await send(service, plans(*MANY))).json["counts"]["created"] == 1000


async def test_working_files_are_closed_after_every_import(service: Service) -> None:
    def open_files() -> int:
        found = 0
        for descriptor in Path("/proc/self/fd").iterdir():
            with contextlib.suppress(OSError):
                found += str(descriptor.readlink()).endswith(" (deleted)")
        return found

    before = open_files()
    for body in (plans(*MANY), plans("A", "A"), form(part("file", b"<nothing/>"))):
        await send(service, body, ATOMIC)
        assert open_files() == before


async def test_an_atomic_import_proceeds_beside_other_imports(service: Service, pool: Pool) -> None:
    async def keep_writing(number: int) -> None:
        for turn in range(15):
            await send(service, plans(*MANY[:100], name=f"{number} {turn}"))

    others = [asyncio.create_task(keep_writing(n)) for n in range(4)]
    await until(pool, "SELECT count(*) > 4 FROM imports")
    answer = await send(service, plans("mine"), ATOMIC)
    assert read_outcomes(answer) == {"mine": "created"}
    assert not all(task.done() for task in others)
    await asyncio.gather(*others)


@pytest.mark.settings(lock_timeout=0.3)
async def test_an_import_that_waits_too_long_for_an_atomic_one_is_a_503(
    service: Service, pool: Pool
) -> None:
    async with pool.acquire() as conn, conn.transaction():
        await conn.execute("SELECT pg_advisory_xact_lock($1)", client_key(1))
        waiting = await send(service, plans("A"))
    assert waiting.status == 503
    assert int(waiting.headers["retry-after"]) > 0
    assert (await send(service, plans("A"))).status == 207


async def test_the_import_resource_shows_the_end_of_an_atomic_import(
    service: Service, pool: Pool
) -> None:
    answer: Answer = await send(service, plans(*MANY), ATOMIC)
    found = await get(service, answer.headers["location"])
    details = found.json["details"]
    assert (details["state"], details["counts"]["created"]) == ("completed", 1000)
    assert details["options"]["atomic"] is True


@pytest.mark.parametrize(
    ("query", "before", "change", "outcomes"),
    [
        (ATOMIC, LOCK, UNLOCK, {"A": "updated", "B": "updated"}),
        (f"{ATOMIC}&dry_run=true", UNLOCK, LOCK, {"A": "LOCKING_CONFLICT", "B": "NOT_IMPORTED"}),
    ],
    ids=["released", "taken"],
)
async def test_a_lock_that_changes_before_the_outcomes_are_stored_changes_the_result(
    service: Service,
    pool: Pool,
    monkeypatch: pytest.MonkeyPatch,
    query: str,
    before: str,
    change: str,
    outcomes: dict[str, str],
) -> None:
    await send(service, plans("A", "B"))
    await pool.execute(before)
    store_outcomes = AtomicWriter._store_outcomes

    async def change_first(writer: AtomicWriter, accepted: bool) -> bool:
        await pool.execute(change)
        return await store_outcomes(writer, accepted)

    monkeypatch.setattr(AtomicWriter, "_store_outcomes", change_first)
    answer = await send(service, plans("A", "B", name="Changed"), query)
    if answer.status == 207:
        assert read_outcomes(answer) == outcomes
    else:  # all projects are refused because of one lock
        assert {item["external_id"]: item["error"] for item in answer.json["errors"]} == outcomes
