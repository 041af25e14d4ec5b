"""Forms: accepted ones, errors before the file, and warnings after it."""

import base64
import quopri

import pytest

from service.storage import Pool
from tests.support.answer import Answer
from tests.support.raw_http import (
    BOUNDARY,
    XML,
    Connection,
    chunked,
    form,
    head,
    part,
    upload,
)
from tests.support.service import Service, limits

FILE = part("file", XML, "Content-Type: application/xml", filename="export.xml")
FORM = form(FILE).removesuffix(b"\r\n")
"""A body that ends with the last byte of its closing boundary."""


def landed(answer: Answer) -> list[str]:
    assert answer.status == 207, answer.body
    return [item["external_id"] for item in answer.json["details"]["successes"]]


def warned(answer: Answer) -> list[str]:
    assert landed(answer) == ["P-1", "P-2"]
    return [warning["code"] for warning in answer.json["details"]["warnings"]]


async def piecemeal(connection: Connection, service: Service, pieces: list[bytes]) -> Answer:
    """Upload a body in pieces, each read before the next: none is sent before it is waited for."""
    length = f"Content-Length: {sum(map(len, pieces))}"
    await connection.send(head(service, length, "Expect: 100-continue"))
    assert (await connection.answer()).status == 100
    await connection.send(*pieces)
    return await connection.answer()


def refused(answer: Answer) -> str:
    assert answer.status == 400, answer.body
    assert answer.headers["location"]
    return str(answer.json["details"])


@pytest.mark.parametrize(
    "parts", [(part("notes", b"Import"), FILE), (FILE, part("notes", b"Import"))]
)
async def test_notes_are_read_before_or_after_the_file(
    service: Service, pool: Pool, parts: tuple[bytes, ...]
) -> None:
    assert warned(await upload(service, form(*parts))) == []
    row = await pool.fetchrow("SELECT state, notes, filename FROM imports")
    assert tuple(row or ()) == ("completed", "Import", "export.xml")


async def test_the_media_type_of_a_file_does_not_matter(
    service: Service, subtests: pytest.Subtests
) -> None:
    for media_type in [
        "",
        "Content-Type: application/xml",
        "Content-Type: TEXT/XML; charset=utf-8",
        "Content-Type: application/octet-stream",
        "Content-Type: application/gzip",
        "Content-Type: application/vnd.ms-project",
        "Content-Type: text/html",
    ]:
        with subtests.test(media_type=media_type):
            headers = [media_type] if media_type else []
            assert landed(await upload(service, form(part("file", XML, *headers)))) == [
                "P-1",
                "P-2",
            ]


async def test_the_charset_of_the_part_decodes_the_file(
    service: Service, subtests: pytest.Subtests
) -> None:
    for charset in ["iso-8859-1", "utf-16", "utf-8"]:
        with subtests.test(charset=charset):
            text = XML.decode().replace("One", "Größe").replace(' encoding="UTF-8"', "")
            header = f'Content-Type: text/xml; charset="{charset}"'
            answer = await upload(service, form(part("file", text.encode(charset), header)))
            assert answer.json["details"]["successes"][0]["name"] == "Größe"


async def test_encoded_parts_are_decoded_wherever_they_are_cut(
    service: Service, subtests: pytest.Subtests
) -> None:
    for size in [1, 7, 80, 100_000]:
        with subtests.test(size=size):
            in_base64 = part("file", base64.encodebytes(XML), "Content-Transfer-Encoding: BASE64")
            quoted = part(
                "file", quopri.encodestring(XML), "Content-Transfer-Encoding: quoted-printable"
            )
            for body in (form(in_base64), form(quoted)):
                async with Connection(service) as connection:
                    pieces = [body[i : i + size] for i in range(0, len(body), size)]
                    assert landed(await piecemeal(connection, service, pieces)) == ["P-1", "P-2"]


