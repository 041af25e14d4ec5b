"""Records without a place, with a wrong one, or with values of another kind."""

import json

import pytest

from service.formats.limits import Limits
from service.tables import Table
from tests.support.reading import read, rows
from tests.support.xer_plan import PLAN, WHOLE, changed, outcome

NORTH, SOUTH = WHOLE
NORTH_LESS = "NORTH North plant: 2 tasks"
RELATION = "LINK_END_MISSING 21 Relationship"
TASK = "%R|1001|1|101|A1010|Concrete|2026-01-19 08:00\n"
_BLOCKS = PLAN.split("%T\t")


def reordered(*names: str) -> str:
    """Return the plan with these tables first, in this order."""
    tables = {block.split("\n", 1)[0]: block for block in _BLOCKS[1:]}
    last = tables.pop("TASKMEMO").removesuffix("%E\n")
    tables["TASKMEMO"] = last
    order = [*names, *(name for name in tables if name not in names)]
    return _BLOCKS[0] + "".join("%T\t" + tables[name] for name in order) + "%E\n"


ORDERS = {
    "TASK before PROJECT": reordered("TASK"),
    "TASK before PROJWBS": reordered("PROJECT", "TASK", "PROJWBS"),
    "TASKPRED before TASK": reordered("TASKPRED"),
    "the table PROJECT last": reordered(
        "TASKMEMO", "TASKPRED", "TASK", "PROJWBS", "CALENDAR", "PROJECT"
    ),
}


@pytest.mark.parametrize("data", ORDERS.values(), ids=ORDERS)
def test_tables_come_in_any_order(data: str) -> None:
    assert outcome(data) == WHOLE


CASES: dict[str, tuple[str, tuple[str, ...]]] = {
    # Projects
    "an id of a project that is blank": (
        changed(("%R|2|SOUTH|11|Y", "%R||SOUTH|11|Y")),
        ("FileRefused 5",),
    ),
    "two projects with one id": (
        changed(("%R|2|SOUTH|11|Y", "%R|1|SOUTH|11|Y")),
        ("FileRefused 5",),
    ),
    "two projects with one name": (
        changed(("%R|2|SOUTH|11|Y", "%R|2|NORTH|11|Y")),
        (NORTH, "NORTH South plant: 1 tasks"),
    ),
    "a project that others only refer to": (
        changed(("%R|2|SOUTH|11|Y", "%R|2|SOUTH|11|N")),
        (NORTH, "LOOSE_RECORDS_SKIPPED 3"),
    ),
    "only such projects": (
        changed(("%R|1|NORTH|11|Y", "%R|1|NORTH|11|N"), ("%R|2|SOUTH|11|Y", "%R|2|SOUTH|11|N")),
        ("FileRefused None", "SHARED_OBJECTS_UNUSED 1", "LOOSE_RECORDS_SKIPPED 10"),
    ),
    "no table PROJECT": (
        changed(("%T|PROJECT\n", "%T|PROJECTS\n")),
        ("FileRefused None", "SHARED_OBJECTS_UNUSED 1", "LOOSE_RECORDS_SKIPPED 10"),
    ),
    "no root WBS": (
        changed(("%R|100|1|Y|NORTH", "%R|100|1|N|NORTH")),
        ("NORTH NORTH: 4 tasks", SOUTH),
    ),
    "no WBS": (
        changed(("%R|200|2|Y|SOUTH|South plant|\n", "")),
        (NORTH, "SOUTH SOUTH: 1 tasks"),
    ),
    "two root WBS": (changed(("%R|101|1|N|CIV", "%R|101|1|Y|CIV")), WHOLE),
    "no short name": (
        changed(("%R|2|SOUTH|11|Y", "%R|2||11|Y")),
        (NORTH, "VALIDATION_ERROR 5 None"),
    ),
    # Keys
    "a task without a project": (
        changed(("%R|1001|1|101", "%R|1001||101")),
        (NORTH_LESS, RELATION, SOUTH, "LOOSE_RECORDS_SKIPPED 1"),
    ),
    "a task of an unknown project": (
        changed(("%R|1001|1|101", "%R|1001|77|101")),
        (NORTH_LESS, RELATION, SOUTH, "LOOSE_RECORDS_SKIPPED 1"),
    ),
    "a task without WBS": (changed(("%R|1001|1|101", "%R|1001|1|")), WHOLE),
    "a task of an unknown WBS": (changed(("%R|1001|1|101", "%R|1001|1|999")), WHOLE),
    "a task of another project's WBS": (changed(("%R|1001|1|101", "%R|1001|1|200")), WHOLE),
    "a task twice": (changed((TASK, TASK + TASK)), ("VALIDATION_ERROR 18 NORTH", SOUTH)),
    "a task without an id": (
        changed(("%R|1001|1|101", "%R||1|101")),
        ("VALIDATION_ERROR 17 NORTH", SOUTH),
    ),
    "WBS elements in a circle": (
        changed(("CIV|Civil works|100\n", "CIV|Civil works|102\n%R|102|1|N|B|B|101\n")),
        ("NORTH North plant: 4 tasks", SOUTH),
    ),
    "a WBS that is its parent": (changed(("CIV|Civil works|100", "CIV|Civil works|101")), WHOLE),
    "a relation to another project": (
        changed(("|1001|1000|1|1|", "|2000|1000|2|1|")),
        (*WHOLE, RELATION),
    ),
    "a relation to no task": (
        changed(("|1001|1000|1|1|", "|1001|4|1|1|")),
        (NORTH, RELATION, SOUTH),
    ),
    "a memo of no task": (changed(("%R|7|1000|", "%R|7|4|")), WHOLE),
    "ids that are not numbers": (PLAN.replace("1001", "x-1001"), WHOLE),
    "an id of 300 digits": (
        PLAN.replace("1001", "1" * 300),
        ("VALIDATION_ERROR 17 NORTH", SOUTH),
    ),
    "an id of 70,000 digits": (
        PLAN.replace("1000", "1" * 70_000),
        ("VALIDATION_ERROR 16 NORTH", SOUTH),
    ),
    "an id of a project of 2,000 digits": (
        PLAN.replace("\t1\t", f"\t{'1' * 2000}\t"),
        ("FileRefused 4",),
    ),
    # Values
    "a date that is none": (
        changed(("2026-01-19 08:00", "2026-02-30 08:00")),
        (NORTH, "BAD_VALUE 17 StartDate", SOUTH),
    ),
    "a date in words": (
        changed(("2026-01-19 08:00", "19-Jan-26")),
        (NORTH, "BAD_VALUE 17 StartDate", SOUTH),
    ),
    "a word that P6 does not have": (
        changed(("PR_FS", "PR_XX")),
        (NORTH, "BAD_VALUE 21 Type", SOUTH),
    ),
    "a number that is none": (
        changed(("PR_FS|8", "PR_FS|NaN")),
        (NORTH, "BAD_VALUE 21 Lag", SOUTH),
    ),
    "a number with a decimal comma, without a currency": (
        changed(("PR_FS|8", "PR_FS|8,5")),
        (NORTH, "BAD_VALUE 21 Lag", SOUTH),
    ),
    "an infinite number": (
        changed(("PR_FS|8", "PR_FS|1e999")),
        (NORTH, "BAD_VALUE 21 Lag", SOUTH),
    ),
}


