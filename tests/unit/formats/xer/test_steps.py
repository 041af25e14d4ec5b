"""A step writes few elements, whatever the rows are, because all of them stay in memory."""

from collections.abc import Iterator
from io import BytesIO

import pytest

from service.formats.engine import select
from service.formats.engine.interface import ElementWriter
from service.formats.limits import Limits
from service.formats.xer.elements import XerElements
from service.formats.xer.intake import XerIntake

PROJECT = "%T|PROJECT\n%F|proj_id|proj_short_name\n%R|1|P\n"
TASK = "%T|TASK\n%F|task_id|proj_id\n%R|10|1\n"
COUNT = 2_000
FILES = {
    "projects of a line": "%T|PROJECT\n%F|proj_id|proj_short_name\n"
    + "".join(f"%R|{number}|P\n" for number in range(COUNT)),
    "codes of one task": f"{PROJECT}{TASK}%T|TASKACTV\n%F|task_id|actv_code_id|proj_id\n"
    + "%R|10|7|1\n" * COUNT,
    "values of one project": f"{PROJECT}%T|UDFTYPE\n%F|udf_type_id|table_name|logical_data_type\n"
    "%R|1|PROJECT|FT_TEXT\n%T|UDFVALUE\n%F|udf_type_id|fk_id|proj_id|udf_text\n"
    + "%R|1|1|1|x\n"
    * COUNT,
    "rows of one cell": f"{PROJECT}%T|NEWTABLE\n%F|proj_id\n" + "%R|1\n" * COUNT,
    "rows without their owner": f"{PROJECT}%T|TASKACTV\n%F|task_id|actv_code_id|proj_id\n"
    + "".join(f"%R|{number}|7|1\n" for number in range(COUNT)),
    "calendars": "%T|CALENDAR\n%F|clndr_id\n" + "%R|1\n" * COUNT,
}


@pytest.mark.usefixtures("both_engines")
@pytest.mark.parametrize("lines", FILES.values(), ids=FILES)
def test_many_small_rows_take_many_steps(lines: str) -> None:
    source = BytesIO(f"ERMHDR\n{lines}%E\n".replace("|", "\t").encode())
    intake = XerIntake(source, "", Limits(), frozenset(), lambda: None)
    intake.read()
    steps = 0

    def write(writer: ElementWriter) -> Iterator[None]:
        nonlocal steps
        for _ in XerElements(intake, writer, Limits(), lambda: None).write():
            steps += 1
            yield

    for _ in select.ENGINE.row_events(write, ["ERMHDR"], 1_000, None, None):
        pass
    intake.close()
    assert steps >= 3
