"""Uploads under an ``Idempotency-Key`` run once and get the same response when repeated."""

import asyncio
import gzip

import pytest

from service.storage import Pool
from tests.support.answer import Answer
from tests.support.native import FILE_START, native
from tests.support.raw_http import Connection, form, get, head, part, upload
from tests.support.running_imports import hold_projects, wait_for_begin, wait_for_end
from tests.support.service import Service, token
from tests.support.uploads import abandoned, plans, read_outcomes, send

KEY = "Idempotency-Key: night-17"
BODY = plans("P-1", "P-2", "P-1")


async def test_a_repeated_upload_is_answered_byte_for_byte(service: Service, pool: Pool) -> None:
    first = await send(service, BODY, "", KEY)
    await send(service, plans("P-1", name="Changed since"))
    second = await send(service, BODY, "", KEY)
    assert (second.status, second.body) == (first.status, first.body)
    assert second.headers["location"] == first.headers["location"]
    assert await pool.fetchval("SELECT count(*) FROM imports") == 2
    assert await pool.fetchval("SELECT max(version) FROM projects") == 2


async def test_warnings_about_the_file_are_repeated_byte_for_byte(service: Service) -> None:
    xml = native('<project id="A"><name>A</name></project><stray/>').encode()
    body = form(part("file", xml))
    first = await send(service, body, "", KEY)
    assert [warning["count"] for warning in first.json["details"]["warnings"]] == [1]
    assert (await send(service, body, "", KEY)).body == first.body


async def test_a_quoted_key_equals_the_unquoted_one(service: Service) -> None:
    first = await send(service, BODY, "", KEY)
    assert (await send(service, BODY, "", 'Idempotency-Key: "night-17"')).body == first.body


async def test_a_compressed_file_is_the_same_upload_as_the_plain_one(service: Service) -> None:
    xml = native('<project id="A"><name>A</name></project>').encode()
    first = await send(service, form(part("file", xml)), "", KEY)
    packed = form(part("file", gzip.compress(xml)), part("notes", b""))
    assert (await send(service, packed, "", KEY)).status == 422  # other notes
    packed = form(part("file", gzip.compress(xml)))
    assert (await send(service, packed, "", KEY)).body == first.body


@pytest.mark.parametrize(
    ("body", "query"),
    [
        (plans("P-1", "P-2"), ""),
        (form(part("notes", b"x"), BODY.removesuffix(form())), ""),
        (BODY, "outcomes=errors"),
        (BODY, "mode=create"),
    ],
    ids=["file", "notes", "outcomes", "mode"],
)
async def test_a_different_upload_under_the_same_key_is_refused(
    service: Service, pool: Pool, body: bytes, query: str
) -> None:
    await send(service, BODY, "", KEY)
    answer = await send(service, body, query, KEY)
    assert (answer.status, answer.json["message"]) == (422, "Unprocessable content")
    assert await pool.fetchval("SELECT count(*) FROM imports") == 1


async def test_a_key_belongs_to_client_and_subject(service: Service, pool: Pool) -> None:
    await pool.execute("INSERT INTO clients (client_id, name) VALUES (2, 'Other')")
    ids = [(await send(service, BODY, "", KEY)).json["import_id"]]
    others = [(token(sub="b"), 1), (token(sub=None), 1), (token(clients=[2]), 2)]
    for other, client in others:
        path = f"/api/v2/clients/{client}/projects/bulk"
        answer = await upload(service, BODY, KEY, path=path, token=other)
        ids.append(answer.json["import_id"])
        again = await upload(service, BODY, KEY, path=path, token=other)
        assert again.body == answer.body
    assert len(set(ids)) == 4


async def test_the_key_of_a_running_import_is_refused_before_the_body(
    service: Service, pool: Pool
) -> None:
    async with hold_projects(pool, "P-1"), Connection(service) as first:
        await first.send(head(service, f"Content-Length: {len(BODY)}", KEY), BODY)
        await wait_for_begin(service)
        async with Connection(service) as second:
            waiting = head(service, f"Content-Length: {len(BODY)}", KEY, "Expect: 100-continue")
            await second.send(waiting)
            answer = await second.answer()
        assert (answer.status, answer.json["details"]) == (409, "Import in progress")
        assert answer.json["import_id"] == 1
        assert answer.headers["location"] == "/api/v2/clients/1/imports/1"
        assert int(answer.headers["retry-after"]) > 0


@pytest.mark.settings(max_imports=1)
async def test_a_key_in_use_is_reported_before_a_lack_of_slots(
    service: Service, pool: Pool
) -> None:
    async with hold_projects(pool, "P-1"), Connection(service) as first:
        await first.send(head(service, f"Content-Length: {len(BODY)}", KEY), BODY)
        await wait_for_begin(service)
        assert (await send(service, BODY, "", KEY)).status == 409
        assert (await send(service, BODY)).status in (429, 503)


async def test_an_interrupted_import_is_resumed_by_the_same_key(
    service: Service, pool: Pool
) -> None:
    async with Connection(service) as connection:
        await connection.send(head(service, f"Content-Length: {len(BODY)}", KEY), BODY[:-100])
        await wait_for_begin(service)
    assert await wait_for_end(service) == "interrupted"
    answer = await send(service, BODY, "", KEY)
    assert answer.json["import_id"] == 1
    assert await pool.fetchval("SELECT state || attempt FROM imports") == "completed2"
    assert (await send(service, BODY, "", KEY)).body == answer.body
    page = await get(service, "/api/v2/clients/1/imports/1/results")
    assert len(page.json["details"]["results"]) == 3


