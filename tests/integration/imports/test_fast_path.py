"""Small uploads: one transaction for each group, and the same result as the long way."""

import asyncio
import gzip
import resource
import threading
import time
from typing import Any, Final

import pytest

from service.formats.parser_set import ParserCache
from service.imports.fast_path import group_commit, importer, small_file
from service.imports.fast_path.small_file import NotSmall, parse_small_file
from service.imports.pipeline.pipe import FilePart
from service.settings import Settings
from service.spool.spool import Spool
from service.storage import Pool
from service.storage.advisory_locks import client_key, project_key
from service.tables import Table
from tests.support.answer import Answer
from tests.support.faults.proxy import OWN_COMMIT, Fault, proxied
from tests.support.gate import gate
from tests.support.metrics import Metrics, read_metrics, wait_for_metrics
from tests.support.native import native_file, native_project
from tests.support.paths import CHECKOUT
from tests.support.projects import until
from tests.support.raw_http import Connection, form, get, head, part, upload
from tests.support.running_imports import wait_for_begin, wait_for_end
from tests.support.service import Service, served, token
from tests.support.uploads import plans, read_outcomes, send

KEY: Final = "Idempotency-Key: k"
LOCAL: Final = {"import_id", "project_id", "created_at", "client_id"}
"""Columns that differ between two imports of the same file."""
WRITERS: Final = "SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint"

SMALL: Final = "bulk_import_small_uploads_total"
IMPORTS: Final = """
    SELECT attempt, state, subject, idempotency_key, options, notes, filename, dialect, bytes_read,
           warnings, cause, counts, fingerprint
      FROM imports
     WHERE client_id = $1
     ORDER BY import_id
"""
REFUSE: Final = """
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'no %', NEW.name USING ERRCODE = '22000'; END $$;
    CREATE TRIGGER refuse BEFORE INSERT ON project_versions FOR EACH ROW
        WHEN (NEW.name = 'bad') EXECUTE FUNCTION refuse()
"""

AWKWARD: Final = native_file(
    native_project("A\\N", "\\N", r"<description>\t\N \\N \\\n</description>"),
    native_project("B", "tab&#9;newline&#10;return&#13;backslash\\", "<code>\\</code>"),
    native_project("Ü", "“quotes”", '<tasks><task id="1"><name>\\N</name></task></tasks>'),
    "<project id='bad'><name>Bad</name><tasks><task/></tasks></project>",
    native_project("B", "again"),
)
FILES: Final = {
    "awkward": AWKWARD,
    **{
        path.name: path.read_bytes()
        for folder in ("samples", "tests/data/p6", "tests/data/mspdi", "tests/data/xer")
        for path in sorted((CHECKOUT / folder).rglob("*.x[me][lr]"))
        if path.stat().st_size < 200_000
    },
}


class Taken:
    """Counts the uploads of a service by the way that they take, from its creation on."""

    def __init__(self, service: Service, before: Metrics) -> None:
        self._service = service
        self._before = before

    async def __call__(self) -> tuple[float, float]:
        """Return how many took the fast path and the long way."""
        now = await read_metrics(self._service)
        fast, long = (now[SMALL, way] - self._before[SMALL, way] for way in ("fast", "long"))
        return fast, long


@pytest.fixture
async def taken(service: Service) -> Taken:
    return Taken(service, await read_metrics(service))


async def until_waiting(service: Service, imports: int) -> None:
    """Wait until so many imports are running."""
    await wait_for_metrics(service, lambda seen: seen["bulk_import_imports_running",] == imports)


async def content(pool: Pool, client: int) -> dict[str, list[Any]]:
    """All that the imports of a client stored, without what differs between two imports."""
    found = {}
    for table in ("projects", "project_versions", *Table, "shared_objects", "import_results"):
        rows = await pool.fetch(f"SELECT * FROM {table} WHERE client_id = $1", client)
        kept = [{key: row[key] for key in row if key not in LOCAL} for row in map(dict, rows)]
        found[table] = sorted(kept, key=repr)
    return found


def without_ids(answer: Answer) -> dict[str, Any]:
    body: dict[str, Any] = answer.json
    for item in body["details"]["successes"]:
        item["project_id"] = None
    return body | {"import_id": None}


async def send_as(service: Service, client: int, body: bytes, key: str) -> Answer:
    path = f"/api/v2/clients/{client}/projects/bulk"
    return await upload(service, body, key, path=path, token=token(clients=(client,)))