async def test_unknown_parts_are_ignored_with_a_warning(service: Service) -> None:
    body = form(part("note", b"x" * 10_000), FILE, part("more", b"y" * 10_000), part("more", b""))
    answer = await upload(service, body)
    assert warned(answer) == ["PART_IGNORED"] * 2
    first, second = (each["message"] for each in answer.json["details"]["warnings"])
    assert "did you mean `notes`?" in first
    assert "`more`" in second


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ([], "there is no part named `file`"),
        ([part("notes", b"x")], "no part named `file`, only `notes`"),
        ([part("plan", XML)], "no part named `file`, only `plan`"),
        ([part("plan", b"x" * 30_000)], "the part `plan` is larger than 20000 bytes"),
        ([part("file", b"")], "the file is empty"),
        ([part("notes", b"x" * 4001), FILE], "longer than 4000 characters"),
        ([part("notes", b"a"), part("notes", b"b"), FILE], "second part `notes`"),
        ([part("notes", b"\xff"), FILE], "the part `notes` is not valid utf-8"),
        ([part("notes", b"a\0b"), FILE], "the part `notes` has the control character U+0000"),
        ([part("notes", b"\x1b[2J"), FILE], "the part `notes` has the control character U+001B"),
        (
            [part("notes", b"+2AA-", "Content-Type: text/plain; charset=utf-7"), FILE],
            "the part `notes`",
        ),
        (
            [part("notes", b"a", "Content-Type: text/plain; charset=rot13"), FILE],
            "the charset of the part `notes` is not supported",
        ),
        # Python would decode it in quadratic time, on the event loop.
        (
            [part("notes", b"-aaaa", "Content-Type: text/plain; charset=punycode"), FILE],
            "the charset of the part `notes` is not supported",
        ),
        ([part("file", XML, "Content-Type: text/xml; charset=klingon")], "charset"),
        ([part("file", XML, "Content-Transfer-Encoding: x-uuencode")], "Transfer-Encoding"),
        ([part("file", b"?", "Content-Transfer-Encoding: base64")], "encoding"),
        (
            [part("file", XML, "Content-Type: multipart/mixed; boundary=inner")],
            "multipart body itself",
        ),
        ([part("x", b"")] * 101, "more than 100 parts"),
        ([part("x", b"", "X-Long: " + "y" * 9000), FILE], "too long"),
        ([part("x", b"", *["X-Many: y"] * 200), FILE], "too many headers"),
        ([part("x", b"", "no colon"), FILE], "malformed"),
    ],
)
@pytest.mark.settings(max_part_bytes=20_000)
async def test_an_error_before_the_file_refuses_the_upload(
    service: Service, pool: Pool, parts: list[bytes], words: str
) -> None:
    assert words in refused(await upload(service, form(*parts)))
    assert await pool.fetchval("SELECT state FROM imports") == "failed"
    assert await pool.fetchval("SELECT count(*) FROM projects") == 0


@pytest.mark.parametrize(
    ("behind", "codes"),
    [
        ([part("notes", b"x" * 4001)], ["NOTES_SHORTENED"]),
        ([part("notes", b"a"), part("notes", b"b")], ["PART_IGNORED"]),
        ([part("notes", b"\xff")], ["PART_IGNORED"]),
        ([part("notes", b"\x1b[2J")], ["PART_IGNORED"]),
        ([part("notes", b"x", "Content-Transfer-Encoding: x")], ["PART_IGNORED"]),
    ],
)
async def test_an_error_after_the_file_becomes_a_warning(
    service: Service, behind: list[bytes], codes: list[str]
) -> None:
    answer = await upload(service, form(FILE, *behind))
    assert warned(answer) == codes
    assert "connection" not in answer.headers


@pytest.mark.parametrize(
    "behind",
    [
        form(part("x", b"", "no colon"), FILE),
        form(part("file", XML, filename="n" * 9000), FILE),
        form(*[part("x", b"")] * 101, FILE),
        f"--{BOUNDARY}\r\nContent-Disposition: form-data; name=".encode(),
    ],
)
async def test_a_form_that_breaks_after_a_file_is_no_success(
    service: Service, behind: bytes
) -> None:
    answer = await upload(service, FILE + behind)
    assert landed(answer) == ["P-1", "P-2"]
    assert answer.json["status"] == "partial"
    (error,) = answer.json["details"]["errors"]
    assert (error["kind"], error["file"], error["error"]) == ("file", None, "MALFORMED_XML")
    assert answer.json["files"] == {"read": 1, "failed": 1}


async def test_overlong_notes_after_the_file_are_shortened(service: Service, pool: Pool) -> None:
    await upload(service, form(FILE, part("notes", "ö".encode() * 5000)))
    assert await pool.fetchval("SELECT notes FROM imports") == "ö" * 4000


async def test_notes_can_have_tabs_and_lines(service: Service, pool: Pool) -> None:
    assert warned(await upload(service, form(part("notes", b"a\tb\r\nc"), FILE))) == []
    assert await pool.fetchval("SELECT notes FROM imports") == "a\tb\r\nc"


async def test_a_part_after_an_unusable_one_is_read(service: Service, pool: Pool) -> None:
    nested = part("x", b"", "Content-Type: text/plain", "Content-Transfer-Encoding: x")
    answer = await upload(service, form(FILE, nested, part("notes", b"seen")))
    assert warned(answer) == ["PART_IGNORED"]
    assert await pool.fetchval("SELECT notes FROM imports") == "seen"


