"""The bytes of ``docs/clients/upload.http`` on a socket, unchanged and with other files."""

from urllib.parse import urlsplit

import pytest

from service.storage import Pool
from tests.support.answer import Answer
from tests.support.client_programs import CLIENTS
from tests.support.raw_http import Connection
from tests.support.service import Service, token

HEAD, BODY = (CLIENTS / "upload.http").read_bytes().split(b"\r\n\r\n", 1)
PLAN = BODY[BODY.index(b"<?xml") : BODY.index(b"\r\n--cut-here-5f1d3c--")]


async def send(service: Service, plan: bytes = PLAN, *, token_: str = "") -> Answer:
    """Fill in the head, and another file with what its length then is."""
    body = BODY.replace(PLAN, plan)
    head_text = HEAD.replace(b"Length: %d" % len(BODY), b"Length: %d" % len(body)).decode()
    filled = {
        "{client}": "1",
        "{host}": urlsplit(service.base).netloc,
        "{token}": token_ or token(),
        "{key}": "raw",
    }
    for name, value in filled.items():
        assert name in head_text
        head_text = head_text.replace(name, value)
    async with Connection(service) as connection:
        await connection.send(head_text.encode(), b"\r\n\r\n", body)
        answer = await connection.answer()
        assert await connection.ended()
    print(f"raw HTTP had {answer.status} {answer.body.decode()}")
    return answer


async def test_a_file_is_imported_unchanged(service: Service, pool: Pool) -> None:
    answer = await send(service)
    assert answer.status == 207
    assert answer.json["counts"]["created"] == 1
    assert answer.json["complete"] is True
    assert await pool.fetchval("SELECT name FROM current_projects") == "Pump station"
    (kept,) = await pool.fetch("SELECT notes, filename, idempotency_key FROM imports")
    assert tuple(kept) == ("Weekly plan", "plan.xml", "raw")


def test_every_header_line_ends_in_crlf() -> None:
    content = (CLIENTS / "upload.http").read_bytes()
    assert content.count(b"\n") == content.count(b"\r\n")
    assert b"Length: %d\r\n" % len(BODY) in content


async def test_a_failed_project_is_reported_with_its_line(service: Service) -> None:
    answer = await send(service, PLAN.replace(b"<name>Pump", b"<start>soon</start><name>Pump"))
    (error,) = answer.json["details"]["errors"]
    assert (answer.status, error["external_id"], error["line"]) == (207, "RAW-1", 4)


@pytest.mark.parametrize("wrong", ["wrong", "a.b.c"])
async def test_a_refusal_is_reported(service: Service, wrong: str) -> None:
    answer = await send(service, token_=wrong)
    assert answer.status == 401
    assert answer.json["details"].startswith("JWT token is malformed; ")