@pytest.mark.parametrize("name", FILES)
async def test_a_small_upload_stores_and_answers_what_the_long_way_does(
    service: Service,
    settings: Settings,
    pool: Pool,
    name: str,
    taken: Taken,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(small_file, "MAX_CPU", 1)  # however slow the machine is
    await pool.execute("INSERT INTO clients (client_id, name) VALUES (2, 'two')")
    body = form(part("file", FILES[name], filename="plan.xml"), part("notes", b"n\\otes"))
    slow_settings = settings.model_copy(update={"fast_path_bytes": 0})
    async with served(slow_settings, service.dsn) as slow:
        for key in ("Idempotency-Key: 1", "Idempotency-Key: 2"):  # created, then unchanged
            fast = await send_as(service, 1, body, key)
            long = await send_as(slow, 2, body, key)
            assert (fast.status, without_ids(fast)) == (long.status, without_ids(long))
            assert await content(pool, 1) == await content(pool, 2)
    assert await taken() == (2, 0)
    one, two = [await pool.fetch(IMPORTS, client) for client in (1, 2)]
    assert one == two


async def test_an_upload_of_one_project_is_one_transaction_without_a_thread(
    service: Service, pool: Pool
) -> None:
    before = await pool.fetchval(WRITERS)
    threads = threading.active_count()
    assert (await send(service, plans("A"))).status == 207
    assert await pool.fetchval(WRITERS) == before + 1
    assert threading.active_count() == threads


async def test_uploads_that_wait_for_the_database_are_written_together(
    service: Service, pool: Pool, taken: Taken
) -> None:
    async with gate(pool, "imports") as closed:
        first = [asyncio.create_task(send(service, plans(f"A{n}"))) for n in range(2)]
        await closed.reached()
        rest = [asyncio.create_task(send(service, plans(f"B{n}"))) for n in range(5)]
        await until_waiting(service, 7)
    answers = await asyncio.gather(*first, *rest)
    assert [answer.status for answer in answers] == [207] * 7
    assert {*(answer.json["import_id"] for answer in answers)} == {*range(1, 8)}
    assert await taken() == (7, 0)
    assert await pool.fetchval("SELECT count(DISTINCT xmin::text) FROM imports") < 7


async def test_a_project_that_the_database_refuses_harms_no_other_upload(
    service: Service, pool: Pool
) -> None:
    await pool.execute(REFUSE)
    names = ("good", "bad", "fine")
    sending = [send(service, plans(name, name=name)) for name in names]
    answers = await asyncio.gather(*sending)
    assert [read_outcomes(answer) for answer in answers] == [
        {"good": "created"},
        {"bad": "VALIDATION_ERROR"},
        {"fine": "created"},
    ]


@pytest.mark.parametrize("held", ["project", "client"])
async def test_an_upload_waits_for_a_lock_on_the_long_way(
    service: Service, pool: Pool, taken: Taken, held: str
) -> None:
    key = client_key(1) if held == "client" else project_key(1, "A")
    async with pool.acquire() as conn:
        async with conn.transaction():
            await conn.execute("SELECT pg_advisory_xact_lock($1)", key)
            sending = asyncio.create_task(send(service, plans("A")))
            while await taken() != (0, 1):
                pass
            assert not sending.done()
        assert read_outcomes(await sending) == {"A": "created"}


async def test_two_uploads_at_once_with_one_key_are_imported_once(
    service: Service, pool: Pool
) -> None:
    answers = await asyncio.gather(*(send(service, plans("A"), "", KEY) for _ in range(6)))
    assert {answer.status for answer in answers} <= {207, 409}
    assert await pool.fetchval("SELECT count(*) FROM imports") == 1
    again = await send(service, plans("A"), "", KEY)
    assert (again.status, again.json["import_id"], read_outcomes(again)) == (
        207,
        1,
        {"A": "created"},
    )
    assert (await send(service, plans("B"), "", KEY)).status == 422


async def test_uploads_of_one_project_at_once_become_versions_of_it(
    service: Service, pool: Pool
) -> None:
    sending = [send(service, plans("A", name=f"Name {n}")) for n in range(6)]
    answers = await asyncio.gather(*sending)
    versions = [answer.json["details"]["successes"][0]["version"] for answer in answers]
    assert sorted(versions) == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("fault", [Fault.LOSE_COMMIT, Fault.ABANDON, Fault.CUT])
async def test_an_upload_whose_commit_is_not_confirmed_is_imported_once(
    settings: Settings, service: Service, pool: Pool, fault: Fault, taken: Taken
) -> None:
    async with proxied(service.dsn) as proxy, served(settings, proxy.dsn) as other:
        strike = proxy.strike(fault, OWN_COMMIT)
        answer = await send(other, plans("A"))
        assert strike.struck.is_set()
        assert (answer.status, read_outcomes(answer)) == (207, {"A": "created"})
        stored = fault is not Fault.CUT
        assert await taken() == ((1, 0) if stored else (0, 1))
    assert await pool.fetchval("SELECT count(*) FROM imports") == 1
    assert await pool.fetchval("SELECT count(*) FROM project_versions") == 1


@pytest.mark.settings(lock_timeout=0.2)
async def test_an_upload_whose_commit_stalls_is_found_under_its_key(
    service: Service, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group_commit, "TIMEOUT", 0.5)
    monkeypatch.setattr(importer, "TIMEOUT", 0.5)
    async with gate(pool, "imports", at_commit=True):
        async with asyncio.timeout(10):
            answer = await send(service, plans("A"), "", KEY)
        assert answer.status == 503
        assert answer.headers["retry-after"]
    await until(pool, "SELECT count(*) = 1 FROM imports")
    again = await send(service, plans("A"), "", KEY)
    assert (again.status, again.json["import_id"]) == (207, 1)
    assert await pool.fetchval("SELECT count(*) FROM project_versions") == 1


async def test_an_upload_is_refused_once_its_client_is_disabled(
    service: Service, pool: Pool
) -> None:
    async with Connection(service) as connection:
        body = plans("A")
        await connection.send(head(service, f"Content-Length: {len(body)}"), body[:-9])
        await until_waiting(service, 1)
        await pool.execute("UPDATE clients SET disabled_at = now() WHERE client_id = 1")
        await connection.send(body[-9:])
        assert (await connection.answer()).status == 403
    assert (await send(service, plans("A"))).status == 403
    assert await pool.fetchval("SELECT count(*) FROM projects") == 0


@pytest.mark.parametrize("begun", ["interrupted", "completed"])
async def test_a_key_does_not_continue_an_import_of_a_disabled_client(
    service: Service, pool: Pool, begun: str
) -> None:
    body = plans("A")
    if begun == "completed":
        assert (await send(service, body, "", KEY)).status == 207
    else:
        async with Connection(service) as connection:
            await connection.send(head(service, f"Content-Length: {len(body)}", KEY), body[:-9])
            await wait_for_begin(service)
        assert await wait_for_end(service) == "interrupted"
        assert (await send(service, plans("Z"))).status == 207
    await pool.execute("UPDATE clients SET disabled_at = now() WHERE client_id = 1")
    assert (await send(service, body, "", KEY)).status == 403


@pytest.mark.settings(pool_size=4)
async def test_reads_are_answered_while_commits_stall(service: Service, pool: Pool) -> None:
    many = form(part("file", native_file(*(native_project(f"L{n}") for n in range(300)))))
    async with gate(pool, "projects", at_commit=True) as closed:
        sending = [asyncio.create_task(send(service, many))]
        await closed.reached()
        sending += [asyncio.create_task(send(service, plans(name))) for name in ("A", "B")]
        await until_waiting(service, 3)
        async with asyncio.timeout(5):
            assert (await get(service, "/api/v2/clients/1/imports")).status == 200
    assert {(await each).status for each in sending} == {207}


async def test_a_record_with_many_references_holds_the_event_loop_for_a_moment(
    settings: Settings,
) -> None:
    links = "<PredecessorLink/>" * 13_000
    task = f"<Tasks><Task><UID>1</UID><Name>t</Name>{links}</Task></Tasks>"
    plan = f"<Project xmlns='http://schemas.microsoft.com/project'><Name>p</Name>{task}</Project>"
    started = time.thread_time()
    with pytest.raises(NotSmall):
        parse_small_file(
            FilePart(),
            [plan.encode()],
            digest=False,
            parsers=ParserCache(),
            spool=Spool(),
            settings=settings,
        )
    assert time.thread_time() - started < 0.1, "without turns it takes 0.3 s"


async def test_a_file_that_takes_long_to_parse_takes_the_long_way(
    service: Service, monkeypatch: pytest.MonkeyPatch, taken: Taken
) -> None:
    monkeypatch.setattr(small_file, "MAX_CPU", 0)
    assert read_outcomes(await send(service, plans("A"))) == {"A": "created"}
    assert await taken() == (0, 1)


@pytest.mark.parametrize(
    "body",
    [
        gzip.compress(native_file(native_project("A"))),
        native_file(native_project("A")).replace(b"<projects", b"<?i?><projects", 1),
        native_file(native_project("A"))[:-5],
    ],
    ids=["compressed", "unusual", "faulty"],
)
async def test_what_the_fast_path_does_not_read_takes_the_long_way(
    service: Service, body: bytes, taken: Taken
) -> None:
    assert read_outcomes(await send(service, form(part("file", body))))["A"] == "created"
    assert await taken() == (0, 1)


@pytest.mark.parametrize("query", ["atomic=true", "mode=create", "outcomes=errors"])
async def test_options_hold_on_the_fast_path(service: Service, query: str, taken: Taken) -> None:
    answer = await send(service, plans("A", "B"), query)
    assert (answer.status, answer.json["counts"]["created"]) == (207, 2)
    assert await taken() == (1, 0)


async def test_the_names_of_small_files_are_not_kept(settings: Settings) -> None:
    """lxml keeps the names that it reads until the end of the thread, which here is the loop's."""
    spool = Spool()
    parsers = ParserCache()

    def parse(number: int) -> None:
        names = "".join(f"<n{number}-{at}/>" for at in range(1000))
        inside = f"<attributes>{names}</attributes>"
        try:
            file = parse_small_file(
                FilePart(),
                [native_file(native_project("A", "a", inside))],
                digest=False,
                parsers=parsers,
                spool=spool,
                settings=settings,
            )
        except NotSmall:
            return
        file.batch.close()

    for number in range(100):
        parse(number)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for number in range(100, 1000):
        parse(number)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 8 * 1024, "900,000 names of 60 bytes would take more than 50 MB"
