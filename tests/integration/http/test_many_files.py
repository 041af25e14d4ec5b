"""Uploads of several files: one import, with outcomes of projects and of broken files."""

import gzip
from typing import Any

import pytest

from service.storage import Pool
from tests.support.answer import Answer
from tests.support.native import FILE_START, native_file
from tests.support.raw_http import form, get, part
from tests.support.service import Service, limits
from tests.support.uploads import rows, send

KEY = "Idempotency-Key: several"


def plan(*ids: str, name: str = "Plan") -> bytes:
    return native_file(*(f'<project id="{each}"><name>{name}</name></project>\n' for each in ids))


def file(name: str | None, content: bytes, *headers: str, field: str = "file") -> bytes:
    return part(field, content, *headers, filename=name)


def successes(answer: Answer) -> list[tuple[int, str, str | None, int | None]]:
    assert answer.status == 207, answer.body
    return [
        (item["index"], item["external_id"], item["file"], item["line"])
        for item in answer.json["details"]["successes"]
    ]


def errors(answer: Answer) -> list[tuple[int, str, str, str | None]]:
    return [
        (item["index"], item["kind"], item["error"], item["file"])
        for item in answer.json["details"]["errors"]
    ]


MSPDI = (
    b'<Project xmlns="http://schemas.microsoft.com/project"><Name>m</Name>'
    b"<GUID>6E0B6F29-7CA1-4E0D-A5E1-1C3DD6C0D0A1</GUID></Project>"
)


async def test_every_file_of_an_upload_is_imported_in_one_import(
    service: Service, pool: Pool
) -> None:
    body = form(
        file("a.xml", plan("A", "B")),
        part("notes", b"Week 12"),
        file(r"C:\\plans\\..\\b.xml", gzip.compress(plan("C")), field="file[]"),
        file("folder/m.xml", MSPDI, "Content-Type: text/html", field="files"),
        part("files[]", plan("D")),
    )
    answer = await send(service, body)
    assert successes(answer) == [
        (0, "A", "a.xml", 1),
        (1, "B", "a.xml", 2),
        (2, "C", "plans/b.xml", 1),
        (3, "6e0b6f29-7ca1-4e0d-a5e1-1c3dd6c0d0a1", "folder/m.xml", 1),
        (4, "D", None, 1),
    ]
    assert errors(answer) == []
    assert (answer.json["status"], answer.json["counts"]["created"]) == ("success", 5)
    assert answer.json["files"] == {"read": 4, "failed": 0}
    row = await pool.fetchrow("SELECT count(*) OVER (), filename, dialect, notes FROM imports")
    assert tuple(row or ()) == (1, "a.xml", "mixed", "Week 12")


async def read_import(service: Service, answer: Answer) -> dict[str, Any]:
    found: dict[str, Any] = (await get(service, answer.headers["location"])).json["details"]
    return found


async def test_a_broken_file_is_an_outcome_and_the_next_file_is_read(service: Service) -> None:
    truncated = plan("C", "D")[:-30]
    body = form(
        file("plan.mpp", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(5000)),
        file("a.xml", plan("A")),
        file("cut.xml", truncated),
        file("uu.xml", plan("X"), "Content-Transfer-Encoding: x-uuencode"),
        file("charset.xml", plan("X"), "Content-Type: text/xml; charset=klingon"),
        file("nested", plan("X"), "Content-Type: multipart/mixed; boundary=x"),
        file("broken.xml", b"Zm9v!", "Content-Transfer-Encoding: base64"),
        file("empty.xml", b""),
        file("other.xml", b"<Invoice/>"),
        file("b.xml", plan("B")),
    )
    answer = await send(service, body)
    assert [item[1:3] for item in successes(answer)] == [
        ("A", "a.xml"),
        ("C", "cut.xml"),
        ("B", "b.xml"),
    ]
    assert errors(answer) == [
        (0, "file", "UNSUPPORTED_FILE", "plan.mpp"),
        (3, "file", "MALFORMED_XML", "cut.xml"),
        (4, "file", "MALFORMED_XML", "uu.xml"),
        (5, "file", "UNSUPPORTED_FILE", "charset.xml"),
        (6, "file", "UNSUPPORTED_FILE", "nested"),
        (7, "file", "MALFORMED_XML", "broken.xml"),
        (8, "file", "UNSUPPORTED_FILE", "empty.xml"),
        (9, "file", "UNSUPPORTED_FILE", "other.xml"),
    ]
    for item in answer.json["details"]["errors"]:
        assert (item["project"], item["external_id"], item["name"]) == (None, None, None)
    assert answer.json["counts"] == {"created": 3, "updated": 0, "unchanged": 0, "failed": 0}
    assert answer.json["files"] == {"read": 2, "failed": 8}
    assert answer.json["status"] == "partial"
    assert "8 of 10 files" in answer.json["message"]
    found = await read_import(service, answer)
    assert (found["files"], found["counts"]["failed"]) == ({"read": 2, "failed": 8}, 0)
    assert (found["state"], found["filename"]) == ("completed", "plan.mpp")


@pytest.mark.parametrize("content", [plan("A", "B"), plan("A")[:-5]])
async def test_the_fault_of_an_only_file_is_an_outcome_if_a_project_precedes_it(
    service: Service, content: bytes
) -> None:
    answer = await send(service, form(file("a.xml", content[:-5])))
    assert answer.json["files"] == {"read": 0, "failed": 1}
    assert "the file could not be read to its end" in answer.json["message"]
    assert answer.json["counts"]["failed"] == 0


