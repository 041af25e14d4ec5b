"""The options of an upload: mode, dry_run and outcomes; ``test_atomic`` covers the fourth."""

from typing import Any

from service.storage import Pool
from tests.support.answer import Answer
from tests.support.native import native
from tests.support.raw_http import form, part
from tests.support.service import Service
from tests.support.uploads import plans, read_outcomes, rows, send


async def test_mode_create_imports_only_new_projects(service: Service) -> None:
    await send(service, plans("A", "B"))
    answer = await send(service, plans("A", "C", name="Other"), "mode=create")
    assert read_outcomes(answer) == {"A": "ALREADY_EXISTS", "C": "created"}
    assert answer.json["details"]["errors"][0]["code"] == 409


async def test_mode_update_imports_only_known_projects(service: Service) -> None:
    await send(service, plans("A"))
    answer = await send(service, plans("A", "C", name="Other"), "mode=update")
    assert read_outcomes(answer) == {"A": "updated", "C": "UNKNOWN_PROJECT"}
    assert answer.json["details"]["errors"][0]["code"] == 404


async def test_an_equal_project_is_unchanged_in_every_mode(service: Service) -> None:
    await send(service, plans("A"))
    for mode in ("create", "update", "upsert"):
        assert read_outcomes(await send(service, plans("A"), f"mode={mode}")) == {"A": "unchanged"}


async def test_an_archived_project_is_refused_by_create_and_revived_by_update(
    service: Service, pool: Pool
) -> None:
    await send(service, plans("A"))
    await pool.execute("UPDATE projects SET archived_at = now()")
    assert read_outcomes(await send(service, plans("A"), "mode=create")) == {"A": "ALREADY_EXISTS"}
    assert read_outcomes(await send(service, plans("A"), "mode=update")) == {"A": "updated"}
    assert await pool.fetchval("SELECT archived_at IS NULL FROM projects")


async def test_the_mode_is_checked_before_the_version(service: Service) -> None:
    await send(service, plans("A"))
    stale = plans("A", name="Other", attributes=' version="7"')
    assert read_outcomes(await send(service, stale, "mode=create")) == {"A": "ALREADY_EXISTS"}
    assert (await send(service, stale)).json["details"] == "Version conflict"


async def test_a_dry_run_reports_the_outcomes_of_the_import(service: Service, pool: Pool) -> None:
    await send(service, plans("same", "changed"))
    before = await rows(pool)
    body = form(
        part(
            "file",
            native(
                '<project id="same"><name>Plan</name>'
                '<tasks><task id="T"><name>t</name></task></tasks></project>'
                '<project id="changed"><name>Other</name></project>'
                '<project id="new"><name>New</name></project>'
                '<project id="new"><name>Twice</name></project>'
                '<project id="stale" version="3"><name>Stale</name></project>'
                '<project id="nameless"/>'
                '<project id="refused"><name>A</name><tasks><task id="T"><name>t</name>'
                "<percent-complete>1e300</percent-complete></task></tasks></project>"
            ).encode(),
        )
    )
    rehearsed = await send(service, body, "dry_run=true")
    assert await rows(pool) == before
    assert rehearsed.json["dry_run"] is True
    real = await send(service, body)
    assert "dry_run" not in real.json
    assert rehearsed.json["counts"] == real.json["counts"]
    assert _without_new_id(rehearsed) == _without_new_id(real)
    [created] = [i for i in rehearsed.json["details"]["successes"] if i["external_id"] == "new"]
    assert created["project_id"] is None


def _without_new_id(answer: Answer) -> Any:
    details = answer.json["details"]
    for item in details["successes"]:
        if item["outcome"] == "created":
            del item["project_id"]
    return details


async def test_a_dry_run_reports_projects_that_the_database_refuses(
    service: Service, pool: Pool
) -> None:
    await pool.execute("ALTER TABLE tasks ADD CHECK (name <> 'bad')")
    bad = native(
        '<project id="A"><name>A</name></project><project id="B"><name>B</name>'
        '<tasks><task id="T"><name>bad</name></task></tasks></project>'
    )
    body = form(part("file", bad.encode()))
    rehearsed = await send(service, body, "dry_run=true")
    assert read_outcomes(rehearsed) == {"A": "created", "B": "INTERNAL_ERROR"}
    assert not await pool.fetch("SELECT FROM projects")
    assert read_outcomes(await send(service, body)) == read_outcomes(rehearsed)


async def test_a_dry_run_stores_no_shared_object(service: Service, pool: Pool) -> None:
    xml = (
        '<APIBusinessObjects xmlns="http://xmlns.oracle.com/Primavera/P6/V8.3/API/BusinessObjects">'
        "<Calendar><ObjectId>7</ObjectId><Name>Night</Name></Calendar>"
        "<Project><ObjectId>1</ObjectId><Id>P</Id><Name>P</Name><GUID>{P}</GUID>"
        "<ActivityDefaultCalendarObjectId>7</ActivityDefaultCalendarObjectId></Project>"
        "</APIBusinessObjects>"
    )
    body = form(part("file", xml.encode()))
    assert (await send(service, body, "dry_run=true")).json["counts"]["created"] == 1
    assert not await pool.fetch("SELECT FROM shared_objects")
    await send(service, body)
    assert len(await pool.fetch("SELECT FROM shared_objects")) == 1


async def test_outcomes_errors_lists_only_failures(service: Service) -> None:
    answer = await send(service, plans("A", "B", "A"), "outcomes=errors")
    assert answer.json["details"]["successes"] == []
    assert [item["error"] for item in answer.json["details"]["errors"]] == ["DUPLICATE_PROJECT"]
    assert answer.json["counts"] == {"created": 2, "updated": 0, "unchanged": 0, "failed": 1}
    assert answer.json["complete"] is True
    assert (await send(service, plans("A"), "outcomes=errors")).json["status"] == "success"


async def test_an_import_records_its_options(service: Service, pool: Pool) -> None:
    await send(service, plans("A"), "mode=create&atomic=true&dry_run=true&outcomes=errors")
    options = await pool.fetchval("SELECT options FROM imports")
    assert options == {"mode": "create", "atomic": True, "dry_run": True, "outcomes": "errors"}