@pytest.mark.parametrize(("data", "expected"), CASES.values(), ids=CASES)
def test_damaged_records(data: str, expected: tuple[str, ...]) -> None:
    assert outcome(data) == expected


TEXTS = {
    "NUL": ("Con\0crete", "Con\ufffdcrete"),
    "control characters": ("\x01\x02Con\x1bcrete\x0b", "\ufffd\ufffdCon\ufffdcrete\ufffd"),
    "no characters of XML": ("Con\ufffe\uffffcrete", "Con\ufffd\ufffdcrete"),
    "markup": ("<b>Con&crete]]></b>", "<b>Con&crete]]></b>"),
    "blanks": ("   ", None),
    "quotes": ('""Con"" ""crete', '"Con" "crete'),
    "P6's mark of a new line": ("Con\x7f\x7fcrete", "Con\ncrete"),
    "a new line": ("Con\ncrete", "Con\ncrete"),
    "blank lines": ("Con\n\n\ncrete", "Con\n\n\ncrete"),
    "CR LF": ("Con\r\ncrete", "Con\ncrete"),
}


@pytest.mark.usefixtures("both_engines")
@pytest.mark.parametrize(("text", "stored"), TEXTS.values(), ids=TEXTS)
def test_texts(text: str, stored: str | None) -> None:
    north, _ = read(changed(("Concrete", text))).projects
    [name] = [row["name"] for row in rows(north, Table.TASKS) if row["task_id"] == "1001"]
    assert name == stored


def with_field(table: str, owner: str) -> str:
    """Return the plan with a user-defined value of a record of a table."""
    return changed(
        (
            "%E",
            "%T|UDFTYPE\n%F|udf_type_id|table_name|logical_data_type\n"
            f"%R|1|{table}|FT_TEXT\n"
            "%T|UDFVALUE\n%F|udf_type_id|fk_id|proj_id|udf_text\n"
            f"%R|1|{owner}|1|x\n%E",
        )
    )


ORPHANS = {
    "an unknown table": with_field("TÄSK", "1000").encode("cp1252"),
    "a table with a name that is cut within a character": with_field(
        "x" + "é" * 40, "1000"
    ).encode(),
    "an unknown task": with_field("TASK", "4").encode(),
    "an id of 70,000 digits": with_field("TASK", "9" * 70_000).encode(),
}


@pytest.mark.usefixtures("both_engines")
@pytest.mark.parametrize("data", ORPHANS.values(), ids=ORPHANS)
def test_a_row_without_its_owner_is_a_part_with_the_id_of_the_owner(data: bytes) -> None:
    north, _ = read(data).projects
    *_, part = rows(north, Table.PARTS)
    attributes = json.loads(part["attributes"] or "")
    assert part["element"] == "UDFVALUE"
    assert attributes.keys() == {"TypeObjectId", "TextValue", "fk_id", "proj_id"}


@pytest.mark.usefixtures("both_engines")
def test_a_task_with_too_many_codes_is_refused_while_they_are_written() -> None:
    """All of them in memory would take gigabytes."""
    codes = "".join(f"%R|1000|1|{number}|1\n" for number in range(10_000))
    table = "%T|TASKACTV\n%F|task_id|actv_code_type_id|actv_code_id|proj_id\n"
    reading = read(changed(("%E", f"{table}{codes}%E")), Limits(max_attributes_bytes=100_000))
    [refusal] = reading.refusals
    assert refusal.code == "PROJECT_TOO_LARGE"
    assert refusal.message == "one of its records is over 100000 bytes"
    assert [each.external_id for each in reading.projects] == ["SOUTH"]
