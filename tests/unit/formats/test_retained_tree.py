"""What stays in the tree costs nothing when more bytes arrive."""

import time
from collections.abc import Iterator

import pytest

from service.errors import FileRefused, FileTooLarge
from service.formats.limits import Limits
from service.formats.reader import Reader
from service.model import Project
from tests.support.reading import MSPDI, NATIVE, read
from tests.support.record_files import PieceSource

pytestmark = pytest.mark.usefixtures("both_engines")

MANY = 30_000
DRIPS = 300
NATIVE_START = f"<projects xmlns='{NATIVE}'>"
P6_START = "<APIBusinessObjects>"


@pytest.mark.parametrize(
    ("start", "piece"),
    [
        (f"{NATIVE_START}<project id='1'>", "<x/>"),
        (f"{NATIVE_START}<project id='1'><tasks>", "<x/>"),
        (f"{NATIVE_START}<project id='1'><tasks><task>", "<x/>"),
        (f"{P6_START}<Project>", "<x/>"),
        (f"{P6_START}<x>", "<x/>"),
        (f"{P6_START}<BaselineProject>", "<x/>"),
        ("<a>", "<b/>"),
        (f"<Project xmlns='{MSPDI}'><Tasks>", "<x>y</x>"),
    ],
)
def test_a_drip_after_many_elements_is_cheap(start: str, piece: str) -> None:
    spent = 0.0

    def drip() -> Iterator[bytes]:
        nonlocal spent
        yield (start + MANY * piece).encode()
        yield b" "
        spent = -time.thread_time()
        for _ in range(DRIPS):
            yield b" "
        spent += time.thread_time()

    with pytest.raises(FileRefused):
        list(Reader(PieceSource(drip()), Limits()))
    assert spent < 0.1


def test_elements_at_every_level_above_a_project_are_counted_once() -> None:
    project = f"<Project xmlns='{MSPDI}'><Name>n</Name></Project>"
    inner = f"<b>x</b>{project}<b>x</b>{project}<c><b>x</b>{project}</c><c>x{project}</c>y"
    reading = read(f"<a><b>x</b><d><b>x</b><e>{inner}</e>{project}</d><d>{project}</d></a>")
    assert len(reading.projects) == 6
    assert [warning.count for warning in reading.warnings] == [6]


@pytest.mark.parametrize("size", [1, 100, 100_000])
def test_a_file_over_a_limit_reads_the_same_however_it_is_cut(size: int) -> None:
    project = "<Project><Id>P%d</Id><Name>n</Name></Project>"
    between = "<Activity/><BaselineProject/><Calendar><ObjectId>%d</ObjectId></Calendar>x"
    inside = "".join(project % n + between % n for n in range(20))
    data = f"{P6_START}{inside}</APIBusinessObjects>".encode()

    def read_cut(limit: int) -> list[object]:
        pieces = (data[at : at + size] for at in range(0, len(data), size))
        reader = Reader(PieceSource(pieces), Limits(max_file_bytes=limit))
        items: list[object] = []
        with pytest.raises(FileTooLarge) as fault:
            items.extend(item.external_id for item in reader if isinstance(item, Project))
        assert fault.value.line == 1
        return [*items, fault.value.external_id, fault.value.name, *reader.warnings]

    for limit in (1500, 1530, 1560, 1590, 1620):
        found = read_cut(limit)
        starts = data[:limit].count(b"<Project>")
        before = max(starts - 1, 0)
        assert [getattr(each, "count", None) for each in found[-4:]] == [before] * 4
        assert found[:before] == [f"P{n}" for n in range(before)]


def test_a_name_that_is_too_long_leaves_the_counts_of_the_last_start() -> None:
    project = "<project id='1'><name>n</name></project>"
    for size in (1, 50, 100_000):
        data = f"{NATIVE_START}<x/>y{project}<x/>z<{'a' * 1001}/>{project}</projects>".encode()
        pieces = (data[at : at + size] for at in range(0, len(data), size))
        reader = Reader(PieceSource(pieces), Limits())
        with pytest.raises(FileTooLarge):
            assert len(list(reader)) == 1
        assert [warning.count for warning in reader.warnings] == [2]
