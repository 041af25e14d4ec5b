"""XER files after their import over HTTP, beside what others find in them."""

import json
from collections import Counter, defaultdict
from typing import Any, Final

import aiohttp
import pytest

from service.storage import Pool
from tests.support.real.files import XER_FILES, File
from tests.support.real.planning import compare_planning
from tests.support.real.stored import stored
from tests.support.real.xer_rows import project_records, search, shared_records
from tests.support.service import Service
from tests.support.upload import upload
from tests.support.xer_leaves import Tables, read_tables

SHARED = """
SELECT DISTINCT s.element, s.attributes::text FROM current_projects p
 CROSS JOIN unnest(p.shared_objects) AS t (hash)
  JOIN shared_objects s USING (client_id, hash)
 WHERE p.client_id = 1 AND p.project_id = ANY ($1::bigint[])
"""
VIEWS: Final = {
    "custom_fields": ("UDFVALUE",),
    "codes": ("TASKACTV", "PROJPCAT"),
    "notes": ("TASKMEMO", "WBSMEMO"),
}
"""The tables whose rows each view has."""
EXPLAINED: Final = {
    ("xer projects.calendar_id", "different"),  # it gives all projects the calendar of the first
    (
        "xer resources.code",
        "more",
    ),  # it takes the employee's number as the code
    ("xer resources.code", "different"),
    ("xer tasks.status", "more"),  # it does not read the status of a WBS element
    ("xer tasks.actual_duration", "more"),  # it computes none for what has not started
    # It reads only the early dates, not those of the remaining work.
    ("xer tasks.early_start", "more"),
    ("xer tasks.early_finish", "more"),
}
"""Where the independent reader does not state the value of the file's cell."""


async def import_file(service: Service, file: File) -> list[dict[str, Any]]:
    async with aiohttp.ClientSession() as http:
        details = (await upload(http, service, file.content, file.name))["details"]
    assert details["errors"] == []
    successes: list[dict[str, Any]] = details["successes"]
    return successes


@pytest.mark.parametrize("file", XER_FILES, ids=lambda file: file.name)
async def test_every_cell_of_every_row_is_in_the_database(
    service: Service, pool: Pool, file: File
) -> None:
    tables = read_tables(file.content)
    numbers = {row["proj_short_name"].strip(): row["proj_id"] for row in exported(tables)}
    records = {}
    imported = await import_file(service, file)
    assert [each["external_id"] for each in imported] == [*numbers]
    for each in imported:
        row, children = await stored(pool, each["project_id"])
        records[numbers[each["external_id"]]] = [*project_records(row, children)]
    ids = [each["project_id"] for each in imported]
    shared = shared_records(map(dict, await pool.fetch(SHARED, ids)))
    found = search(tables, records, shared, left_out(tables))
    print(file.name, sum(found.cells.values()), "cells;", dict(found.unused), "unused")
    for view, names in VIEWS.items():
        written = sum(row.get("proj_id", "") != "" for name in names for row in tables[name])
        shown = await pool.fetchval(
            f"SELECT count(*) FROM current_{view} WHERE client_id = 1 AND record <> 'resource'"
        )
        assert shown == written, view
    for what, rows in found.lost.items():
        print("LOST", what, len(rows), str(rows[0])[:1000])
    assert [*found.lost] == []


def left_out(tables: Tables) -> dict[tuple[str, str], set[str]]:
    """Return the cells that no record has.

    P6 XML does not name the root of the WBS elements in other records, because the root is the
    project itself.
    """
    roots = {row["wbs_id"] for row in tables["PROJWBS"] if row.get("proj_node_flag") == "Y"}
    named = {(table, "wbs_id"): roots for table in tables if table != "PROJWBS"}
    return named | {("PROJWBS", "parent_wbs_id"): roots}


def exported(tables: Tables) -> list[dict[str, str]]:
    """Return the rows of the projects that are not stubs of others, and drop those of stubs."""
    rows = [row for row in tables["PROJECT"] if row.get("export_flag") != "N"]
    numbers = {row["proj_id"] for row in rows}
    for table, each in tables.items():
        tables[table] = [row for row in each if row.get("proj_id", "") in {"", *numbers}]
    return rows


@pytest.mark.parametrize(
    "file", [file for file in XER_FILES if file.planning.exists()], ids=lambda file: file.name
)
async def test_the_database_has_what_an_independent_reader_found(
    service: Service, pool: Pool, file: File
) -> None:
    verdicts: dict[str, Counter[str]] = defaultdict(Counter)
    findings = map(json.loads, file.planning.read_text().splitlines())
    roots = left_out(read_tables(file.content))["TASK", "wbs_id"]
    for success, there in zip(await import_file(service, file), findings, strict=True):
        project, children = await stored(pool, success["project_id"])
        names = {task["task_id"]: task["name"] for task in children["tasks"]}
        assert names == {
            task["uid"]: task["name"] for task in there["tasks"] if task["uid"] not in roots
        }
        given = Counter((row["task_id"], row["resource_id"]) for row in children["assignments"])
        assert given == Counter((each["task"], each["resource"]) for each in there["assignments"])
        for each in compare_planning("xer", project, children, there):
            verdicts[each.column][each.verdict] += 1
            explained = (each.column, each.verdict) in EXPLAINED
            assert explained or each.verdict not in {"more", "different"}, (file.name, each)
    for column, counts in verdicts.items():
        print(column, dict(counts))
