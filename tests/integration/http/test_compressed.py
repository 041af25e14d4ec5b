"""Compressed uploads: a gzip or ZIP in the part `file`, or the whole request as gzip."""

import gzip
import io
import zipfile
from random import Random
from typing import Any

import pytest

from service.storage import Pool
from tests.support.answer import Answer
from tests.support.native import native_file, native_project
from tests.support.raw_http import XML, Connection, chunked, form, head, part, upload
from tests.support.service import Service, limits

GZIP = "Content-Encoding: gzip"
FILE = form(part("file", XML), part("notes", b"Import"))
BOMB = XML.replace(b"</projects>", (b" " * 1_000_000 + b"<x/>") * 40 + b"</projects>")


def long_file(projects: int) -> bytes:
    """Projects that compress badly, so that a cut takes about as much of them as of the bytes."""
    random = Random(1)
    written = [
        f'<project id="P-{n}"><name>{random.randbytes(500).hex()}</name></project>\n'
        for n in range(projects)
    ]
    return native_file("\n", *written)


def zipped(*names: str, data: bytes = XML) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for name in names:
            file.writestr(name, data)
    return archive.getvalue()


def landed(answer: Answer) -> list[str]:
    assert answer.status == 207, answer.body
    return [item["external_id"] for item in answer.json["details"]["successes"]]


def last_error(answer: Answer) -> dict[str, Any]:
    errors = answer.json["details"]["errors"]
    assert len(errors) == 1
    error: dict[str, Any] = errors[0]
    assert error["index"] == len(landed(answer)) > 0
    return error


@pytest.mark.parametrize("content", [gzip.compress(XML), zipped("plan.xml")], ids=["gzip", "zip"])
async def test_a_compressed_part_is_read_with_any_content_type(
    service: Service, pool: Pool, content: bytes, subtests: pytest.Subtests
) -> None:
    for kind in ["application/gzip", "application/x-zip-compressed", "text/xml"]:
        with subtests.test(kind=kind):
            body = form(part("file", content, f"Content-Type: {kind}"))
            assert landed(await upload(service, body)) == ["P-1", "P-2"]
            sizes = await pool.fetch("SELECT bytes_read FROM imports")
            assert {size["bytes_read"] for size in sizes} == {len(content)}


@pytest.mark.parametrize("name", ["gzip", "GZIP", "x-gzip"])
async def test_a_gzip_request_is_accepted(service: Service, pool: Pool, name: str) -> None:
    answer = await upload(service, gzip.compress(FILE), f"Content-Encoding: {name}")
    assert landed(answer) == ["P-1", "P-2"]
    assert answer.json["details"]["warnings"] == []
    row = await pool.fetchrow("SELECT notes, bytes_read FROM imports")
    assert tuple(row or ()) == ("Import", len(XML))


async def test_a_gzip_request_is_read_wherever_it_is_cut(service: Service) -> None:
    body = gzip.compress(FILE[:200]) + gzip.compress(FILE[200:])
    for size in (1, 50):
        async with Connection(service) as connection:
            await connection.send(
                head(service, f"Content-Length: {len(body)}", GZIP, "Expect: 100-continue")
            )
            assert (await connection.answer()).status == 100
            await connection.send(*(body[i : i + size] for i in range(0, len(body), size)))
            assert landed(await connection.answer()) == ["P-1", "P-2"]


async def test_a_gzip_part_in_a_gzip_request_is_inflated_too(service: Service) -> None:
    body = gzip.compress(form(part("file", gzip.compress(XML))))
    assert landed(await upload(service, body, GZIP)) == ["P-1", "P-2"]


async def test_the_content_encoding_identity_is_accepted(service: Service) -> None:
    assert landed(await upload(service, FILE, "Content-Encoding: identity")) == ["P-1", "P-2"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (gzip.compress(XML)[:40], "breaks off"),
        (gzip.compress(XML)[:10] + b"\xff" * 100, "corrupt"),
        (zipped("plan.xml")[:60], "the ZIP ends in the middle of plan.xml"),
        (zipped("plan.zip", data=zipped("plan.xml")), "compressed twice"),
        (zipped("[Content_Types].xml", "xl/workbook.xml"), "Excel workbook (.xlsx)"),
        (zipped(), "the ZIP holds no file"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "Microsoft Project plan (.mpp)"),
        (b"", "the file is empty"),
    ],
    ids=[
        "cut gzip",
        "corrupt gzip",
        "cut ZIP",
        "ZIP in a ZIP",
        "workbook",
        "empty ZIP",
        "mpp",
        "empty",
    ],
)
async def test_a_compressed_file_without_a_project_is_a_400(
    service: Service, pool: Pool, content: bytes, words: str
) -> None:
    answer = await upload(service, form(part("file", content, filename="plans/one.mpp")))
    assert (answer.status, words in answer.json["details"]) == (400, True)
    row = await pool.fetchrow("SELECT state, filename FROM imports")
    assert tuple(row or ()) == ("failed", "plans/one.mpp")


