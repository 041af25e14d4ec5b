"""A file as a stream: order, faults in the middle, lines, limits and memory."""

import io
import resource
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

import service.spool.disk_set
from service.codes import ErrorCode
from service.errors import FileRefused, FileTooLarge
from service.formats.limits import Limits
from service.formats.reader import Reader
from service.model import Item, Project
from tests.support.reading import MSPDI, NATIVE, read
from tests.support.record_files import PieceSource

pytestmark = pytest.mark.usefixtures("both_engines")

HEAD = f"<projects xmlns='{NATIVE}'>"
FEW = Limits(max_attributes_bytes=100_000)


def project(name: str, inside: str = "") -> str:
    return f"<project id='{name}'><name>n</name>{inside}</project>"


def test_a_project_is_returned_before_the_next_one_arrives() -> None:
    pieces = [HEAD, project("1"), project("2"), "</projects>"]
    source = PieceSource(iter([piece.encode() for piece in pieces]))
    reader = Reader(source, Limits())
    items = iter(reader)
    first = next(items)
    assert isinstance(first, Project)
    assert (first.external_id, reader.format_name, source.taken) == ("1", "native", 2)
    assert [item.external_id for item in items if isinstance(item, Project)] == ["2"]
    assert (reader.closed, reader.complete) == (True, 2)


@pytest.mark.parametrize("size", [1, 7, 64])
def test_items_do_not_depend_on_the_pieces_of_a_file(size: int) -> None:
    tasks = "<tasks><task id='A'><name>é</name></task><task id='B' parent='A'/></tasks>"
    data = f"{HEAD}{project('1', tasks)}{project('2')}</projects>".encode()
    pieces = (data[at : at + size] for at in range(0, len(data), size))
    items = list(Reader(PieceSource(pieces), Limits()))
    hashes = [item.content_hash for item in items if isinstance(item, Project)]
    assert hashes == [found.content_hash for found in read(data).projects]


def test_exceptions_of_the_source_pass_through() -> None:
    def broken() -> Iterator[bytes]:
        yield f"{HEAD}{project('1')}".encode()
        raise ConnectionResetError

    found: list[Item] = []
    with pytest.raises(ConnectionResetError):
        found.extend(Reader(PieceSource(broken()), Limits()))
    assert len(found) == 1


def test_a_syntax_error_comes_after_the_projects_before_it() -> None:
    reading = read(f"{HEAD}{project('1')}\n<project id='2'><name>n</name>\n  <tasks><task></oops>")
    assert [found.external_id for found in reading.projects] == ["1"]
    assert isinstance(reading.fault, FileRefused)
    assert (reading.fault.line, reading.complete, reading.closed) == (3, 1, False)
    assert (reading.fault.external_id, reading.fault.name) == ("2", "n")
    assert "task" in reading.fault.reason


@pytest.mark.parametrize("inside", ["<tasks>", "\n<tasks>\n<task></tasks>", "<name b=3>", "&c;"])
def test_the_reason_of_a_syntax_error_names_no_line(inside: str) -> None:
    reading = read(f"{HEAD}{project('1')}\n<project id='2'>{inside}")
    assert isinstance(reading.fault, FileRefused)
    assert "line" not in reading.fault.reason
    place = f", line {reading.fault.line}, column {reading.fault.column}"
    assert reading.fault.details.endswith(f"{reading.fault.reason}{place}")


def test_a_file_that_ends_too_early_is_refused_with_the_open_element() -> None:
    reading = read(f"{HEAD}{project('1')}<project id='2'>")
    assert len(reading.projects) == 1
    assert isinstance(reading.fault, FileRefused)
    assert reading.fault.line == 1
    assert "line 1" in reading.fault.details


@pytest.mark.parametrize(
    ("inside", "words"),
    [
        ("<a>" * 300, "more than 256 deep"),
        (f"<description>{'x' * 10_000_001}</description>", "longer than 10,000,000 bytes"),
        (f"<tasks><task id='{'x' * 10_000_001}'/></tasks>", "longer than 10,000,000 bytes"),
        (f"<!--{'x' * 10_000_001}-->", "longer than 10,000,000 bytes"),
        (f"<code><![CDATA[{'x' * 10_000_001}]]></code>", "longer than 10,000,000 bytes"),
        (f"<{'x' * 50_001}/>", "a name is longer than 50,000 bytes"),
    ],
)
def test_the_limits_of_the_parser_have_plain_messages(inside: str, words: str) -> None:
    reading = read(f"{HEAD}{project('1')}{project('2', inside)}</projects>")
    assert [found.external_id for found in reading.projects] == ["1"]
    assert isinstance(reading.fault, FileRefused)
    assert words in reading.fault.reason
    assert "XML_PARSE_HUGE" not in reading.fault.reason


