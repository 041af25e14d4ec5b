"""Reading a large XER file takes little memory, although its tables are spread over the file."""

import subprocess
import sys
import tracemalloc

import pytest

from service.formats.limits import MIB
from service.formats.xer.layout import Layouts
from service.formats.xer.noted_rows import NotedRows
from service.spool.spool import Spool

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


def test_what_is_noted_of_long_ids_and_names_takes_little_memory() -> None:
    noted, layouts = NotedRows(Spool().share()), Layouts(frozenset())
    codes = layouts.find("ACTVTYPE", b"actv_code_type_id\tproj_id", 1)
    types = layouts.find("UDFTYPE", b"udf_type_id\ttable_name\tlogical_data_type", 1)
    tracemalloc.start()
    try:
        for number in range(5_000):
            noted.note(codes, 1, b"%064d\t%01000d" % (number, number))
            noted.note(codes, 1, b"%064d\t%064d" % (-number, number))
            noted.note(types, 1, b"%064d\t%064d\t%064d" % (number, number, number))
        size, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert size < 5 * MIB  # 9 MiB without limits of lengths and kinds
