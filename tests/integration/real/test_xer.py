"""XER files after their import over HTTP, beside what others find in them."""

import json
from collections import Counter, defaultdict
from typing import Final

import aiohttp
import pytest

from service.storage import Pool
from tests.support.real.files import XER_FILES, File
from tests.support.real.planning import compare_planning
from tests.support.real.stored import Row, stored
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
    ("xer projects.start", "more"),  # it has none without activities, and not the planned one
    # It takes the employee's number as the code.
    ("xer resources.code", "more"),
    ("xer resources.code", "different"),
    ("xer tasks.status", "more"),  # it does not read the status of a WBS element
    ("xer tasks.actual_duration", "more"),  # it computes none for what has not started
    # It reads only the early dates, not those of the remaining work.
    ("xer tasks.early_start", "more"),
    ("xer tasks.early_finish", "more"),
}
"""Where the independent reader does not state the value of the file's cell."""


Imported = list[tuple[int, Row, dict[str, list[Row]]]]
"""Id, row and children of each project of a file."""


@pytest.mark.parametrize("file", XER_FILES, ids=lambda file: file.name)
async def test_the_database_has_every_cell_and_what_an_independent_reader_found(
    service: Service, pool: Pool, file: File
) -> None:
    async with aiohttp.ClientSession() as http:
        details = (await upload(http, service, file.content, file.name))["details"]
    assert details["errors"] == []
    ids = [each["project_id"] for each in details["successes"]]
    imported = [(number, *await stored(pool, number)) for number in ids]
    tables = read_tables(file.content)
    await check_cells(pool, tables, imported)
    if file.planning.exists():
        roots = left_out(tables)["TASK", "wbs_id"]
        check_findings(file, roots, imported)


async def check_cells(pool: Pool, tables: Tables, imported: Imported) -> None:
    numbers = {row["proj_short_name"].strip(): row["proj_id"] for row in exported(tables)}
    assert [row["external_id"] for _, row, _ in imported] == [*numbers]
    records = {
        numbers[row["external_id"]]: [*project_records(row, children)]
        for _, row, children in imported
    }
    shared = await pool.fetch(SHARED, [number for number, _, _ in imported])
    found = search(tables, records, shared_records(map(dict, shared)), left_out(tables))
    print(sum(found.cells.values()), "cells;", dict(found.unused), "unused")
    for what, rows in found.lost.items():
        print("LOST", what, len(rows), str(rows[0])[:1000])
    assert [*found.lost] == []
    for view, names in VIEWS.items():
        written = sum("proj_id" in row for name in names for row in tables[name])
        shown = await pool.fetchval(
            f"SELECT count(*) FROM current_{view} WHERE client_id = 1 AND record <> 'resource'"
        )
        assert shown == written, view


def left_out(tables: Tables) -> dict[tuple[str, str], set[str]]:
    """Return the cells that no record has.

    P6 XML does not name the root of the WBS elements in other records, because the root is the
    project itself.
    """
    roots = {row["wbs_id"] for row in tables["PROJWBS"] if row.get("proj_node_flag") == "Y"}
    named = {(table, "wbs_id"): roots for table in tables if table != "PROJWBS"}
    return named | {("PROJWBS", "parent_wbs_id"): roots}


def exported(tables: Tables) -> list[dict[str, str]]:
    """Return the rows of projects, and drop those of stubs and nodes of the EPS."""
    rows = [
        row
        for row in tables["PROJECT"]
        if "N" not in (row.get("export_flag"), row.get("project_flag"))
    ]
    numbers = {row["proj_id"] for row in rows}
    for table, each in tables.items():
        tables[table] = [row for row in each if row.get("proj_id", "") in {"", *numbers}]
    return rows


def check_findings(file: File, roots: set[str], imported: Imported) -> None:
    verdicts: dict[str, Counter[str]] = defaultdict(Counter)
    findings = map(json.loads, file.planning.read_text().splitlines())
    for (_, project, children), there in zip(imported, findings, strict=True):
        names = {task["task_id"]: task["name"] for task in children["tasks"]}
        assert names == {
            task["uid"]: task["name"] for task in there["tasks"] if task["uid"] not in roots
        }
        given = Counter((row["task_id"], row["resource_id"]) for row in children["assignments"])
        assert given == Counter((each["task"], each["resource"]) for each in there["assignments"])
        for each in compare_planning("xer", project, children, there):
            verdicts[each.column][each.verdict] += 1
            explained = (each.column, each.verdict) in EXPLAINED
            assert explained or each.verdict not in {"more", "different"}, each
    for column, counts in verdicts.items():
        print(column, dict(counts))
