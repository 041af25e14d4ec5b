from base64 import b64encode
from uuid import uuid4

import pytest

from service.formats.xer import values


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        (b"2019-06-10 08:00", b"2019-06-10T08:00:00"),
        (b"2019-06-10 23:59:30", b"2019-06-10T23:59:30"),
        (b"2019-06-10", b"2019-06-10T00:00:00"),
        (b"2019-6-10 08.30", b"2019-06-10T08:30:00"),
        (b" 2019-06-10 0830 ", b"2019-06-10T08:30:00"),
    ],
)
def test_dates_are_written_as_in_p6_xml(cell: bytes, expected: bytes) -> None:
    assert values.DATE(cell) == expected


@pytest.mark.parametrize(
    "cell", [b"2019-02-30 08:00", b"2019-06-10 24:00", b"10-Jun-19", b"2019-06-10 08:00 AM", b"x"]
)
def test_a_bad_date_is_returned_unchanged(cell: bytes) -> None:
    assert values.DATE(cell) == cell


def test_a_percentage_becomes_a_fraction() -> None:
    cells = [b"0", b"100", b"37.5", b"0.1", b"1E+1", b"120", b"n/a"]

    fractions = [b"0", b"1", b"0.375", b"0.001", b"0.1", b"1.2", b"n/a"]
    assert list(map(values.PERCENT, cells)) == fractions


def test_a_number_has_no_zeros_at_its_end() -> None:
    cells = [b"0.0000", b"45.0000", b"-66.0850", b"100", b"1.", b"1.50E+10", b"n/a.0"]

    numbers = [b"0", b"45", b"-66.085", b"100", b"1", b"1.50E+10", b"n/a.0"]
    assert list(map(values.NUMBER, cells)) == numbers


def test_words_are_translated_and_others_kept() -> None:
    convert = values.words({"TK_Active": "In Progress"})

    assert [convert(b"TK_Active"), convert(b"TK_New")] == [b"In Progress", b"TK_New"]
    assert list(map(values.FLAG, [b"Y", b"N", b"?"])) == [b"1", b"0", b"?"]


def test_a_guid_has_the_byte_order_of_windows() -> None:
    # From a file of P6. The first three groups have their lowest byte first.
    assert values.GUID(b"/vImPk4L1hGwBAAGKXDliR") == b"{3E26F2FE-0B4E-11D6-B004-00062970E589}"


def test_every_guid_is_read() -> None:
    guid = uuid4()

    assert values.GUID(b64encode(guid.bytes_le)[:22]) == f"{{{guid}}}".upper().encode()


@pytest.mark.parametrize("cell", [b"{3E26F2FE-0B4E-11D6-B004-00062970E589}", b"x" * 23, b"-" * 22])
def test_what_is_no_guid_of_p6_is_returned_unchanged(cell: bytes) -> None:
    assert values.GUID(cell) == cell


def test_texts_have_their_quotes_and_line_breaks() -> None:
    cell = b'pipe 12"" <p class=""x"">one\x7f\x7ftwo\x7f\x7f\x7f\x7fthree</p>'

    assert values.TEXT(cell) == b'pipe 12" <p class="x">one\ntwo\n\nthree</p>'


def test_tabs_of_html_are_part_of_the_text() -> None:
    row = b"1\tRSRC\t<HTML>a\tb\x7f\x7f\t\x7f\x7fc</HTML> \tY\t"

    cells = values.mark_tabs(row, 5).split(b"\t")
    assert cells[3:] == [b"Y", b""]
    assert values.TEXT(cells[2]) == b"<HTML>a\tb\n\t\nc</HTML> "


@pytest.mark.parametrize(
    "row",
    [
        b"1",
        b"1\t2\t3",
        b"<html>\ta\t</html>",
        b"<html></html>\t\t",
        b"<html>" + b"\t" * 2000 + b"</html>",
    ],
)
def test_tabs_outside_of_html_are_not_marked(row: bytes) -> None:
    assert values.mark_tabs(row, 2) == row


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        (b"1,5", b"1.5"),
        (b"-0,25", b"-0.25"),
        (b",5", b"0.5"),
        (b"8", b"8"),
        (b"1,5E-05", b"1.5E-05"),
        (b"1,5E-005", b"1.5E-005"),
        (b"12.345.678,9", b"12345678.9"),
        (b"1.234,5", b"1234.5"),
        (b"1.234.567", b"1234567"),
    ],
)
def test_numbers_with_a_decimal_comma(cell: bytes, expected: bytes) -> None:
    assert values.with_marks(b",", b".")(cell) == expected


@pytest.mark.parametrize("cell", [b"1.000", b"8.5", b"1,2,3", b"12.34,5", b"-", b",", b"x"])
def test_a_number_that_can_have_two_meanings_is_returned_unchanged(cell: bytes) -> None:
    assert values.with_marks(b",", b".")(cell) == cell


def test_numbers_with_other_marks() -> None:
    assert values.with_marks(b",", "\xa0".encode())("1\xa0234,5".encode()) == b"1234.5"
    assert values.with_marks(b".", b",")(b"1,234.5") == b"1234.5"
    assert values.with_marks(b"", b"5")(b"1.5") == b"1.5"


def test_characters_that_xml_cannot_have_are_replaced() -> None:
    text = "a\x00b\x0bc\x1fd\ufffee\uffff\t\n\r\x7f\x85\ufffd\U0010ffff"

    replaced = values.replace_forbidden(text.encode()).decode()
    assert replaced == "a\ufffdb\ufffdc\ufffdd\ufffde\ufffd\t\n\r\x7f\x85\ufffd\U0010ffff"
