"""A file that is no plan is refused with what it is, and what to do, by its first bytes."""

import gzip
import io
from collections.abc import Iterator

import pytest

from service.codes import ErrorCode
from service.errors import FileRefused
from service.formats.encoding import read_prolog
from tests.support.reading import read

LOGIN = b"<div class='login'><form action=/login><input name=user><br></form></div>"

FILES = [
    (b"PK\x03\x04rest", "compressed twice"),
    (b"\x1f\x8b\x08rest", "compressed twice"),
    (b"\xfd7zXZ\0rest", "compressed with xz, which is not supported; use gzip or ZIP"),
    (b"BZh91AY&SY", "bzip2"),
    (b"\x28\xb5\x2f\xfd\x04", "Zstandard"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"Rar!\x1a\x07\x01\0", "RAR"),
    (b"plan.xml".ljust(257, b"\0") + b"ustar\x0000" + b"<a/>".ljust(900, b"\0"), "tar"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "(.mpp); open the plan in Microsoft Project and save"),
    (b"MPX,Microsoft Project,11.0,ANSI\r\n", "MPX plan; open it in Microsoft Project"),
    (b"\xac\xed\x00\x05sr\x00", "ProjectLibre plan (.pod)"),
    (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "PDF document"),
    (b"{\\rtf1\\ansi Plan}", "RTF"),
    (b' {"projects": []}', "JSON"),
    (b'[{"id": 1}]', "JSON"),
    ('{"projects": []}'.encode("utf-16-le"), "JSON"),
    ('\ufeff{"projects": []}'.encode(), "JSON"),
    (b"\x89PNG\r\n\x1a\n\0\0", "an image"),
    (b"\xff\xd8\xff\xe0\x00\x10JFIF", "an image"),
    (b"SQLite format 3\0", "a database"),
    (b"BEGIN:VCALENDAR\r\nVERSION:2.0", "iCalendar"),
    (b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\n\r\n<projects/>", "HTTP response"),
    (b"%T\tPROJECT\r\n%F\tproj_id\r\n%R\t1\r\n%E\r\n", "XER file without its first line, ERMHDR"),
    (b"id;name\n1;Plant\n", "a table (CSV)"),
    ("id\tname\n1\tPl\u00e4ne\n".encode("utf-16"), "a table (CSV)"),
    ("Projektpl\u00e4ne, im \u00dcberblick".encode("cp1252"), "plain text"),
    (b"See attachment", "plain text"),
    (b"\x00\x01\x02\x03" * 20, "binary data"),
    (b"<!DOCTYPE html><html><body>Log in", "HTML page"),
    (b"\r\n<!doctype HTML>\n<HTML>", "HTML page"),
    (b"<html><body>Log in", "HTML page"),
    (b"<!-- x --><HTML lang=en>", "HTML page"),
    (b"<html xmlns='http://www.w3.org/1999/xhtml'><body/></html>", "HTML page"),
    (LOGIN, "HTML page"),
    (b"<meta charset=utf-8><title>Log in</title>", "HTML page"),
    (b"<h1>502 Bad Gateway</h1>", "HTML page"),
    (b"", "the file is empty"),
    (b" \r\n\t ", "the file is empty"),
    (b"\xef\xbb\xbf", "the file is empty"),
    (b"<plan><id>1</id></plan>", "there is no project in the file; its root is plan"),
    (b"ERMHDR\t19.12\r\n%T\tPROJECT\r\n%E\r\n", "no rows in the table PROJECT"),
]


@pytest.mark.parametrize(("data", "part"), FILES, ids=lambda value: str(value)[:20])
def test_a_file_that_is_not_a_plan_is_refused_with_what_it_is(data: bytes, part: str) -> None:
    for text in (data, data + b" "):
        fault = read(gzip.compress(text)).fault
        assert isinstance(fault, FileRefused)
        assert part in fault.reason
        assert fault.code is ErrorCode.UNSUPPORTED_FILE


@pytest.mark.parametrize(("data", "part"), FILES, ids=lambda value: str(value)[:20])
def test_what_a_file_is_does_not_depend_on_its_pieces(data: bytes, part: str) -> None:
    class Drips(io.BytesIO):
        def read(self, _n: int | None = -1, /) -> bytes:
            return super().read(1)

    def reasons() -> Iterator[str]:
        for source in (io.BytesIO(data), Drips(data)):
            try:
                read_prolog(source)
                yield "a root"
            except FileRefused as fault:
                yield fault.reason

    assert len(set(reasons())) == 1


@pytest.mark.parametrize("blank", ["", "\n\n  ", " " * 5_000])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_white_space_and_marks_before_the_root_are_read(blank: str, encoding: str) -> None:
    data = f"{blank}<a/>".encode(encoding)
    assert read_prolog(io.BytesIO(data)).name == "a"


def test_a_plan_with_the_mark_of_a_tar_archive_is_read() -> None:
    data = b"\n<plan name='".ljust(256, b"M") + b"Mustard plant'/>"
    assert data[257:262] == b"ustar"
    assert read_prolog(io.BytesIO(data)).name == "plan"
