"""Reading a large XER file takes little memory, although its tables are spread over the file."""

import subprocess
import sys

import pytest

PROGRAM = """
import sys
from service.formats.limits import Limits
from service.formats.reader import Reader
from service.model import Project
from tests.support.xer_files import portfolio

class Source:
    def __init__(self, pieces):
        self.pieces, self.rest = pieces, b""
    def read(self, size):
        while not self.rest:
            self.rest = next(self.pieces, None)
            if self.rest is None:
                self.rest = b""
                break
        data, self.rest = self.rest[:size], self.rest[size:]
        return data

def peak():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))

def run(projects, activities):
    for item in Reader(Source(portfolio(projects, activities)), Limits(spill_bytes=1 << 20)):
        if isinstance(item, Project):
            item.rows.close()

run(4, 500)
before = peak()
run(*map(int, sys.argv[1:]))
print(peak() - before)
"""


@pytest.mark.parametrize(("projects", "activities"), [(1, 8_000), (800, 10)])
def test_reading_six_megabytes_takes_little_memory(projects: int, activities: int) -> None:
    command = [sys.executable, "-c", PROGRAM, str(projects), str(activities)]
    growth = int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert growth < 7_000  # KiB; 10,000 with all rows in memory
