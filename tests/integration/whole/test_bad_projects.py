"""A file with many valid projects and some with different faults."""

from itertools import cycle

import aiohttp

from service.storage import Pool
from tests.support.native import FILE_START, native
from tests.support.service import Service
from tests.support.upload import upload

GOOD = """\
<project id="{id}">
<name>{id}</name>
<start>2026-01-05T08:00:00</start>
<priority>500</priority>
<tasks>
<task id="T1"><name>Dig</name></task>
<task id="T2" parent="T1"><name>Pour</name><percent-complete>25</percent-complete></task>
</tasks>
<dependencies>
<dependency predecessor="T1" successor="T2" type="FS" lag="PT0S"/>
</dependencies>
<resources>
<resource id="R1" type="work"><name>Crew</name></resource>
</resources>
<assignments>
<assignment task="T2" resource="R1" units="1"><work>PT8H</work></assignment>
</assignments>
</project>
"""

SPOILT = [
    # text, replacement, its line within the project, the reported element
    ('parent="T1"', 'parent="T9"', 7, "parent"),
    ('<task id="T2"', '<task id="T1"', 7, "task"),
    ('successor="T2"', 'successor="T9"', 10, "successor"),
    ('predecessor="T1"', 'predecessor="T8"', 10, "predecessor"),
    ("<percent-complete>25<", "<percent-complete>101<", 7, "percent-complete"),
    ("<percent-complete>25<", "<percent-complete>-1<", 7, "percent-complete"),
    ("<percent-complete>25<", "<percent-complete>NaN<", 7, "percent-complete"),
    ("2026-01-05T08:00:00", "05/01/2026", 3, "start"),
    ("2026-01-05T08:00:00", "2026-02-30T08:00:00", 3, "start"),
    ("2026-01-05T08:00:00", "2026-01-05T08:00:00+02:00", 3, "start"),
    ("2026-01-05T08:00:00", "now", 3, "start"),
    (">500<", ">1_000<", 4, "priority"),
    (">500<", ">high<", 4, "priority"),
    (">500<", ">99999999999999999999<", 4, "priority"),
    ("PT8H", "8 hours", 16, "work"),
    ("PT8H", "P", 16, "work"),
    ('lag="PT0S"', 'lag="soon"', 10, "lag"),
    ('type="FS"', 'type="AB"', 10, "type"),
    ('type="work"', 'type="magic"', 13, "type"),
    ('units="1"', 'units="one"', 16, "units"),
    ('task="T2"', 'task="T7"', 16, "task"),
    ('<task id="T1">', "<task>", 6, "id"),
    ('<resource id="R1"', "<resource", 13, "id"),
    ("<name>{id}</name>", "", 1, "name"),
]
BAD = 37
TOTAL = 1000


def spoil(number: int, way: tuple[str, str, int, str]) -> str:
    old, new, _, _ = way
    name = f"P{number}"
    text = GOOD.replace(old, new, 1)
    assert text != GOOD
    return text.format(id=name)


async def test_invalid_projects_fail_alone_with_line_element_and_value(
    service: Service, pool: Pool
) -> None:
    lines = [FILE_START]
    ways = cycle(SPOILT)
    told_at: dict[int, tuple[int, str]] = {}
    for number in range(TOTAL):
        if number % 27 == 5 and len(told_at) < BAD:
            way = next(ways)
            told_at[number] = (len(lines) + way[2], way[3])
            lines += spoil(number, way).splitlines()
        else:
            lines += GOOD.format(id=f"P{number}").splitlines()
    lines.append("</projects>")

    async with aiohttp.ClientSession() as http:
        told = await upload(http, service, "\n".join(lines).encode())

    assert len(told_at) == BAD
    assert (told["status"], told["counts"]["created"]) == ("partial", TOTAL - BAD)
    errors = told["details"]["errors"]
    assert {error["index"]: (error["line"], element_of(error)) for error in errors} == told_at
    assert {error["external_id"] for error in errors} == {f"P{number}" for number in told_at}
    assert {(error["code"], error["error"]) for error in errors} == {(400, "VALIDATION_ERROR")}
    assert await pool.fetchval("SELECT count(*) FROM current_projects") == TOTAL - BAD
    assert await pool.fetchval("SELECT count(*) FROM current_tasks") == 2 * (TOTAL - BAD)


def element_of(error: dict[str, object]) -> str:
    violations = error["violations"]
    assert isinstance(violations, list)
    violation = violations[0]
    assert violation["line"] == error["line"]
    element: str = violation["element"]
    return element


async def test_all_faults_of_a_project_are_reported_together(service: Service) -> None:
    text = GOOD.format(id="P")
    for old, new, _, _ in (SPOILT[0], SPOILT[2], SPOILT[4], SPOILT[7], SPOILT[14]):
        text = text.replace(old, new, 1)
    text = native(text)

    async with aiohttp.ClientSession() as http:
        told = await upload(http, service, text.encode())

    (error,) = told["details"]["errors"]
    assert error["violation_count"] == 5
    assert {violation["value"] for violation in error["violations"]} == {
        "T9",
        "101",
        "05/01/2026",
        "8 hours",
    }
