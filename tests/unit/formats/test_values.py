"""Typed values: which texts are accepted, and how they are written."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.formats import values
from service.formats.values import NULL, Kind, unescape
from service.model import MAX_ID
from service.spool.copy_rows import escape
from tests.support.fuzzing import examples

TAKEN: list[tuple[Kind, str, str]] = [
    (values.TEXT, "  padded  ", "  padded  "),
    (values.TEXT, "a\tb\nc\rd\\e", r"a\tb\nc\rd\\e"),
    (values.TEXT, "\\N", r"\\N"),
    (values.TEXT, "\u00a0", "\u00a0"),
    (values.ID, " T 1 ", "T 1"),
    (values.ID, "a\\b", r"a\\b"),
    (values.ID, "e\u0301", "\u00e9"),
    (values.ID, "\u212b-1", "\u00c5-1"),
    (values.ID, "\u1100\u1161", "\uac00"),
    (values.ID, "\u00a0P\u00a01\u200b", "\u00a0P\u00a01\u200b"),
    (values.ID, "\ufb01", "\ufb01"),
    (values.ID, "é" * MAX_ID, "é" * MAX_ID),
    (values.TIMESTAMP, " 2026-01-05T08:00:00\n", "2026-01-05T08:00:00"),
    (values.TIMESTAMP, "2024-02-29T23:59:59.120000", "2024-02-29T23:59:59.12"),
    (values.TIMESTAMP, "2026-01-05T08:00:00.000", "2026-01-05T08:00:00"),
    (values.DURATION, "PT40H", "PT40H"),
    (values.DURATION, "PT0H0M0S", "PT0S"),
    (values.DURATION, "-PT8H30M", "PT-8H-30M"),
    (values.DURATION, "-PT0.5S", "PT-0.5S"),
    (values.DURATION, "PT90M", "PT1H30M"),
    (values.DURATION, "PT1.250S", "PT1.25S"),
    (values.DURATION, "P14M40DT25H", "P1Y2M40DT25H"),
    (values.DURATION, "-P1D", "P-1D"),
    (values.HOURS, "40", "PT40H"),
    (values.HOURS, "-1.5", "PT-1H-30M"),
    (values.HOURS, "0.3333333333", "PT20M"),
    (values.HOURS, "1E-3", "PT3.6S"),
    (values.TENTHS, "4800", "PT8H"),
    (values.TENTHS, "-5", "PT-30S"),
    (values.HUNDREDTHS, "505200", "5052"),
    (values.HUNDREDTHS, "-29908.45", "-299.0845"),
    (values.HUNDREDTHS, "5", "0.05"),
    (values.HUNDREDTHS, "-0", "0"),
    (values.GUID, "{3F2504E0-4F89-11D3-9A0C-0305E82C3301}", "3f2504e0-4f89-11d3-9a0c-0305e82c3301"),
    (values.GUID, " 3f2504e0-4f89-11d3-9a0c-0305e82c3301", "3f2504e0-4f89-11d3-9a0c-0305e82c3301"),
    (values.id_or_none("-1"), " 12 ", "12"),
    (values.DECIMAL, "0.50", "0.5"),
    (values.DECIMAL, "1e3", "1000"),
    (values.DECIMAL, "4.05E-005", "0.0000405"),  # as P6 writes small numbers
    (values.DECIMAL, "-0.0", "0"),
    (values.DECIMAL, "100", "100"),
    (values.DECIMAL, "0.08888888888888889", "0.08888888888888889"),  # as P6 writes doubles
    (values.DECIMAL, "12345678901234.12345678901234567891", "12345678901234.12345678901234567891"),
    (values.PERCENT, "100.00", "100"),
    (values.PERCENT, "33.30", "33.3"),
    (values.FRACTION, "0.29", "29"),
    (values.FRACTION, "1", "100"),
    (values.INTEGER, "+0500", "500"),
    (values.INTEGER, "-999999999", "-999999999"),
    (values.BOOLEAN, "1", "t"),
    (values.BOOLEAN, " false ", "f"),
    (values.WORD, "mspdi", "mspdi"),
    (values.enumeration("link", {"0": "FF", "1": "FS"}), " 1", "FS"),
]

REFUSED: list[tuple[Kind, str]] = [
    (values.ID, "x" * (MAX_ID + 1)),
    (values.ID, "\U0001d160" * MAX_ID),  # three characters in NFC
    (values.TIMESTAMP, "now"),
    (values.TIMESTAMP, "infinity"),
    (values.TIMESTAMP, "05/01/2026"),
    (values.TIMESTAMP, "2026-01-05"),
    (values.TIMESTAMP, "2026-01-05T24:00:00"),
    (values.TIMESTAMP, "2026-01-05T08:00:00Z"),
    (values.TIMESTAMP, "2026-01-05T08:00:00+02:00"),
    (values.TIMESTAMP, "2025-02-29T00:00:00"),
    (values.TIMESTAMP, "0000-01-01T00:00:00"),
    (values.TIMESTAMP, "2008-12-04T17:-0:00"),
    (values.TIMESTAMP, "٢٠٢٦-01-05T08:00:00"),
    (values.DURATION, "P"),
    (values.DURATION, "PT"),
    (values.DURATION, "P1DT"),
    (values.DURATION, "P1W"),
    (values.DURATION, "PT1.1234567S"),
    (values.DURATION, "PT123456789H"),
    (values.DURATION, "PT99999999H60M"),
    (values.DURATION, "P99999999Y12M"),
    (values.DURATION, "8 hours"),
    (values.HOURS, "1e9"),
    (values.HOURS, "100000000"),
    (values.HOURS, "NaN"),
    (values.TENTHS, "1.5"),
    (values.HUNDREDTHS, "1,000"),
    (values.GUID, "3F2504E0-4F89-11D3-9A0C-0305E82C330"),
    (values.GUID, "3F2504E0-4F89-11D3-9A0C-0305E82C330G"),
    (values.DECIMAL, "NaN"),
    (values.DECIMAL, "1_000"),
    (values.DECIMAL, "0x10"),
    (values.DECIMAL, "1,5"),
    (values.DECIMAL, "."),
    (values.DECIMAL, "1e100"),
    (values.DECIMAL, "1e-100"),
    (values.DECIMAL, "0.123456789012345678901"),
    (values.PERCENT, "100.1"),
    (values.PERCENT, "-1"),
    (values.FRACTION, "1.01"),
    (values.INTEGER, "1234567890"),
    (values.INTEGER, "1.0"),
    (values.BOOLEAN, "yes"),
    (values.BOOLEAN, "True"),
    (values.WORD, "P6"),
]


@pytest.mark.parametrize(("kind", "text", "written"), TAKEN)
def test_a_value_has_one_canonical_text(kind: Kind, text: str, written: str) -> None:
    assert kind.parse(text) == written.encode()


@pytest.mark.parametrize(("kind", "text"), REFUSED)
def test_a_value_that_postgresql_misreads_or_refuses_is_bad(kind: Kind, text: str) -> None:
    assert kind.parse(text) is None


@pytest.mark.parametrize("kind", {kind.name: kind for kind, *_ in TAKEN}.values())
@pytest.mark.parametrize("text", ["", " \t\r\n"])
def test_blank_text_is_null(kind: Kind, text: str) -> None:
    assert kind.parse(text) is NULL


@examples(100)
@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_copy_text_reads_back_unchanged(text: str) -> None:
    written = escape(text.encode())
    assert b"\t" not in written
    assert b"\n" not in written
    assert b"\r" not in written
    assert unescape(written) == text


def test_a_null_reads_back_as_none() -> None:
    assert unescape(NULL) is None


def test_a_long_id_is_refused_before_it_is_normalized() -> None:
    marks = "\N{COMBINING ACUTE ACCENT}\N{COMBINING GRAVE ACCENT BELOW}" * 20_000
    began = time.thread_time()
    assert values.ID.parse(marks) is None
    assert time.thread_time() - began < 0.2