def test_an_undeclared_entity_is_refused_with_its_position() -> None:
    reading = read(f"{HEAD}{project('1')}\n{project('2', '<code>a&amp;b&c;</code>')}</projects>")
    assert [found.external_id for found in reading.projects] == ["1"]
    assert isinstance(reading.fault, FileRefused)
    assert (reading.fault.line, reading.fault.column) == (2, 47)
    assert reading.fault.details.endswith("Entity 'c' not defined, line 2, column 47")


@pytest.mark.parametrize(
    "data", ["<html/>", HEAD + "</projects>", f"<Project xmlns='{MSPDI}x'/>", "<a><Project/></a>"]
)
def test_a_file_without_a_project_is_refused(data: str) -> None:
    reading = read(data)
    assert reading.items == []
    assert isinstance(reading.fault, FileRefused)


@pytest.mark.parametrize("size", [997, 1 << 20])
def test_lines_are_right_past_the_parsers_sixteen_bits(size: int) -> None:
    at = 60_000
    written = [HEAD, "\n" * (at - 1)]
    right: list[int] = []
    while at < 70_000:
        written.append(f"\n  <project id='{len(right)}'>\n    <name>n\nm</name>")
        right.append(at + 1)
        at += 3
        if len(right) % 2:
            written.append("\n    <tasks>\n      <task id='A'>\n\n      </task>\n    </tasks>\n")
            at += 6
        written.append("</project>")
    data = "".join([*written, "</projects>"]).encode()
    pieces = (data[at : at + size] for at in range(0, len(data), size))
    items = list(Reader(PieceSource(pieces), Limits()))
    assert [item.line for item in items if isinstance(item, Project)] == right


def test_faults_past_the_parsers_sixteen_bits_have_the_right_line() -> None:
    tasks = [f"\n<task id='{n}'/>" for n in range(10_000)]
    tasks[0] = "\n" * 60_000 + "<task id='0'/>"
    tasks[9_000] = "\n<task id='x'>\n<name>y</name><start>never</start>\n</task>"
    inside = f"<tasks>{''.join(tasks)}</tasks>"
    [refusal] = read(f"{HEAD}{project('1', inside)}</projects>").refusals
    [violation] = refusal.extra["violations"]
    assert violation["line"] == 69_000 + 2


def test_a_project_over_the_limit_ends_the_reading_after_those_before() -> None:
    written = HEAD + "".join(project(str(n)) for n in range(5)) + "</projects>"
    reading = read(written, Limits(max_projects=3))
    assert len(reading.projects) == 3
    assert isinstance(reading.fault, FileTooLarge)
    assert reading.fault.line == 1


def test_a_byte_over_the_limit_ends_the_reading_after_the_projects_before() -> None:
    written = HEAD + "".join(project(str(n)) for n in range(9000)) + "</projects>"
    reading = read(written, Limits(max_file_bytes=200_000))
    assert 1000 < len(reading.projects) < 9000
    assert isinstance(reading.fault, FileTooLarge)
    assert reading.fault.line == 1


def test_too_many_names_end_the_reading() -> None:
    names = "".join(f"<n{n}/>" for n in range(200_000))
    reading = read(f"<Project xmlns='{MSPDI}'><Name>n</Name>{names}</Project>", FEW)
    assert isinstance(reading.fault, FileTooLarge)
    assert "distinct names" in reading.fault.details
    assert reading.fault.line == 1


def test_a_long_namespace_takes_memory_once() -> None:
    names = "".join(f"<n{n}>x</n{n}>" for n in range(50))
    task = f"<Task><UID>1</UID><a xmlns='{'u' * 500_000}'>{names}</a></Task>"
    data = f"<Project xmlns='{MSPDI}'><Name>n</Name><Tasks>{task}</Tasks></Project>".encode()
    tracemalloc.start()
    try:
        reading = read(data)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert isinstance(reading.fault, FileTooLarge)
    assert (reading.fault.line, reading.fault.name) == (1, "n")
    assert "a name, a prefix or a namespace is longer than 1,000 bytes" in reading.fault.details
    assert peak < 10 * len(data)