async def test_a_body_without_a_readable_part_is_a_400(
    service: Service, subtests: pytest.Subtests
) -> None:
    for body, words in [
        (b"", "the body is empty"),
        (b"no boundary at all", "does not hold the boundary"),
        (b"x\r\n" * 40_000 + form(FILE), "preamble"),
        (form(FILE).replace(b"\r\n", b"\n"), "must end with CR LF"),
    ]:
        with subtests.test(body=body):
            assert words in refused(await upload(service, body))


async def test_a_preamble_and_an_epilogue_are_ignored(service: Service) -> None:
    body = b"This is a multipart body.\r\n" + form(FILE) + b"Goodbye\r\n" * 3
    assert warned(await upload(service, body)) == []


async def test_a_complete_file_without_a_closing_boundary_is_imported_with_a_warning(
    service: Service,
) -> None:
    assert warned(await upload(service, FILE)) == ["UPLOAD_CUT_SHORT"]


async def test_an_incomplete_file_is_reported_as_malformed_at_its_end(service: Service) -> None:
    cut = FILE[: FILE.index(b"Two")]
    answer = await upload(service, cut)
    assert landed(answer) == ["P-1"]
    assert answer.json["details"]["warnings"] == []
    assert [error["error"] for error in answer.json["details"]["errors"]] == ["MALFORMED_XML"]


async def test_broken_base64_keeps_the_projects_before_it(service: Service) -> None:
    many = XML.replace(b"</projects>", b" " * 600_000 + b"</projects>")
    encoded = base64.encodebytes(many)[:-100] + b"!!!!"
    answer = await upload(service, form(part("file", encoded, "Content-Transfer-Encoding: base64")))
    assert landed(answer) == ["P-1", "P-2"]
    (error,) = answer.json["details"]["errors"]
    assert error["error"] == "MALFORMED_XML"
    assert "Content-Transfer-Encoding" in error["message"]


async def test_many_parts_in_one_block_are_read_without_a_log_record(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    answer = await upload(service, form(FILE, *[part("x", b"")] * 50))
    assert warned(answer) == ["PART_IGNORED"]
    assert [each.name for each in caplog.records if each.name.startswith("aiohttp")] == []


async def test_a_split_at_any_byte_of_a_boundary_does_not_change_the_result(
    service: Service,
) -> None:
    body = form(part("file", XML), part("notes", b"x"))
    end = body.index(f'\r\n--{BOUNDARY}\r\nContent-Disposition: form-data; name="notes'.encode())
    async with Connection(service) as connection:
        for place in range(end - 2, len(body)):
            answer = await piecemeal(connection, service, [body[:place], body[place:]])
            assert len(landed(answer)) == 2, place


@pytest.mark.settings(max_upload_bytes=300_000)
async def test_an_upload_beyond_its_limit_keeps_the_complete_projects(service: Service) -> None:
    many = XML.replace(b"</projects>", b" " * 600_000 + b"</projects>")
    async with Connection(service) as connection:
        await connection.send(head(service, "Transfer-Encoding: chunked"))
        await connection.send(chunked([form(part("file", many))]))
        answer = await connection.answer()
    assert landed(answer) == ["P-1", "P-2"]
    assert [error["error"] for error in answer.json["details"]["errors"]] == ["FILE_TOO_LARGE"]


@pytest.mark.settings(max_upload_bytes=300_000)
async def test_an_upload_beyond_its_limit_without_a_complete_project_is_a_413(
    service: Service,
) -> None:
    none = XML.replace(b"  <project", b" " * 600_000 + b"<project", 1)
    async with Connection(service) as connection:
        await connection.send(head(service, "Transfer-Encoding: chunked"))
        await connection.send(chunked([form(part("file", none))]))
        answer = await connection.answer()
    assert answer.status == 413


@pytest.mark.parametrize("fits", limits(max_upload_bytes=len(FORM)))
async def test_a_body_may_be_as_large_as_the_limit_and_no_larger(
    service: Service, *, fits: bool
) -> None:
    assert (await upload(service, FORM)).status == (207 if fits else 413)
    for pieces in [FORM], [FORM[:-1], FORM[-1:]], [FORM[n : n + 1] for n in range(len(FORM))]:
        async with Connection(service) as connection:
            await connection.send(head(service, "Transfer-Encoding: chunked"), chunked(pieces))
            answer = await connection.answer()
        assert landed(answer) == ["P-1", "P-2"]
        errors = [each["message"] for each in answer.json["details"]["errors"]]
        assert ["bytes allowed" in each for each in errors] == ([] if fits else [True])
