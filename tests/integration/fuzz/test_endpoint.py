"""Any order of parts, headers and options gets a documented response, and never a 500."""

import asyncio
import contextlib

from hypothesis import given, note
from hypothesis import strategies as st

from service.storage import Pool
from tests.support.answer import Answer
from tests.support.fuzzing import SEEDS, examples
from tests.support.random_requests import Made, Maker
from tests.support.raw_http import Connection
from tests.support.service import Service

STATUSES = {207, 400, 401, 403, 404, 405, 406, 408, 409, 413, 415, 417, 422}
"""Of the contract, without those that nothing here is a reason for: 429, 500, 503."""
_HANGING = 15
"""Seconds: longer than the service waits for a silent client."""
_ORPHANS = """
SELECT count(*)
  FROM tasks t
  LEFT JOIN project_versions v USING (client_id, project_id, version)
 WHERE v.project_id IS NULL
"""


@examples(250)
@given(seed=SEEDS, oddities=st.integers(0, 6))
async def test_any_request_gets_a_documented_response(
    service: Service, pool: Pool, seed: int, oddities: int
) -> None:
    made = Maker(seed, oddities).make()
    note(made.shown)
    async with asyncio.timeout(_HANGING):
        answer = await _ask(service, made)
    if answer is not None:
        _check(answer, made.method)
    async with asyncio.timeout(_HANGING):
        while await pool.fetchval("SELECT count(*) FROM imports WHERE state = 'running'"):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert await pool.fetchval(_ORPHANS) == 0


async def _ask(service: Service, made: Made) -> Answer | None:
    """The final answer; None where the request was cut off, so that there need not be one."""
    async with Connection(service) as connection:
        answering = asyncio.create_task(_final(connection))
        with contextlib.suppress(ConnectionError):
            await connection.send(*made.pieces)
            if not made.whole:
                connection.writer.write_eof()
        try:
            return await answering
        except (ConnectionError, asyncio.IncompleteReadError, ValueError):
            assert not made.whole, "closed without an answer"
            return None


async def _final(connection: Connection) -> Answer:
    while (answer := await connection.answer()).status < 200:
        pass
    return answer


def _check(answer: Answer, method: str) -> None:
    assert answer.status in STATUSES | ({200} if method in ("GET", "POST") else set())
    assert "x-request-id" in answer.headers
    if answer.status == 200:
        return
    body = answer.json
    assert body["code"] == answer.status
    assert {"status", "code", "message", "details"} <= body.keys()
    assert isinstance(body["message"], str)
    if answer.status != 207:
        assert body["status"] == "error"
        assert isinstance(body["details"], str)
        return
    assert body["complete"] is True
    assert [*body][-1] == "complete"
    assert answer.headers["location"].endswith(f"/imports/{body['import_id']}")
    details, counts = body["details"], body["counts"]
    files = body["files"]
    failed = counts["failed"] + files["failed"]
    assert len(details["errors"]) == failed
    landed = counts["created"] + counts["updated"] + counts["unchanged"]
    assert len(details.get("successes", [])) in (landed, 0)
    worst = "success" if not failed else "partial" if landed else "error"
    assert body["status"] == worst
