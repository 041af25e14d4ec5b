"""A file leaves nothing behind in the caches of the process but short texts."""

import tracemalloc

import pytest

from service.formats import values
from service.formats.p6.shared_objects import references
from service.formats.text_cache import LONGEST, MOST, TextCache
from tests.support.reading import MSPDI, read

MIB = 1024 * 1024
LONG = [f"{'x' * MIB}{number}" for number in range(8)]
DIGITS = [text.replace("x", "9") for text in LONG]


def mspdi_file(texts: list[str]) -> str:
    inside = "".join(f"<Task><UID>{text}</UID><Start>{text}</Start></Task>" for text in texts)
    return f"<Project xmlns='{MSPDI}'><Name>n</Name><Tasks>{inside}</Tasks></Project>"


def p6_file(texts: list[str]) -> str:
    inside = "".join(
        f"<Calendar><ObjectId>{number}</ObjectId><BaseCalendarObjectId>{text}"
        "</BaseCalendarObjectId></Calendar>"
        for number, text in enumerate(texts)
    )
    project = "<Project><Id>P</Id><Name>n</Name></Project>"
    return f"<APIBusinessObjects>{inside}{project}</APIBusinessObjects>"


@pytest.mark.usefixtures("both_engines")
@pytest.mark.parametrize("data", [mspdi_file(LONG), p6_file(DIGITS)], ids=["mspdi", "p6"])
def test_long_texts_of_a_file_are_not_kept(data: str) -> None:
    read(mspdi_file(["1"]))
    read(p6_file(["1"]))
    tracemalloc.start()
    try:
        read(data)
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < MIB


def test_all_kinds_together_keep_two_megabytes_of_texts() -> None:
    tracemalloc.start()
    try:
        for number in range(2 * MOST):
            text = f"{number}{'é' * 64}"[:LONGEST]
            values.ID.parse(text)
            values.TIMESTAMP.parse(text)
            references("Activity", b'"CalendarObjectId":"%d"' % number)
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 2 * MIB


def test_a_result_is_computed_once_for_a_short_text_and_each_time_for_a_long_one() -> None:
    computed: list[str] = []

    def compute(text: str) -> int:
        computed.append(text)
        return len(text)

    cache = TextCache(compute)
    short, long = "x" * LONGEST, "x" * (LONGEST + 1)
    assert [cache[text] for text in (short, short, long, long)] == [64, 64, 65, 65]
    assert computed == [short, long, long]


@pytest.mark.parametrize(("digits", "found"), [(255, 1), (256, 0)])
def test_an_id_longer_than_any_refers_to_nothing(digits: int, found: int) -> None:
    text = b"9" * digits
    assert len(references("Activity", b'{"CalendarObjectId":"%b"}' % text)) == found
