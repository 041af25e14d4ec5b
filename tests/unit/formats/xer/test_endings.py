"""Files whose reading ends before their end, and what they leave."""

import gc
from collections.abc import Iterator
from contextlib import suppress
from io import BytesIO

import pytest

from service.errors import FileRefused, FileTooLarge
from service.formats.reader import Limits, Reader
from service.formats.xer import lines
from tests.support.reading import read
from tests.support.xer_files import portfolio
from tests.support.xer_plan import PLAN, WHOLE, outcome

STUBS = PLAN.replace("\tY\n%", "\tN\n%")
LARGE = b"".join(portfolio(projects=3, activities=500))
ONE = Limits(max_projects=1)
LEFT = {"RowEvents", "_Writer", "Cursor", "XerFileContext", "XerIntake", "RowWriter", "_Element"}


@pytest.fixture
def no_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("both_engines", "no_collector")
@pytest.mark.parametrize(
    ("data", "limits"),
    [
        (PLAN, Limits()),
        (PLAN, ONE),
        (LARGE, ONE),
        (PLAN.removesuffix("%E\n"), Limits()),
        (STUBS, Limits()),
    ],
    ids=["whole", "a limit", "a limit between steps", "no end", "no projects"],
)
def test_a_read_file_leaves_no_objects_to_the_garbage_collector(
    data: str | bytes, limits: Limits
) -> None:
    source = BytesIO(data.encode() if isinstance(data, str) else data)
    with suppress(FileRefused, FileTooLarge):  # a traceback would keep the objects
        for _ in Reader(source, limits):
            pass
    assert LEFT.isdisjoint(type(each).__name__ for each in gc.get_objects())


@pytest.mark.usefixtures("both_engines")
def test_rows_that_a_limit_leaves_unread_are_not_counted() -> None:
    assert read(PLAN).warnings == []
    reading = read(LARGE, ONE)
    assert reading.fault is not None
    assert reading.warnings == []


def test_a_file_has_a_limit_of_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    last = PLAN.count("\n")
    monkeypatch.setattr(lines, "MAX_LINES", last)
    assert outcome(PLAN) == WHOLE
    monkeypatch.setattr(lines, "MAX_LINES", last - 1)
    assert outcome(PLAN) == (f"FileTooLarge {last}",)
