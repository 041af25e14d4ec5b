"""Reading a huge Primavera project does not build a huge tree."""

import subprocess
import sys

import pytest

PROGRAM = """
import sys
from itertools import islice
from service.model import Project
from service.formats.limits import Limits
from service.formats.reader import Reader

holder, element = sys.argv[1:3]
RECORD = (
    f"<{element}><ObjectId>%d</ObjectId><Name>Number %d</Name>"
    "<CalendarObjectId>%d</CalendarObjectId><StartDate>2026-01-05T08:00:00</StartDate>"
    "<PlannedDuration>8</PlannedDuration><Note>" + "x" * 400 + "</Note>"
    f"<UDF><TypeObjectId>3</TypeObjectId><TextValue>y</TextValue></UDF></{element}>"
)

def waiting(count):
    rows = "".join(
        f"<Activity><ObjectId>{number}</ObjectId><StartDate>{'x' * 500}</StartDate></Activity>"
        for number in range(100)
    )
    yield "<APIBusinessObjects>"
    for number in range(count):
        yield f"<Project><Id>{number}</Id><Name>n</Name><ObjectId>{number}</ObjectId>"
        yield "<CurrentBaselineProjectObjectId>-1</CurrentBaselineProjectObjectId>"
        yield f"{rows}</Project>"
    yield "</APIBusinessObjects>"

def text(count):
    if holder == "Projects":
        yield from waiting(count)
        return
    yield "<APIBusinessObjects>"
    if holder:
        yield f"<{holder}><Id>P</Id><Name>n</Name><ObjectId>9</ObjectId>"
        yield "<OriginalProjectObjectId>1</OriginalProjectObjectId>"
    for number in range(count):
        yield RECORD % (number, number, number)
    if holder:
        yield f"</{holder}>"
    yield "<Project><Id>Q</Id><Name>n</Name><ObjectId>1</ObjectId></Project></APIBusinessObjects>"

class Source:
    def __init__(self, count):
        self.text = text(count)
    def read(self, n):
        return "".join(islice(self.text, 100)).encode()

def peak():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))

def run(count):
    for item in Reader(Source(count), Limits(spill_bytes=1 << 20, shared_bytes=1 << 20)):
        if isinstance(item, Project):
            item.rows.close()

run(50 if holder == "Projects" else 2_000)
before = peak()
run(int(sys.argv[3]))
print(peak() - before)
"""


def growth(holder: str, element: str, count: int) -> int:
    """KiB that ``count`` records of about 700 bytes take beyond 2,000 of them, or projects."""
    command = [sys.executable, "-c", PROGRAM, holder, element, str(count)]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def test_reading_fifty_thousand_activities_takes_little_memory() -> None:
    assert growth("Project", "Activity", 50_000) < 16_000


@pytest.mark.parametrize(
    ("holder", "element"),
    [
        ("Project", "WBS"),  # held until the parents are known
        ("Project", "Relationship"),  # they wait for activities that never come
        ("Project", "ActivityNote"),  # a part
        ("BaselineProject", "Activity"),  # they wait for their project
        ("BaselineProject", "Relationship"),  # parts
        ("", "Calendar"),  # shared objects
    ],
)
def test_reading_other_records_takes_little_memory(holder: str, element: str) -> None:
    assert growth(holder, element, 20_000) < 16_000


def test_waiting_projects_with_bad_values_take_little_memory() -> None:
    assert growth("Projects", "", 600) < 16_000  # their rows have some 36 MiB


def test_the_measure_sees_records_that_stay_in_the_tree() -> None:
    assert growth("Project", "UnheardOf", 20_000) > 16_000
