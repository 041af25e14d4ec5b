"""Encodings that a file has, that its part declares, and that only one of its bytes contradicts."""

import pytest

from service.tables import Table
from tests.support.reading import read, rows
from tests.support.xer_plan import PLAN, WHOLE, changed, outcome

UMLAUT = changed(("Survey", "Prüfung €"))
"""The last task has letters beyond ASCII."""


def survey(data: bytes, charset: str | None = None) -> str | None:
    """Return the name of the last task."""
    reading = read(data, charset=charset)
    assert reading.fault is None, reading.fault
    [row] = rows(reading.projects[1], Table.TASKS)
    return row["name"]


@pytest.mark.parametrize(
    ("encoding", "charset"),
    [
        ("utf-8", None),
        ("utf-8-sig", None),
        ("utf-8-sig", "windows-1252"),
        ("utf-16", None),
        ("utf-16-le", "utf-16le"),
        ("utf-16-be", "utf-16be"),
        ("windows-1252", None),
        ("windows-1252", "windows-1252"),
        ("windows-1252", "cp1252"),
        ("iso-8859-15", "iso-8859-15"),
    ],
)
def test_letters_beyond_ascii(encoding: str, charset: str | None) -> None:
    assert survey(UMLAUT.encode(encoding), charset) == "Prüfung €"


@pytest.mark.parametrize(
    ("text", "charset"),
    [
        ("北京", "gb18030"),
        ("北京", "GBK"),
        ("北京", "gb2312"),
        ("台北", "Big5"),
        ("東京", "Shift_JIS"),
        ("서울", "EUC-KR"),
        ("Москва", "KOI8-R"),
        ("Москва", "windows-1251"),
        ("กรุงเทพ", "windows-874"),
    ],
)
def test_code_pages_of_other_scripts(text: str, charset: str) -> None:
    encoding = {"windows-874": "cp874"}.get(charset, charset)
    assert survey(changed(("Survey", text)).encode(encoding), charset) == text


def test_an_id_beyond_ascii_has_its_rows_in_any_encoding() -> None:
    data = PLAN.replace("\t1\tNORTH\t11", "\té\tNORTH\t11").replace("\t1\tY\t", "\té\tY\t")
    data = data.replace("%R\t1\t", "%R\té\t").replace("\t1\tN\t", "\té\tN\t")
    data = data.replace("\t1\t10", "\té\t10").replace("\t1\tRock", "\té\tRock")
    for encoding in ("utf-8", "windows-1252"):
        assert outcome(data.encode(encoding))[:2] == WHOLE


def test_one_byte_decides_for_all_rows_before_it() -> None:
    first, last = b"Gr\xc3\xbc\xc3\x9fe", b"Gr\xfc\xdfe"
    data = changed(("Excavation", "FIRST"), ("Survey", "LAST")).encode()
    data = data.replace(b"FIRST", first).replace(b"LAST", last)
    reading = read(data)
    assert [each.code for each in reading.warnings] == ["ENCODING_ASSUMED"]
    names = {row["name"] for item in reading.projects for row in rows(item, Table.TASKS)}
    assert names >= {first.decode("cp1252"), "Grüße"}


def test_rows_that_are_skipped_do_not_decide() -> None:
    """P6 writes binary data to POBS, in files that are UTF-8 otherwise."""
    data = UMLAUT.replace("%E\n", "%T\tPOBS\n%F\tpobs_id\n%R\tBYTES\n%E\n").encode()
    data = data.replace(b"BYTES", bytes(range(0x80, 0x100)))
    assert survey(data) == "Prüfung €"
    assert outcome(data)[2:] == ("TABLES_SKIPPED 1",)


def _utf_16(text: str) -> bytes:
    return b"\xff\xfe" + text.encode("utf-16-le", "surrogatepass")


@pytest.mark.parametrize(
    ("data", "charset", "line"),
    [
        (UMLAUT.encode("cp1252"), "utf-8", 18),
        (UMLAUT.encode("utf-8"), "us-ascii", 18),
        (_utf_16(PLAN.replace("Survey", "\udc00")), None, 18),
        (_utf_16(PLAN) + b"\n", None, 26),
    ],
    ids=["UTF-8", "US-ASCII", "half a pair of UTF-16", "half a character of UTF-16"],
)
def test_a_file_in_another_encoding_is_refused(data: bytes, charset: str | None, line: int) -> None:
    assert outcome(data, charset) == (f"FileRefused {line}",)


def test_an_unknown_charset_is_refused() -> None:
    assert outcome(PLAN, "utf-7") == ("FileRefused None",)


def test_bytes_that_windows_1252_leaves_undefined_are_kept() -> None:
    data = changed(("Survey", "MARK")).encode().replace(b"MARK", b"\x81\xfc")
    assert survey(data) == "\x81ü"
    assert outcome(data)[-1] == "ENCODING_ASSUMED 1"


def test_a_control_character_is_replaced_before_the_encoding_is_known() -> None:
    assert survey(changed(("Survey", "Prüfung\v€")).encode("cp1252")) == "Prüfung\ufffd€"
    assert survey(changed(("Survey", "Prüfung\v€")).encode()) == "Prüfung\ufffd€"


def test_all_of_the_plan_lands_in_utf_16() -> None:
    assert outcome(PLAN.encode("utf-16")) == WHOLE
