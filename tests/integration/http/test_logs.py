"""The JSON log of a ``serve`` process names request and import, and contains nothing of a file."""

import asyncio
import json
import shutil
from pathlib import Path
from typing import Any, Final

from service.formats.native.mapping import NAMESPACE
from service.settings import Settings
from service.storage import Pool
from service.storage.advisory_locks import client_key
from tests.support.databases import ADD_CLIENT
from tests.support.logs import read_records, serve_with_log
from tests.support.paths import CHECKOUT
from tests.support.raw_http import Connection, form, head, part
from tests.tools.bench.database import Database
from tests.tools.bench.process import serves, start_serving

SAMPLES: Final = CHECKOUT / "samples"
REFUSE: Final = """
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'no %', NEW.name USING ERRCODE = '22000'; END $$;
    CREATE TRIGGER refuse BEFORE INSERT ON project_versions FOR EACH ROW
        WHEN (NEW.name = 'Secret tower') EXECUTE FUNCTION refuse()
"""
PLAN: Final = f"""<projects xmlns="{NAMESPACE}">
  <project id="P-1"><name>Secret tower</name></project>
  <project id="P-2"><name>Secret bridge</name></project>
</projects>"""


async def until_told(log: Path, event: str, request_id: str) -> dict[str, Any]:
    """Wait for a record of a request."""
    async with asyncio.timeout(10):
        while True:
            for each in read_records(log):
                if (each["event"], each.get("request_id")) == (event, request_id):
                    return each
            await asyncio.sleep(0.02)


async def test_log_records_of_an_import_name_the_import_and_its_client(
    settings: Settings, dsn: str, pool: Pool
) -> None:
    await pool.execute(ADD_CLIENT + ";" + REFUSE)
    sent = form(part("file", PLAN.encode(), filename="Secret file.xml"), part("notes", b"Secret"))
    length = f"Content-Length: {len(sent)}"
    trace = f"00-{'1' * 32}-{'2' * 16}-01"
    async with (
        serve_with_log(settings, dsn, "json") as (service, log),
        Connection(service) as connection,
    ):
        asking = head(service, length, "X-Request-Id: asked-1", f"traceparent: {trace}")
        await connection.send(asking, sent)
        answer = await connection.answer()
        assert answer.json["counts"] == {"created": 1, "updated": 0, "unchanged": 0, "failed": 1}
        await connection.send(head(service, "X-Request-Id: asked-2", method="GET", path="/healthz"))
        assert (await connection.answer()).status == 200
        records = read_records(log)
    ours = [each for each in records if each.get("request_id") == "asked-1"]
    assert [each["event"] for each in ours] == [
        "import.begun",
        "the database refused a project",
        "import.ended",
        "http.answered",
    ]
    assert {each["import_id"] for each in ours} == {answer.json["import_id"]}
    assert {each["traceparent"] for each in ours} == {trace}
    assert not [each for each in ours if "trace_id" in each]
    assert (ours[2]["state"], ours[2]["created"], ours[2]["failed"]) == ("completed", 1, 1)
    (next_one,) = [each for each in records if each.get("request_id") == "asked-2"]
    assert "import_id" not in next_one
    assert "Secret" not in json.dumps(records)


async def test_log_records_of_database_errors_name_the_import(
    settings: Settings, dsn: str, pool: Pool
) -> None:
    """Primavera's shared objects are stored at the wish of the thread that reads."""
    await pool.execute(ADD_CLIENT)
    briefly = {"lock_timeout": 0.1, "retry_timeout": 1}
    async with serve_with_log(settings, dsn, "json", **briefly) as (service, log):
        for sample in ("native.xml", "p6.xml"):
            sent = form(part("file", (SAMPLES / sample).read_bytes()))
            length = f"Content-Length: {len(sent)}"
            asking = head(service, length, f"X-Request-Id: {sample}")
            async with Connection(service) as connection:
                await connection.send(asking, sent[:300])
                begun = await until_told(log, "import.begun", sample)
                async with pool.acquire() as conn, conn.transaction():
                    await conn.execute("SELECT pg_advisory_xact_lock($1)", client_key(1))
                    await connection.send(sent[300:])
                    assert (await connection.answer()).status == 503
            ours = [
                each for each in read_records(log) if each.get("import_id") == begun["import_id"]
            ]
            events = [each["event"] for each in ours]
            assert "the database is tried again" in events
            assert events[-2:] == ["import.ended", "http.answered"]
            assert {each["request_id"] for each in ours} == {sample}
        retried = [
            each for each in read_records(log) if each["event"] == "the database is tried again"
        ]
        assert all("import_id" in each for each in retried)


async def test_a_start_without_the_compiled_engine_logs_the_python_engine(
    settings: Settings, dsn: str, tmp_path: Path
) -> None:
    checkout, log = tmp_path / "checkout", tmp_path / "log"
    for name in ("service", "sql"):
        ignored = shutil.ignore_patterns("__pycache__", "compiled.*.so")
        shutil.copytree(CHECKOUT / name, checkout / name, ignore=ignored)
    with log.open("wb") as file:
        process = await start_serving(
            Database(dsn),
            checkout,
            log=file,
            log_format="json",
            log_level="info",
            statement_cache_size=settings.statement_cache_size,
        )
        try:
            await serves(process)
        finally:
            process.terminate()
            await process.wait()
    engines = [each["engine"] for each in read_records(log) if each["event"] == "import.engine"]
    assert engines == ["python"]