@pytest.mark.parametrize("compress", [gzip.compress, lambda data: zipped("plan.xml", data=data)])
async def test_projects_before_corrupt_data_are_imported(
    service: Service, pool: Pool, compress: Any
) -> None:
    content = bytearray(compress(long_file(1000)))
    middle = len(content) // 2
    content[middle : middle + 2000] = bytes(2000)
    answer = await upload(service, form(part("file", bytes(content))))
    error = answer.json["details"]["errors"][-1]
    assert (error["error"], error["code"]) == ("MALFORMED_XML", 400)
    ids = [f"P-{n}" for n in range(len(landed(answer)))]
    assert 300 < len(ids) < 510
    assert landed(answer) == ids
    assert await pool.fetchval("SELECT count(*) FROM current_projects") == len(ids)


async def test_projects_before_a_wrong_checksum_are_imported(service: Service) -> None:
    content = bytearray(gzip.compress(XML))
    content[-8] ^= 1
    answer = await upload(service, form(part("file", bytes(content))))
    assert landed(answer) == ["P-1", "P-2"]
    assert "checksum" in last_error(answer)["message"]


async def test_a_zip_of_many_files_is_one_import(service: Service, pool: Pool) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("a/one.xml", native_file(native_project("P-1")))
        file.writestr("a/plan.mpp", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600))
        file.writestr("damaged.xml", native_file(native_project("P-2"), native_project("P-3")))
        file.writestr("b/cut.xml", native_file(native_project("P-4"), native_project("P-7"))[:-30])
        file.writestr("b/last.xml", native_file(native_project("P-5")))
    content = bytearray(archive.getvalue())
    content[content.index(b"damaged.xml") + 30] ^= 0x55
    body = form(part("file", bytes(content), "Content-Type: application/pdf", filename="plans.zip"))
    answer = await upload(service, body)
    assert landed(answer) == ["P-1", "P-4", "P-5"]
    assert answer.json["files"] == {"read": 2, "failed": 3}
    errors = answer.json["details"]["errors"]
    found = [(each["file"], each["kind"], each["error"], each["message"]) for each in errors]
    assert found == [
        (
            "plans.zip/a/plan.mpp",
            "file",
            "UNSUPPORTED_FILE",
            "the file is a binary Microsoft file, such as a Microsoft Project plan (.mpp); open "
            "the plan in Microsoft Project and save it as XML",
        ),
        (
            "plans.zip/damaged.xml",
            "file",
            "MALFORMED_XML",
            "the file damaged.xml in the ZIP is damaged: its compressed data is wrong",
        ),
        (
            "plans.zip/b/cut.xml",
            "file",
            "MALFORMED_XML",
            "the file ends in the middle of project P-7",
        ),
    ]
    assert await pool.fetchval("SELECT count(*) FROM imports") == 1
    assert await pool.fetchval("SELECT filename FROM imports") == "plans.zip"