async def test_an_upload_of_faulty_files_only_is_a_207_with_the_status_error(
    service: Service,
) -> None:
    answer = await send(service, form(file("a.mpp", b"x"), file("b.mpp", b"y")))
    assert [item[1] for item in errors(answer)] == ["file", "file"]
    assert (answer.status, answer.json["status"]) == (207, "error")


async def test_a_duplicate_names_the_file_of_the_first_project(service: Service) -> None:
    body = form(file("a.xml", plan("A", "A")), file("b.xml", plan("B", "A", name="Other")))
    answer = await send(service, body)
    assert [item[1] for item in successes(answer)] == ["A", "B"]
    one, two = answer.json["details"]["errors"]
    assert (one["file"], one["first_file"], one["first_line"]) == ("a.xml", "a.xml", 1)
    assert (two["file"], two["first_file"], two["first_line"]) == ("b.xml", "a.xml", 1)
    assert "a.xml" in two["message"]
    assert "a.xml" not in one["message"]


async def test_atomic_spans_all_files(service: Service, pool: Pool) -> None:
    body = form(file("a.xml", plan("A")), file("b.xml", b"<Invoice/>"), file("c.xml", plan("C")))
    answer = await send(service, body, "atomic=true")
    assert answer.json["counts"] == {"created": 0, "updated": 0, "unchanged": 0, "failed": 2}
    assert [item[2:] for item in errors(answer)] == [
        ("NOT_IMPORTED", "a.xml"),
        ("UNSUPPORTED_FILE", "b.xml"),
        ("NOT_IMPORTED", "c.xml"),
    ]
    assert await pool.fetchval("SELECT count(*) FROM projects") == 0


async def test_a_dry_run_spans_all_files_and_changes_nothing(service: Service, pool: Pool) -> None:
    before = await rows(pool)
    body = form(file("a.xml", plan("A")), file("b.xml", b"x"), file("c.xml", plan("C")))
    answer = await send(service, body, "dry_run=true")
    assert answer.json["counts"]["created"] == 2
    assert answer.json["files"] == {"read": 2, "failed": 1}
    assert await rows(pool) == before


async def test_a_key_repeats_the_same_files_and_no_others(service: Service) -> None:
    files = [file("a.xml", plan("A")), file("b.xml", b"<Invoice/>"), file("c.xml", plan("C"))]
    first = await send(service, form(*files), "", KEY)
    assert first.status == 207
    assert (await send(service, form(*files), "", KEY)).body == first.body
    other = [files[:2], [files[1], files[0], files[2]], [*files, file("d.xml", plan("D"))]]
    joined = [file("a.xml", plan("A") + b"<Invoice/>"), files[2]]
    for changed in [*other, joined]:
        assert (await send(service, form(*changed), "", KEY)).status == 422


@pytest.mark.parametrize("fits", limits(max_files=3))
async def test_files_over_the_limit_are_not_read(service: Service, *, fits: bool) -> None:
    answer = await send(service, form(*(file(f"{each}.xml", plan(each)) for each in "ABC")))
    assert [item[1] for item in successes(answer)] == ["A", "B", "C"][: 2 + fits]
    assert errors(answer) == ([] if fits else [(2, "file", "FILE_TOO_LARGE", "C.xml")])


async def test_missing_from_counts_the_projects_of_all_files(service: Service) -> None:
    path = "/api/v2/clients/1/projects?missing_from="
    await send(service, form(file("a.xml", plan("A", "B", "C"))))
    files = [file("a.xml", plan("A")), file("b.xml", plan("C"))]
    answer = await send(service, form(*files))
    found = (await get(service, f"{path}{answer.json['import_id']}")).json["details"]["projects"]
    assert [each["external_id"] for each in found] == ["B"]
    cut = b"".join([*files, file("c.xml", plan("B"))[:60]])
    for body in (form(file("b.mpp", b"x"), *files), b"".join(files), cut):
        answer = await send(service, body)
        assert answer.json["counts"]["unchanged"] == 2
        assert (await get(service, f"{path}{answer.json['import_id']}")).status == 409


async def test_outcomes_are_found_by_the_name_of_their_file(service: Service) -> None:
    answer = await send(service, form(file("north.xml", plan("A")), file("south.xml", b"x")))
    found = await get(service, f"{answer.headers['location']}/results?text=SOUTH")
    assert [each["kind"] for each in found.json["details"]["results"]] == ["file"]
    text = (await get(service, f"{answer.headers['location']}/results", "Accept: text/csv")).body
    header, first, second = text.decode().splitlines()
    assert header.startswith("index,kind,external_id,name,file,outcome,")
    assert first.startswith("0,project,A,Plan,north.xml,created,")
    assert second.startswith("1,file,,,south.xml,failed,")


async def test_warnings_of_files_name_the_file_and_are_bounded(service: Service) -> None:
    stray = plan("A").replace(b"</projects>", b"<stray/></projects>")
    files = [file(f"{n}.xml", stray.replace(b'"A"', b'"%d"' % n)) for n in range(120)]
    warnings = (await send(service, form(*files))).json["details"]["warnings"]
    assert [each["file"] for each in warnings[:100]] == [f"{n}.xml" for n in range(100)]
    assert (warnings[100]["code"], warnings[100]["count"]) == ("MORE_WARNINGS", 20)
    assert len(warnings) == 101


async def test_a_file_after_one_that_breaks_in_a_project_begins_anew(service: Service) -> None:
    """The second file would continue the open project of the first one."""
    head = FILE_START.encode() + b'\n<project id="A"><name>a</name><tasks>'
    answer = await send(service, form(file("a.xml", head), file("b.xml", plan("A"))))
    assert successes(answer) == [(1, "A", "b.xml", 1)]
    assert errors(answer) == [(0, "file", "MALFORMED_XML", "a.xml")]
