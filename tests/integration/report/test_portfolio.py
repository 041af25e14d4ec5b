"""Each query of the dashboard Portfolio runs as a reader and shows the plan."""

import json
import re
from typing import Any

import pytest

from service.storage.readers import grant_reader
from tests.support.databases import execute
from tests.support.paths import CHECKOUT
from tests.support.readers import READER, Acting
from tests.tools.k8s.expressions import PORTFOLIO, dashboard

BOARD = dashboard(PORTFOLIO)
VARIABLES = {each["name"]: each for each in BOARD["templating"]["list"]}
PANELS = [panel for panel in BOARD["panels"] if panel["type"] != "row"]
FROM, TO = "2026-01-01T00:00:00Z", "2099-01-01T00:00:00Z"
EMPTY = {"Projects that failed"}
"""Panels that show nothing of the plan."""

pytestmark = pytest.mark.usefixtures("plans")


def expand(sql: str, since: str = FROM) -> str:
    """Put in what Grafana does for a time range, and for all clients and projects."""
    sql = re.sub(r"\$__timeFilter\(([^)]+)\)", rf"\1 BETWEEN '{since}' AND '{TO}'", sql)
    sql = sql.replace("$__timeFrom()", f"'{since}'").replace("$__timeTo()", f"'{TO}'")
    sql = sql.replace("$client", "'1','2'").replace("$project", VARIABLES["project"]["allValue"])
    assert "$" not in sql, sql
    return sql


async def query(dsn: str, acting: Acting, sql: str, since: str = FROM) -> list[dict[str, Any]]:
    await grant_reader(dsn, READER, [1])
    async with acting(READER) as connection:
        return [dict(row) for row in await connection.fetch(expand(sql, since))]


def sql_of(title: str) -> str:
    (panel,) = (panel for panel in PANELS if panel["title"] == title)
    sql: str = panel["targets"][0]["rawSql"]
    return sql


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: str(panel["title"]))
async def test_each_panel_shows_the_plan(dsn: str, acting: Acting, panel: dict[str, Any]) -> None:
    await execute(
        dsn,
        "UPDATE project_versions SET created_at = '2025-12-31' WHERE version = 1",
    )
    (target,) = panel["targets"]
    rows = await query(dsn, acting, target["rawSql"])
    assert bool(rows) == (panel["title"] not in EMPTY)
    if panel["type"] == "stat":
        assert [type(value) for row in rows for value in row.values()] == [int]
    if target["format"] == "time_series":
        assert [*rows[0]][:2] == ["time", "metric"]


async def test_the_panels_count_the_clients_of_the_reader_only(dsn: str, acting: Acting) -> None:
    assert await query(dsn, acting, sql_of("Tasks that are late")) == [{"late": 3}]
    names = await query(dsn, acting, VARIABLES["client"]["query"])
    assert names == [{"__text": "Demo", "__value": 1}]
    [project] = await query(dsn, acting, VARIABLES["project"]["query"])
    assert project["__text"] == "Plant"


async def test_slipped_tasks_are_compared_with_the_version_before_the_time_range(
    dsn: str, acting: Acting
) -> None:
    sql = sql_of("Tasks that slipped")
    assert await query(dsn, acting, sql) == []
    await execute(dsn, "UPDATE project_versions SET created_at = '2025-12-31' WHERE version = 1")
    rows = await query(dsn, acting, sql)
    assert [(row["Task"], row["Days"]) for row in rows] == [("Pour", 2), ("Done", 2)]


def test_every_view_with_facts_of_plans_is_on_the_dashboard() -> None:
    text = json.dumps(BOARD)
    for view in ("tasks", "project_versions", "task_variance", "resource_load", "schedule_checks"):
        assert f"report.{view}" in text


def test_rows_are_the_questions_of_the_documentation() -> None:
    text = (CHECKOUT / "docs" / "operate" / "monitoring" / "monitoring.md").read_text("utf-8")
    rows = [panel["title"] for panel in BOARD["panels"] if panel["type"] == "row"]
    assert rows == re.findall(r"^\| (.+\?) \| ", text, re.M)
