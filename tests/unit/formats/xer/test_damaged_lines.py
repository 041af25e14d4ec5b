"""Lines that P6 does not write so, or that lost a part on their way."""

import json

import pytest

from service.tables import Table
from tests.support.reading import python_engine, read, rows
from tests.support.xer_plan import PLAN, WHOLE, changed, outcome

TASK = "%R|1001|1|101|A1010|Concrete|2026-01-19 08:00"
WHOLE_FILES = {
    "CR LF": PLAN.replace("\n", "\r\n"),
    "LF and CR LF": PLAN.replace("\n", "\r\n", 9),
    "the last line has no end": PLAN.rstrip("\n"),
    "an end-of-file mark of DOS": PLAN + "\x1a",
    "zeros after the end": PLAN + "\0" * 512,
    "blank lines after the end": PLAN + "\r\n\r\n",
    "blank lines between tables": PLAN.replace("%T", "\n%T"),
    "a blank line before the header": "\n" + PLAN,
    "a byte order mark": "\ufeff" + PLAN,
    "a header alone": PLAN.replace(PLAN.splitlines()[0], "ERMHDR"),
    "a header with more fields": PLAN.replace("\tEUR\n", "\tEUR\tUTF-8\tnew\n"),
    "a table without columns": changed(("%E", "%T|NEWTABLE\n%E")),
    "a table without rows": changed(("%E", "%T|NEWTABLE\n%F|new_id\n%E")),
    "trailing tabs": PLAN.replace("\n", "\t\n"),
    "names of tables in small letters": changed(("%T|TASKMEMO", "%T|taskmemo")),
    "names of columns in capitals": changed(("task_code|task_name", "TASK_CODE|TASK_NAME")),
    "a row that misses its last blank cells": changed(
        ("%R|100|1|Y|NORTH|North plant|\n", "%R|100|1|Y|NORTH|North plant\n")
    ),
    "a row that misses its last cells": changed((TASK, "%R|1001|1|101|A1010|Concrete")),
}
"""Files that hold the whole plan all the same. P6 leaves out blank cells at the end of a row."""


@pytest.mark.parametrize("data", WHOLE_FILES.values(), ids=WHOLE_FILES)
def test_lines_that_lose_nothing_need_no_warning(data: str) -> None:
    assert outcome(data) == WHOLE


NEW = "%T|NEWTABLE\n%F|new_id|proj_id|new_name\n"
NOTED: dict[str, tuple[str, str]] = {
    "a row with more cells than columns": (
        changed(("2026-01-19 08:00", "2026-01-19 08:00|more")),
        "ROWS_IRREGULAR 1",
    ),
    "rows before the columns of their table": (
        changed(("%F|task_pred_id", "%R|9|9\n%R|9|9\n%F|task_pred_id")),
        "ROWS_IRREGULAR 2",
    ),
    "rows before the first table": (
        changed(("%T|PROJECT", "%F|proj_id\n%R|1\n%T|PROJECT")),
        "ROWS_IRREGULAR 1",
    ),
    "a line before the first table": (
        changed(("%T|PROJECT", "text\n%T|PROJECT")),
        "ROWS_IRREGULAR 1",
    ),
    "a table of P6 that no plan needs": (
        changed(("%E", "%T|POBS\n%F|pobs_id\n%R|5\n%R|6\n%E")),
        "TABLES_SKIPPED 2",
    ),
    "an unknown table without projects": (
        changed(("%E", "%T|NEWTABLE\n%F|new_id\n%R|5\n%E")),
        "TABLES_SKIPPED 1",
    ),
    "a row of an unknown table with a blank project": (
        changed(("%E", f"{NEW}%R|5||x\n%E")),
        "LOOSE_RECORDS_SKIPPED 1",
    ),
}
"""Files with a line that belongs to no project, and the warning that counts it."""


@pytest.mark.parametrize(("data", "warning"), NOTED.values(), ids=NOTED)
def test_lines_that_belong_to_no_project_are_counted(data: str, warning: str) -> None:
    assert outcome(data) == (*WHOLE, warning)


def test_a_line_after_65535_is_exact_or_the_last_one_that_lxml_can_state() -> None:
    blank = "\n" * 70_000
    data = changed(("%T|PROJECT", f"{blank}%T|PROJECT"), ("2026-01-19 08:00", "soon"))

    def found() -> tuple[int, int]:
        north, _ = read(data).projects
        [warning] = north.warnings.first
        return north.line, warning.line

    assert found() == (70_004, 70_017)
    with python_engine():
        assert found() == (65_534, 65_534)


