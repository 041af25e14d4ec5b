"""Unusual HTTP, and responses sent while the body still arrives."""

import asyncio
import time

import pytest

from service.http import server
from service.storage import Pool
from service.storage.advisory_locks import client_key
from tests.support.metrics import BYTES, read_metrics, wait_for_metrics
from tests.support.projects import until
from tests.support.raw_http import XML, Connection, form, get, head, part, upload
from tests.support.running_imports import wait_for_end
from tests.support.service import Service, token

FILE = form(part("file", XML, "Content-Type: application/xml"))
EXPECT = "Expect: 100-continue"
MEGABYTE = b" " * 1_000_000


async def test_an_authorised_upload_receives_100_continue(service: Service) -> None:
    async with Connection(service) as connection:
        await connection.send(head(service, f"Content-Length: {len(FILE)}", EXPECT))
        assert (await connection.answer()).status == 100
        await connection.send(FILE)
        assert (await connection.answer()).status == 207


async def test_a_client_that_leaves_before_its_100_continue_interrupts_the_import(
    service: Service, pool: Pool, capsys: pytest.CaptureFixture[str]
) -> None:
    async with pool.acquire() as conn, conn.transaction():
        await conn.execute("SELECT pg_advisory_xact_lock($1)", client_key(1))
        async with Connection(service) as connection:
            await connection.send(head(service, f"Content-Length: {len(FILE)}", EXPECT))
            await until(pool, "SELECT count(*) FROM pg_locks WHERE NOT granted")
            connection.writer.transport.abort()
    assert await wait_for_end(service) == "interrupted"
    cause = await pool.fetchval("SELECT cause FROM imports")
    assert cause == "The client went away before the upload's end"
    assert "http.failed" not in capsys.readouterr().out


async def test_a_refused_request_receives_no_100_continue(
    service: Service, subtests: pytest.Subtests
) -> None:
    for token_, path, status in [
        (None, "", 401),
        (token(scope=""), "", 403),
        (token(clients="*"), "/api/v2/clients/9/projects/bulk", 404),
        ("", "/nowhere", 404),
        ("", "/healthz", 405),
        ("", "/api/v2/clients/1/projects/bulk?x=1", 400),
    ]:
        with subtests.test(token_=token_):
            async with Connection(service) as connection:
                await connection.send(
                    head(service, "Content-Length: 1000000000", EXPECT, token=token_, path=path)
                )
                answer = await connection.answer()
                assert (answer.status, answer.headers["connection"]) == (status, "close")
                assert answer.json["code"] == status
                assert await connection.ended()


async def test_an_unknown_expectation_is_a_417(service: Service, subtests: pytest.Subtests) -> None:
    for path in ["", "/nowhere", "/healthz"]:
        with subtests.test(path=path):
            async with Connection(service) as connection:
                await connection.send(head(service, "Content-Length: 9", "Expect: cake", path=path))
                answer = await connection.answer()
                assert (answer.status, answer.headers["connection"]) == (417, "close")
                assert answer.json["message"] == "Expectation failed"


async def test_an_http_1_0_client_receives_the_207_without_chunks(service: Service) -> None:
    answer = await upload(service, FILE, version="1.0")
    assert answer.status == 207
    assert "transfer-encoding" not in answer.headers
    assert answer.json["complete"] is True


@pytest.mark.settings(fast_path_bytes=0)
async def test_an_http_1_0_client_with_keep_alive_can_detect_the_end_of_the_207(
    service: Service,
) -> None:
    async with asyncio.timeout(10):
        answer = await upload(service, FILE, "Connection: keep-alive", version="1.0")
    assert answer.headers["connection"] == "close"
    assert answer.json["complete"] is True


async def test_malformed_http_receives_the_error_envelope(
    service: Service, subtests: pytest.Subtests
) -> None:
    for junk in [
        b"\x16\x03\x01 a TLS hello\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + b"s" * 10_000 + b"\r\n\r\n",
        b"GET /" + b"s" * 10_000 + b" HTTP/1.0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"GET / HTTP/1.0\r\nbad header\r\n\r\n",
    ]:
        with subtests.test(junk=junk):
            async with Connection(service) as connection:
                await connection.send(junk)
                answer = await connection.answer()
                assert (answer.version, answer.status) == ("HTTP/1.1", 400)
                assert answer.headers["content-type"].startswith("application/json")
                assert answer.headers["x-request-id"]
                assert answer.json["message"] == "Invalid request"
                assert b"sss" not in answer.body
                assert await connection.ended()


