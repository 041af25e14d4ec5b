"""Files whose few bytes could cause much work: the CPU time stays in proportion to them."""

import time

import pytest

from tests.support.native import FILE_START, native_project
from tests.support.reading import read

pytestmark = pytest.mark.usefixtures("both_engines")

LINES = "\n" * 70_000
"""So many that libxml2 no longer stores the line of an element."""
MB = 1_000_000
SECONDS_PER_BYTE = 0.5e-6
"""A quarter of what an attack may take: most files take a twentieth."""

FAULTY = {
    "texts in a container with a long text": (
        "<tasks><task id='1'><attributes>"
        + "t" * MB
        + "<x/>y" * 5_000
        + "</attributes></task></tasks>"
    ),
    "XML attributes of a task with a long text": (
        "<tasks><task "
        + " ".join(f"a{number}=''" for number in range(900))
        + ">"
        + "t" * 4 * MB
        + "</task></tasks>"
    ),
}


@pytest.mark.parametrize("inside", FAULTY.values(), ids=FAULTY)
def test_a_record_with_many_faults_takes_time_in_proportion_to_its_bytes(inside: str) -> None:
    data = (FILE_START + LINES + native_project(1, inside=inside)).encode()
    started = time.thread_time()
    read(data)
    assert time.thread_time() - started < SECONDS_PER_BYTE * len(data)


XER_TASK = "ERMHDR\n%T\tTASK\n%F\ttask_id\ttask_name\n%R\t1\tx"
XER_CALENDAR = "ERMHDR\n%T\tCALENDAR\n%F\tclndr_id\tclndr_data\n%R\t1\t"
XER = {
    "a row continued on many lines": XER_TASK + "\nx" * (MB // 2),
    "blank lines within a row": XER_TASK + "\n" * MB + "x",
    "a calendar of many records": XER_CALENDAR + "(0||1()(" * (MB // 8),
    "blanks in a calendar": XER_CALENDAR + "(0||1(" + "\x7f " * (MB // 2),
    "many tabs in a row": XER_TASK + "\t" * MB,
    "many quotes": XER_TASK + '"' * MB,
}


@pytest.mark.parametrize("lines", XER.values(), ids=XER)
def test_an_odd_xer_file_takes_time_in_proportion_to_its_bytes(lines: str) -> None:
    data = f"{lines}\n%E\n".encode()
    started = time.thread_time()
    read(data)
    assert time.thread_time() - started < 2 * SECONDS_PER_BYTE * len(data)
