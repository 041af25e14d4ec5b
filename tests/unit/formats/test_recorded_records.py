"""Records that are not in the tree while they are parsed count as if they were."""

from collections.abc import Iterator
from typing import Any

import pytest

from service.errors import FileRefused, FileTooLarge
from service.formats.limits import Limits
from service.formats.reader import Reader
from service.model import Project, Refusal
from tests.support.reading import NATIVE, python_engine
from tests.support.record_files import PieceSource

KIB = 1024
START = f"<projects xmlns='{NATIVE}'>\n<project id='1'><name>n</name><tasks>\n<task id='0'/>"
OTHER = "<project id='2'><name>m</name><tasks><task id='1'><name>t</name></task></tasks></project>"
END = f"<task id='9'/></tasks></project>\n{OTHER}</projects>"

LARGE = {
    "children": "<task id='1'>" + "<x>y</x>\n" * 90_000 + "</task>",
    "one text": f"<task id='1'><notes>{'y' * 900 * KIB}</notes></task>",
    "a text of its own": f"<task id='1'>{'y' * 900 * KIB}</task>",
    "XML attributes": "<task id='1'>" + f"<x y='{'z' * 300 * KIB}'/>" * 3 + "</task>",
    "the text after it": f"<task id='1'/>{'y' * 900 * KIB}",
    "an open element": "<task id='1'><x>" + "<z>y</z>\n" * 90_000 + "</x></task>",
    "the last record": f"<task id='1'><notes>{'y' * 900 * KIB}</notes></task></tasks>"
    + "\n" * 900 * KIB
    + "<tasks>",
    "nested too deep": "<task id='1'>" + "<z>y</z>\n" * 90_000 + "<x>" * 300,
    "a text that is too long": "<task id='1'>"
    + "<z>y</z>\n" * 90_000
    + f"<notes>{'y' * 10_000_001}</notes></task>",
    "a name that is too long": "<task id='1'>" + "<z>y</z>\n" * 90_000 + f"<{'x' * 1001}/></task>",
}


def read_all(pieces: Iterator[bytes], limits: Limits) -> list[Any]:
    """Return what a reader makes of a file, with the place of its fault."""
    reader = Reader(PieceSource(pieces), limits)
    items: list[Any] = []
    try:
        for item in reader:
            if isinstance(item, Project):
                items.append((item.external_id, item.content_hash, item.tasks, item.warnings))
                item.rows.close()
            else:
                items.append(item)
    except (FileRefused, FileTooLarge) as fault:
        items.append((repr(fault), fault.line, fault.external_id, fault.name))
    return [*items, *reader.warnings]


def read_both(data: bytes, limits: Limits, size: int = 64 * KIB) -> list[Any]:
    """Return what both engines make of a file, which is the same."""
    cuts = [data[at : at + size] for at in range(0, len(data), size)]
    with python_engine():
        expected = read_all(iter(cuts), limits)
    assert read_all(iter(cuts), limits) == expected
    return expected


@pytest.mark.parametrize("limit", [100 * KIB, 16 * 1024 * KIB])
@pytest.mark.parametrize("inside", LARGE.values(), ids=LARGE)
def test_a_record_over_the_limit_refuses_its_project_alone(inside: str, limit: int) -> None:
    items = read_both(f"{START}{inside}{END}".encode(), Limits(max_attributes_bytes=limit))
    if limit < 1024 * KIB and len(items) == 2:
        assert isinstance(items[0], Refusal)
        assert items[1][0] == "2"


@pytest.mark.parametrize("limit", range(180, 900, 37))
def test_a_file_over_its_limit_names_the_line_of_the_last_element(limit: int) -> None:
    task = "<task id='%d'>\n<name>\nn</name>\n<notes/>x</task>\n"
    tasks = "".join(task % number for number in range(9))
    data = f"{START}{tasks}</tasks>\n<code>c</code></project>\n{OTHER}</projects>".encode()
    read_both(data, Limits(max_file_bytes=limit), size=50)