async def test_a_client_that_still_sends_receives_the_answer_to_malformed_http(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "LINGER", 30.0)
    async with Connection(service) as connection:
        await connection.send(b"GET / HTTP/1.1\r\nbad header\r\n\r\n", *[MEGABYTE] * 20)
        assert (await connection.answer()).status == 400
        assert await connection.ended()


@pytest.mark.settings(idle_timeout=10)
async def test_broken_chunks_end_a_waiting_read(service: Service) -> None:
    for turns in range(10):
        async with Connection(service) as connection:
            await connection.send(head(service, "Transfer-Encoding: chunked", EXPECT))
            assert (await connection.answer()).status == 100
            for _ in range(turns):
                await asyncio.sleep(0)
            await connection.send(b"5\r\n" + FILE + b"\r\n0\r\n\r\n")
            assert (await connection.answer()).status == 400, turns


@pytest.mark.settings(idle_timeout=1)
async def test_bytes_that_arrived_while_the_process_was_paused_prevent_the_idle_timeout(
    service: Service,
) -> None:
    half = len(FILE) // 2
    came = (await read_metrics(service))[BYTES] + half
    async with Connection(service) as connection:
        await connection.send(head(service, f"Content-Length: {len(FILE)}"), FILE[:half])
        await wait_for_metrics(service, lambda seen: seen[BYTES] == came)
        connection.writer.write(FILE[half:])
        time.sleep(1.2)  # noqa: ASYNC251
        assert (await connection.answer()).status == 207


async def test_broken_chunks_are_a_400(service: Service, pool: Pool) -> None:
    async with Connection(service) as connection:
        await connection.send(head(service, "Transfer-Encoding: chunked"), b"5\r\nabcdefgh")
        answer = await connection.answer()
        assert answer.status == 400
        assert answer.headers["connection"] == "close"
        assert await connection.ended()
    assert await pool.fetchval("SELECT state FROM imports") == "interrupted"


@pytest.mark.parametrize("token_", [None, token(scope="")])
async def test_a_refused_body_is_discarded_after_the_answer(
    service: Service, token_: str | None
) -> None:
    async with Connection(service) as connection:
        await connection.send(head(service, "Content-Length: 50000000", token=token_))
        answer = await connection.answer()
        assert answer.headers["connection"] == "close"
        for _ in range(50):
            await connection.send(MEGABYTE)
        assert await connection.ended()


@pytest.mark.settings(refused_bytes=2_000_000)
async def test_a_refused_body_beyond_its_bytes_is_cut_off(service: Service) -> None:
    await _cut_off(service)


@pytest.mark.settings(refused_timeout=0.2)
async def test_a_refused_body_beyond_its_time_is_cut_off(service: Service) -> None:
    async with Connection(service) as connection:
        await connection.send(head(service, "Content-Length: 50000000", token=None))
        assert (await connection.answer()).status == 401
        assert await connection.ended()


@pytest.mark.settings(max_refused=1)
async def test_refused_bodies_beyond_their_number_are_cut_off(service: Service) -> None:
    async with Connection(service) as first:
        await first.send(head(service, "Content-Length: 50000000", token=None))
        assert (await first.answer()).status == 401
        await _cut_off(service)
        await first.send(MEGABYTE)


async def _cut_off(service: Service) -> None:
    async with Connection(service) as connection:
        await connection.send(head(service, "Content-Length: 500000000", token=None))
        assert (await connection.answer()).status == 401
        with pytest.raises(ConnectionError):
            await connection.send(*[MEGABYTE] * 500)


async def test_a_request_after_a_refused_body_is_answered_separately(service: Service) -> None:
    async with Connection(service) as connection:
        refused = head(service, f"Content-Length: {len(FILE)}", token=None) + FILE
        await connection.send(refused + head(service, method="GET", path="/healthz"))
        assert (await connection.answer()).status == 401
        assert (await connection.answer()).json["message"] == "Alive"


async def test_a_request_after_an_upload_is_answered(service: Service) -> None:
    async with Connection(service) as connection:
        good = head(service, f"Content-Length: {len(FILE)}") + FILE
        await connection.send(good + head(service, method="GET", path="/healthz"))
        assert (await connection.answer()).status == 207
        assert (await connection.answer()).status == 200


async def test_head_has_no_body(service: Service) -> None:
    async with Connection(service) as connection:
        await connection.send(head(service, method="HEAD", path="/healthz"))
        assert (await connection.reader.readline()).startswith(b"HTTP/1.1 200")


async def test_an_unknown_path_requires_no_token(service: Service) -> None:
    assert (await get(service, "/api/v1/clients", token=None)).status == 404