async def test_projects_imported_before_the_interruption_are_unchanged_after_resuming(
    service: Service, pool: Pool
) -> None:
    body = plans(*(f"P-{n}" for n in range(3000)))
    async with Connection(service) as connection:
        await connection.send(head(service, f"Content-Length: {len(body)}", KEY), body[:-100])
        while not await pool.fetchval("SELECT count(*) FROM projects"):
            pass
    await wait_for_end(service)
    landed = await pool.fetchval("SELECT count(*) FROM projects")
    answer = await send(service, body, "", KEY)
    assert answer.json["counts"]["unchanged"] == landed
    assert answer.json["counts"]["created"] == 3000 - landed


async def test_a_resumed_import_accepts_a_different_upload(service: Service, pool: Pool) -> None:
    async with Connection(service) as connection:
        await connection.send(head(service, f"Content-Length: {len(BODY)}", KEY), BODY[:-100])
        await wait_for_begin(service)
    await wait_for_end(service)
    other = plans("Q")
    answer = await send(service, other, "", KEY)
    assert read_outcomes(answer) == {"Q": "created"}
    assert (await send(service, other, "", KEY)).body == answer.body
    assert (await send(service, BODY, "", KEY)).status == 422


@pytest.mark.parametrize(
    ("first", "second"),
    [("", "dry_run=true"), ("dry_run=true", ""), ("", "atomic=true"), ("mode=create", "")],
)
async def test_an_interrupted_import_is_not_resumed_with_other_options(
    service: Service, pool: Pool, first: str, second: str
) -> None:
    path = f"/api/v2/clients/1/projects/bulk?{first}"
    async with Connection(service) as connection:
        length = f"Content-Length: {len(BODY)}"
        await connection.send(head(service, length, KEY, path=path), BODY[:-100])
        await wait_for_begin(service)
    await wait_for_end(service)
    answer = await send(service, BODY, second, KEY)
    assert (answer.status, answer.json["import_id"]) == (409, 1)
    assert answer.headers["location"] == "/api/v2/clients/1/imports/1"
    name = (first or second).partition("=")[0]
    assert answer.json["options"][name] != answer.json["first_options"][name]
    assert await pool.fetchval("SELECT state || attempt FROM imports") == "interrupted1"
    assert (await send(service, BODY, first, KEY)).json["import_id"] == 1


async def test_a_refused_upload_frees_its_key(service: Service) -> None:
    assert (await send(service, form(part("file", b"<nothing/>")), "", KEY)).status == 400
    answer = await send(service, BODY, "", KEY)
    assert (answer.status, answer.json["import_id"]) == (207, 2)


async def test_a_conflict_of_every_project_frees_the_key(service: Service) -> None:
    await send(service, plans("A"))
    stale = plans("A", name="Other", attributes=' version="7"')
    assert (await send(service, stale, "", KEY)).status == 409
    assert (await send(service, plans("A", name="Other"), "", KEY)).status == 207


@pytest.mark.settings(status_after=0.05, lock_timeout=0.5)
async def test_a_conflict_of_every_project_reported_as_a_207_frees_the_key(
    service: Service, pool: Pool
) -> None:
    async with hold_projects(pool, "P-1"):
        assert (await send(service, plans("P-1"), "", KEY)).status == 207
    assert read_outcomes(await send(service, plans("P-1"), "", KEY)) == {"P-1": "created"}


async def test_a_truncated_file_keeps_its_key(service: Service, pool: Pool) -> None:
    broken = FILE_START + '<project id="A"><name>A</name></project>'
    for tail in ("<<", "<a>" + "x" * 300_000, ""):
        body = form(part("file", (broken + tail).encode()))
        key = f"Idempotency-Key: {len(tail)}"
        first = await send(service, body, "", key)
        assert first.json["details"]["errors"][0]["error"] == "MALFORMED_XML"
        assert (await send(service, body, "", key)).body == first.body


async def test_the_fingerprint_covers_bytes_that_are_not_parsed(service: Service) -> None:
    broken = native('<project id="A"><name>A</name></project></not-this>')
    behind = "x" * 300_000
    for last, status in (("1", 207), ("1", 207), ("2", 422)):
        body = form(part("file", (broken + behind + last).encode()))
        assert (await send(service, body, "", KEY)).status == status


async def test_an_expired_key_starts_a_new_import(service: Service, pool: Pool) -> None:
    await send(service, BODY, "", KEY)
    await pool.execute("UPDATE imports SET key_claimed_at = now() - interval '25 hours'")
    answer = await send(service, BODY, "", KEY)
    assert answer.json["import_id"] == 2
    assert answer.json["counts"]["unchanged"] == 2


@pytest.mark.settings(heartbeat_every=0.05, heartbeat_expiry=0.5)
async def test_an_import_without_a_heartbeat_is_resumed_once_it_is_interrupted(
    service: Service, pool: Pool
) -> None:
    await abandoned(pool, "night-17", seconds=0)
    assert (await send(service, BODY, "", KEY)).status == 409
    assert await wait_for_end(service) == "interrupted"
    assert (await send(service, BODY, "", KEY)).json["import_id"] == 1
    assert await pool.fetchval("SELECT state || attempt FROM imports") == "completed2"


async def test_concurrent_uploads_under_one_key_run_one_import(
    service: Service, pool: Pool
) -> None:
    answers: list[Answer] = await asyncio.gather(*(send(service, BODY, "", KEY) for _ in range(6)))
    assert {answer.status for answer in answers} <= {207, 409}
    landed = [answer for answer in answers if answer.status == 207]
    assert landed
    assert len({answer.body for answer in landed}) == 1
    assert await pool.fetchval("SELECT count(*) FROM imports") == 1