REFUSED = {
    "no end": (PLAN.removesuffix("%E\n"), "FileRefused 24"),
    "a header alone": ("ERMHDR", "FileRefused 1"),
    "a text after the end": (PLAN + "text\n", "FileRefused 26"),
    "a row after the end": (PLAN + "%R\t1\t1\t1\n", "FileRefused 26"),
    "rows after the end": (PLAN + "%R\t1\t1\t1\n" * 3, "FileRefused 26"),
    "two files": (PLAN + PLAN, "FileRefused 26"),
    "CR alone at the end of lines": (PLAN.replace("\n", "\r"), "FileRefused 1"),
    "a long name of a column": (
        changed(("|task_name|", f"|{'x' * 65}|")),
        "FileTooLarge 15",
    ),
    "too many columns": (
        changed(("|task_name|", "|x" * 1_000 + "|")),
        "FileTooLarge 15",
    ),
    "far too many columns": (
        changed(("|task_name|", "|x" * 100_000 + "|")),
        "FileTooLarge 15",
    ),
    "a long name of a table": (changed(("%T|TASKPRED", f"%T|{'x' * 65}")), "FileTooLarge 19"),
}
"""Files of which nothing is imported, because any of their projects could miss rows."""


@pytest.mark.parametrize(("data", "fault"), REFUSED.values(), ids=REFUSED)
def test_files_that_miss_lines_are_refused(data: str, fault: str) -> None:
    assert outcome(data) == (fault,)


PARTS = {
    "an unknown table": (
        changed(("%E", f"{NEW}%R|5|1|x\n%E")),
        {"new_id": "5", "proj_id": "1", "new_name": "x"},
    ),
    "odd names of columns": (
        changed(("%E", "%T|NEWTABLE\n%F|proj_id||#text|<é|1st\n%R|1|a|b|c|d\n%E")),
        {"proj_id": "1", "column_2": "a", "_text": "b", "___": "c", "_1st": "d"},
    ),
    "columns of one name": (
        changed(("%E", "%T|NEWTABLE\n%F|proj_id|a|A|a\n%R|1|x|y|z\n%E")),
        {"proj_id": "1", "a": ["x", "y", "z"]},
    ),
    "a table twice, with other columns": (
        changed(("%E", f"{NEW}%R|5|1|x\n%T|NEWTABLE\n%F|proj_id|more\n%R|1|z\n%E")),
        {"proj_id": "1", "more": "z"},
    ),
    "columns twice in a table": (
        changed(("%E", f"{NEW}%R|5|1|x\n%F|proj_id|more\n%R|1|z\n%E")),
        {"proj_id": "1", "more": "z"},
    ),
    "more cells than columns": (
        changed(("%E", f"{NEW}%R|5|1|x|y|z\n%E")),
        {"new_id": "5", "proj_id": "1", "new_name": "x", "#text": "y\tz"},
    ),
    "lines without a mark": (
        changed(("%E", f"{NEW}%R|5|1|x\ny\n\nz\n\n%E")),
        {"new_id": "5", "proj_id": "1", "new_name": "x\ny\n\nz"},
    ),
    "a line without a mark within a row": (
        changed(("%E", "%T|NEWTABLE\n%F|proj_id|a|b\n%R|1|x\ny|z\n%E")),
        {"proj_id": "1", "a": "x\ny", "b": "z"},
    ),
}
"""Files, and the attributes of the last part that becomes of them."""


@pytest.mark.usefixtures("both_engines")
@pytest.mark.parametrize(("data", "attributes"), PARTS.values(), ids=PARTS)
def test_all_cells_of_odd_tables_are_kept(data: str, attributes: dict[str, object]) -> None:
    reading = read(data)
    assert reading.fault is None
    *_, part = rows(reading.projects[0], Table.PARTS)
    assert part["element"] == "NEWTABLE"
    assert json.loads(part["attributes"] or "") == attributes


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("ERMHDR\n%T\tTASK\n%F\t" + "x" * 65, "longer than 64 characters, line 3"),
        ("ERMHDR\n%T\tTASK\n", "rows may be missing, line 2; export it again"),
    ],
)
def test_the_line_comes_before_the_remedy(text: str, reason: str) -> None:
    fault = read(text.encode()).fault
    assert fault is not None
    assert reason in (fault.details or "")
