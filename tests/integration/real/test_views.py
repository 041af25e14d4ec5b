"""The views over JSON after the import of each real file, beside what others find in the file."""

import json
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import aiohttp
import pytest
from lxml.etree import QName, _Element

from service.storage import Pool
from tests.support.leaves import tree
from tests.support.real.files import FILES, XER_FILES, File
from tests.support.service import Service
from tests.support.upload import upload

CALENDARS = """
SELECT c.project_id, c.calendar_id, c.name, c.base_calendar_id, count(DISTINCT e.exception)
  FROM current_calendars c
  LEFT JOIN current_calendar_exceptions e USING (client_id, project_id, calendar_id)
 WHERE c.client_id = 1
 GROUP BY 1, 2, 3, 4
"""
COUNTED = {
    "custom_fields": ("UDF", "ExtendedAttribute"),
    "timephased": ("TimephasedData",),
    "codes": ("Code", "OutlineCode"),
    "notes": ("ActivityNote", "ProjectNote", "Notes", "ResourceNotes"),
}
"""By view, the elements of the records of a project that each give a row."""
RECORDS = {"Task", "Resource", "Assignment", "WBS", "Activity", "ResourceAssignment", "Project"}


@pytest.mark.parametrize("candidates", [FILES, XER_FILES], ids=["xml", "xer"])
async def test_calendars_are_those_that_an_independent_reader_found(
    service: Service, pool: Pool, candidates: list[File]
) -> None:
    """A project of P6 has the calendars that it refers to. The reader has all for each."""
    files = [file for file in candidates if file.planning.exists()]
    projects = await import_files(service, files)
    shown = {
        (row["project_id"], row["calendar_id"]): (*row[2:],) for row in await pool.fetch(CALENDARS)
    }
    compared = exceptions = 0
    for file in files:
        lines = file.planning.read_text().splitlines()
        for number, line in zip(projects[file], lines, strict=True):
            for calendar in json.loads(line)["calendars"]:
                ours = shown.pop((number, calendar["uid"]), None)
                if ours is None and file.dialect != "mspdi":
                    continue
                theirs = calendar["name"], calendar["parent"], calendar["exceptions"]
                assert ours == theirs, (file.name, calendar)
                compared, exceptions = compared + 1, exceptions + theirs[2]
    assert shown == {}
    print(compared, "calendars with", exceptions, "exceptions")


async def test_recurring_exceptions_have_the_dates_that_project_itself_found(
    service: Service, pool: Pool
) -> None:
    """Project writes the dates of a recurring exception too, for versions without them."""
    compared = 0
    files = [file for file in FILES if b"<Exceptions>" in file.content and file.dialect == "mspdi"]
    for file, [number] in (await import_files(service, files)).items():
        rows = await pool.fetch(
            "SELECT from_date, to_date FROM current_calendar_exceptions"
            " WHERE client_id = 1 AND project_id = $1",
            number,
        )
        dates = {day for row in rows for day in days(row["from_date"], row["to_date"])}
        written = [
            each
            for day in tree(file.path).iterfind(".//{*}WeekDay[{*}DayType='0']")
            for each in days(
                *(
                    date.fromisoformat((day.findtext(".//{*}" + name) or "")[:10])
                    for name in ("FromDate", "ToDate")
                )
            )
        ]
        assert dates == {*written}, file.name
        compared += len(written)
    print(len(files), "files with", compared, "dates")


async def test_each_element_of_a_record_has_a_row(service: Service, pool: Pool) -> None:
    projects = await import_files(service, FILES)
    total: Counter[str] = Counter()
    for file in FILES:
        written = count_elements(file)
        shown: Counter[str] = Counter()
        for view in COUNTED:
            shown[view] = await pool.fetchval(
                f"SELECT count(*) FROM current_{view} WHERE client_id = 1"
                " AND project_id = ANY ($1) AND (record <> 'resource' OR $2)",
                projects[file],
                file.dialect == "mspdi",
            )
        assert shown == written, file.name
        total += shown
    print(dict(total))


def count_elements(file: File) -> Counter[str]:
    """Count the elements of ``COUNTED`` with content in the records of the file's projects.

    A resource of P6 is outside the projects: any number of them, or none, uses it.
    """
    counts: Counter[str] = Counter()
    root = tree(file.path)
    for resource in root.findall("{*}Resource"):
        root.remove(resource)
    for found in elements(root):
        name = QName(found).localname
        for view, names in COUNTED.items():
            # The code of a WBS element is a leaf.
            is_code = view != "codes" or len(found)
            if name in names and is_code and any(text.strip() for text in found.itertext()):
                counts[view] += 1
    return counts


def elements(parent: _Element) -> Iterator[_Element]:
    """Yield the children of all records below an element."""
    for child in parent:
        if QName(child).localname in RECORDS:
            yield from child.iterchildren("*")
        yield from elements(child)


def days(first: date, last: date) -> Iterator[date]:
    for number in range((last - first).days + 1):
        yield first + timedelta(days=number)


async def import_files(service: Service, files: list[File]) -> dict[File, list[int]]:
    """Import files, and return the ids of the projects of each."""
    projects: dict[File, list[Any]] = {}
    async with aiohttp.ClientSession() as http:
        for file in files:
            told = await upload(http, service, file.content, file.name)
            projects[file] = [one["project_id"] for one in told["details"]["successes"]]
    return projects
