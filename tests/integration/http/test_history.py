"""What became of each import, in one word: ``result``, ``undone_by`` and ``resumable_until``."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from service.http.routes.imports import STATES
from service.imports.history import RESULTS
from service.settings import Settings
from service.storage import Pool
from tests.support.native import native_file
from tests.support.raw_http import Connection, form, get, head, part, upload
from tests.support.service import Service
from tests.support.uploads import plans, send, undo

IMPORTS = "/api/v2/clients/1/imports"
BAD = native_file('<project id="B"><name/></project>')
BOTH = native_file('<project id="A"><name>a</name></project>', '<project id="B"><name/></project>')


async def history(service: Service, query: str = "") -> dict[int, Any]:
    """Return the listed imports by their ids."""
    answer = await get(service, f"{IMPORTS}?{query}")
    return {row["import_id"]: row for row in answer.json["details"]["imports"]}


async def test_the_result_tells_partial_failed_and_undone_imports_apart(service: Service) -> None:
    await send(service, plans("C"))
    await upload(service, form(part("file", BOTH)))
    await upload(service, form(part("file", BAD)))
    await upload(service, form(part("file", b"<a")))
    await upload(service, form(part("file", BOTH), part("file", b"<a")))
    files = [part("file", each, filename=f"{n}.xml") for n, each in enumerate((BAD, b"<a"))]
    await send(service, form(*files), "dry_run=true")
    await undo(service, 1)
    listed = await history(service)
    assert {number: row["result"] for number, row in listed.items()} == {
        1: "undone",
        2: "partial",
        3: "failed",
        4: "failed",
        5: "partial",
        6: "failed",
        7: "completed",
    }
    for word in RESULTS:
        found = await history(service, f"result={word}")
        assert set(found) == {n for n, row in listed.items() if row["result"] == word}
    one = (await get(service, f"{IMPORTS}/1")).json["details"]
    assert one == listed[1]
    assert set(RESULTS) == {*STATES, "partial", "undone"}


async def test_an_undo_that_is_undone_counts_no_more(service: Service) -> None:
    await send(service, plans("C"))
    expected: list[int | None] = []
    for number in range(1, 5):
        assert (await undo(service, number)).json["import_id"] == number + 1
        expected = [None if each is not None else n + 2 for n, each in enumerate(expected)]
        expected.append(number + 1)
        listed = await history(service)
        assert [listed[n + 1]["undone_by"] for n in range(number)] == expected
        assert listed[number + 1]["undone_by"] is None
    await undo(service, 5)
    assert (await history(service))[3]["undone_by"] == 4
    assert (await undo(service, 3)).status == 409, "a later import has changed the project"
    assert (await history(service))[3]["undone_by"] == 4


@pytest.mark.settings(idle_timeout=0.1)
async def test_an_interrupted_import_states_until_when_its_key_continues_it(
    service: Service, pool: Pool, settings: Settings
) -> None:
    async with Connection(service) as connection:
        key = ("Idempotency-Key: stopped", "Content-Length: 1000")
        await connection.send(head(service, *key), form(part("file", BOTH))[:-60])
        assert (await connection.answer()).status == 408
    row = (await history(service))[1]
    assert (row["result"], row["idempotency_key"]) == ("interrupted", "stopped")
    begun = datetime.fromisoformat(row["started_at"])
    left = datetime.fromisoformat(row["resumable_until"]) - begun
    assert abs(left - timedelta(hours=settings.keep_keys_hours)) < timedelta(seconds=1)
    await pool.execute("UPDATE imports SET key_claimed_at = NULL")
    assert (await history(service))[1]["resumable_until"] is None