def test_names_that_are_long_together_end_the_reading() -> None:
    names = "".join(f"<n{n} xmlns='{'u' * 900}{n % 9}'>x</n{n}>" for n in range(10_000))
    project = f"<Project xmlns='{MSPDI}'><Name>n</Name>{names}</Project>"
    reading = read(f"<a>{project}</a>")
    assert isinstance(reading.fault, FileTooLarge)
    assert "the names in the file take more than 8388608 bytes" in reading.fault.details
    assert (reading.fault.line, reading.fault.name) == (1, "n")


@pytest.mark.parametrize(
    "start",
    [
        f"{HEAD}<project id='1'><name>n</name><tasks><task id='A'><attributes>",
        f"<Project xmlns='{MSPDI}'><Name>n</Name><Tasks><Task><UID>1</UID>",
        f"<Project xmlns='{MSPDI}'><Name>n</Name>",
    ],
)
def test_an_endless_record_is_skipped_in_bounded_memory(start: str) -> None:
    resident: list[int] = []

    def endless() -> Iterator[bytes]:
        yield start.encode()
        piece = b"<attribute name='a'>x</attribute>" * 2000
        for _ in range(100):
            resident.append(_resident_bytes())
            yield piece

    with pytest.raises(FileRefused) as refused:
        list(Reader(PieceSource(endless()), FEW))
    assert refused.value.name == "n"
    assert max(resident) - resident[0] < 20 * 1024 * 1024  # the tree would take 80 MiB


def _resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def test_an_endless_record_refuses_its_project_alone() -> None:
    record = "<task id='A'><attributes>" + "<attribute name='a'>x</attribute>" * 100_000
    inside = f"<tasks>{record}</attributes></task></tasks>"
    reading = read(f"{HEAD}{project('1', inside)}{project('2')}</projects>", FEW)
    assert [(bad.code, bad.external_id, bad.name) for bad in reading.refusals] == [
        (ErrorCode.PROJECT_TOO_LARGE, "1", "n")
    ]
    assert [found.external_id for found in reading.projects] == ["2"]


def test_elements_and_texts_outside_projects_are_counted() -> None:
    reading = read(f"{HEAD}<note>x</note>{project('1')}text{project('2')}<note/></projects>")
    assert len(reading.projects) == 2
    assert [warning.count for warning in reading.warnings] == [3]


@pytest.mark.parametrize("size", [1, 7, 64, 1000])
@pytest.mark.parametrize("end", ["</projects>", "</oops>"])
def test_strays_do_not_depend_on_where_the_reading_pauses(size: int, end: str) -> None:
    inside = f"a<x>b<y/></x>c{project('1')}d<x/><x/>{project('2')} <x/>e<x/>f{end}"
    data = (HEAD + inside).encode()
    reader = Reader(PieceSource(data[at : at + size] for at in range(0, len(data), size)), Limits())
    fault = None
    try:
        assert len(list(reader)) == 2
    except FileRefused as error:
        fault = error
    counts = [warning.count for warning in reader.warnings]
    # After a fault the last element may still be open, as the root is.
    assert counts == ([10] if fault is None else [7])


def test_warnings_about_the_file_are_complete_after_a_fault() -> None:
    reading = read(f"{HEAD}<note>x</note>{project('1')}</oops>")
    assert isinstance(reading.fault, FileRefused)
    assert [warning.count for warning in reading.warnings] == [1]


def test_a_large_project_leaves_no_objects_behind_for_each_task(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(service.spool.disk_set, "FEW", 1000)

    def large(tasks: int) -> Iterator[bytes]:
        yield f"{HEAD}<project id='1'><name>n</name><tasks><task id='0'/>".encode()
        for first in range(1, tasks, 500):
            numbers = range(first, first + 500)
            yield "".join(f"<task id='{n}' parent='{n + 1}'/>" for n in numbers).encode()
        yield f"<task id='{tasks + 1}'/></tasks></project></projects>".encode()

    def peak(tasks: int) -> int:
        tracemalloc.start()
        try:
            for item in Reader(PieceSource(large(tasks)), Limits(spill_bytes=100_000)):
                assert isinstance(item, Project)
                item.rows.close()
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    few, many = 2_000, 10_000
    # The compact set takes up to 50 of them while it grows; one object a task would take more.
    assert peak(many) - peak(few) < 90 * (many - few)


def test_the_bytes_of_a_source_are_read_once() -> None:
    data = f"{HEAD}{project('1')}</projects>".encode()
    source = io.BytesIO(data)
    assert len(list(Reader(source, Limits()))) == 1
    assert source.read() == b""