async def test_a_gzip_request_truncated_in_the_file_keeps_the_complete_projects(
    service: Service,
) -> None:
    body = gzip.compress(form(part("file", long_file(1000))))
    answer = await upload(service, body[: len(body) // 2], GZIP)
    error = last_error(answer)
    assert error["error"] == "MALFORMED_XML"
    assert "Content-Encoding the gzip file breaks off" in error["message"]
    assert 300 < len(landed(answer)) < 510


@pytest.mark.parametrize("cut", [0, 8])
async def test_a_wrong_checksum_of_a_gzip_request_is_a_warning(service: Service, cut: int) -> None:
    body = bytearray(gzip.compress(FILE))
    body[-8] ^= 1
    answer = await upload(service, bytes(body[: len(body) - cut]), GZIP)
    assert landed(answer) == ["P-1", "P-2"]
    (warning,) = answer.json["details"]["warnings"]
    assert warning["code"] == "UPLOAD_CUT_SHORT"
    assert ("breaks off" if cut else "checksum") in warning["message"]


@pytest.mark.parametrize(
    "body",
    [b"", b"no gzip at all", gzip.compress(FILE)[:30], FILE],
    ids=["nothing", "text", "cut", "a form"],
)
async def test_a_body_that_is_not_gzip_is_a_400(service: Service, body: bytes) -> None:
    answer = await upload(service, body, GZIP)
    assert answer.status == 400
    assert "Content-Encoding" in answer.json["details"]


@pytest.mark.settings(max_inflate_ratio=20)
async def test_a_bomb_in_the_part_or_the_request_is_refused(service: Service, pool: Pool) -> None:
    for body, headers in [
        (form(part("file", gzip.compress(BOMB))), []),
        (form(part("file", zipped("plan.xml", data=BOMB))), []),
        (gzip.compress(form(part("file", BOMB))), [GZIP]),
    ]:
        answer = await upload(service, body, *headers)
        error = last_error(answer)
        assert (error["error"], error["code"]) == ("FILE_TOO_LARGE", 413)
        assert "more than 20 times" in error["message"]
    bomb = form(part("plans", bytes(40_000_000)), part("file", XML))
    answer = await upload(service, gzip.compress(bomb), GZIP)
    assert answer.status == 400  # for the size of a part that is not the file
    assert "`plans`" in answer.json["details"]


@pytest.mark.settings(max_file_bytes=100_000)
async def test_an_inflated_file_over_the_limit_is_refused(service: Service) -> None:
    large = XML.replace(b"<project id", b" " * 200_000 + b"<project id", 1)
    for body, headers in [
        (form(part("file", gzip.compress(large))), []),
        (gzip.compress(form(part("file", large))), [GZIP]),
    ]:
        answer = await upload(service, body, *headers)
        assert (answer.status, answer.json["message"]) == (413, "Payload too large")
        assert "100000 bytes" in answer.json["details"]


@pytest.mark.parametrize("fits", limits(max_file_bytes=len(XML)))
async def test_an_inflated_part_may_be_as_large_as_the_limit_and_no_larger(
    service: Service, *, fits: bool
) -> None:
    for content in (XML, gzip.compress(XML), zipped("plan.xml")):
        answer = await upload(service, form(part("file", content)))
        errors = [each["error"] for each in answer.json["details"]["errors"]]
        assert (answer.status, errors) == (207, [] if fits else ["FILE_TOO_LARGE"])


@pytest.mark.parametrize(
    "fits", [*limits(max_file_bytes=len(FILE)), *limits(max_upload_bytes=len(gzip.compress(FILE)))]
)
async def test_a_gzip_body_may_be_as_large_as_its_limits_and_no_larger(
    service: Service, *, fits: bool
) -> None:
    async with Connection(service) as connection:
        await connection.send(head(service, GZIP, "Transfer-Encoding: chunked"))
        await connection.send(chunked([gzip.compress(FILE)]))
        answer = await connection.answer()
    assert landed(answer) == ["P-1", "P-2"]
    warnings = [each["message"] for each in answer.json["details"]["warnings"]]
    assert ["bytes allowed" in each for each in warnings] == ([] if fits else [True])


@pytest.mark.settings(max_upload_bytes=20_000)
async def test_the_upload_limit_counts_compressed_bytes(service: Service) -> None:
    spaced = XML.replace(b"</projects>", b" " * 100_000 + b"</projects>")
    small = gzip.compress(form(part("file", spaced)))
    assert landed(await upload(service, small, GZIP)) == ["P-1", "P-2"]
    large = gzip.compress(form(part("file", long_file(100))))
    async with Connection(service) as connection:
        await connection.send(head(service, GZIP, "Transfer-Encoding: chunked"))
        pieces = [large[i : i + 5000] for i in range(0, len(large), 5000)]
        await connection.send(*(b"%x\r\n%s\r\n" % (len(p), p) for p in pieces), b"0\r\n\r\n")
        answer = await connection.answer()
    error = last_error(answer)
    assert (error["error"], "20000 bytes" in error["message"]) == ("FILE_TOO_LARGE", True)
