"""What each view shows of a plan."""

from decimal import Decimal
from typing import Any

import pytest

from service.storage.readers import grant_reader
from tests.support.databases import execute
from tests.support.readers import READER, VIEWS, Acting

OTHER_PROJECT = """
INSERT INTO projects (client_id, project_id, external_id, version, content_hash)
VALUES (1, 1000, 'P-2', 1, '');
INSERT INTO project_versions (client_id, project_id, version, content_hash, name, source,
                              attributes)
VALUES (1, 1000, 1, '', 'Site', 'p6', '{"ObjectId": "99"}');
INSERT INTO tasks (client_id, project_id, version, ordinal, task_id, kind, name, milestone, summary,
                   attributes)
VALUES (1, 1000, 1, 0, '9', 'wbs', 'Other', false, false, '{}'),
       (1, 1000, 1, 1, '9', 'activity', 'Survey', false, false, '{}')
"""

pytestmark = pytest.mark.usefixtures("plans")


@pytest.fixture
async def show(dsn: str, acting: Acting) -> Any:
    """Select from a view as the reader of client 1."""
    await grant_reader(dsn, READER, [1])

    async def show(columns: str, view: str, rest: str = "") -> list[tuple[Any, ...]]:
        async with acting(READER) as connection:
            rows = await connection.fetch(f"SELECT {columns} FROM report.{view} {rest}")
            return [tuple(row) for row in rows]

    return show


async def test_projects_are_in_their_current_version(show: Any) -> None:
    columns = "external_id, project_name, currency, version, finish::text, imported_by, import_id"
    [(*project, import_id)] = await show(columns, "projects")
    assert project == ["P-1", "Plant", "EUR", 2, "2026-01-23 17:00:00", "tester"]
    assert await show("import_id", "imports", "ORDER BY import_id DESC LIMIT 1") == [(import_id,)]


async def test_versions_show_how_the_finish_moved(show: Any) -> None:
    columns = "version, is_current, finish::date::text"
    order = "ORDER BY version"
    expected = [(1, False, "2026-01-21"), (2, True, "2026-01-23")]
    assert await show(columns, "project_versions", order) == expected
    assert await show(columns, "task_versions", "WHERE task_code = 'A20' " + order) == expected


async def test_tasks_have_hours_beside_intervals(show: Any) -> None:
    columns = "task_name, duration_hours, work_hours, total_float_hours, cost, is_critical"
    assert await show(columns, "tasks", "WHERE task_code = 'A10'") == [
        ("Dig", 32, 40, -8, Decimal("1200.50"), True)
    ]
    assert await show(columns, "tasks", "WHERE task_id = '3'") == [
        ("Done", None, None, None, None, None)
    ]


async def test_wbs_path_names_the_way_from_the_root(show: Any) -> None:
    columns = "kind, task_id, level, code_path, name_path"
    assert await show(columns, "wbs_path", "ORDER BY level, task_id") == [
        ("wbs", "1", 1, "CIVIL", "Civil works"),
        ("activity", "1", 2, "CIVIL / A10", "Civil works / Dig"),
        ("activity", "2", 2, "CIVIL / A20", "Civil works / Pour"),
        ("activity", "3", 3, "CIVIL / A20 / 3", "Civil works / Pour / Done"),
    ]


async def test_a_loop_of_parents_ends_and_has_no_path(dsn: str, show: Any) -> None:
    await execute(dsn, "UPDATE tasks SET parent_id = '3' WHERE kind = 'activity'")
    assert await show("task_id", "wbs_path") == [("1",)]


async def test_dependencies_name_both_ends_and_prefer_activities(show: Any) -> None:
    columns = "predecessor_name, predecessor_code, successor_name, type, lag_hours, is_external"
    expected = [("Dig", "A10", "Pour", "SS", 12, False)]
    assert await show(columns, "dependencies", "WHERE NOT is_external") == expected


async def test_a_link_to_another_project_has_it_once_it_is_stored(dsn: str, show: Any) -> None:
    columns = "predecessor_external_id, predecessor_name, successor_external_id, successor_name"
    rest = "WHERE is_external"
    assert await show(columns, "dependencies", rest) == [(None, None, "P-1", "Dig")]
    for statement in OTHER_PROJECT.split(";"):
        await execute(dsn, statement)
    assert await show(columns, "dependencies", rest) == [("P-2", "Survey", "P-1", "Dig")]


async def test_assignments_name_the_task_and_the_resource(show: Any) -> None:
    columns = "task_name, resource_name, resource_type, work_hours"
    assert await show(columns, "assignments", "ORDER BY ordinal") == [
        ("Dig", "Crew", "work", 40),
        ("Pour", "Crew", "work", 8),
        ("Pour", "Concrete", "material", 9),
        ("Pour", "Ada", None, 6),
        ("Pour", "Jon", None, 10),
    ]
    assert await show("max_units", "resources", "WHERE resource_name = 'Crew'") == [(2,)]


async def test_variance_is_against_the_current_baseline(show: Any) -> None:
    """P6 gives the tasks of a baseline other ids, so that a code decides; else the id does."""
    columns = (
        "task_name, baseline_name, in_baseline, start_variance_days, finish_variance_days,"
        " duration_variance_hours, work_variance_hours, cost_variance"
    )
    assert await show(columns, "task_variance", "WHERE kind = 'activity' ORDER BY task_id") == [
        ("Dig", "Agreed", True, 2, Decimal("1.50"), -8, -10, Decimal("200.50")),
        ("Pour", "Agreed", False, *[None] * 5),
        ("Done", "Agreed", True, None, -1, *[None] * 3),
    ]
    assert await show("baseline_name, is_current", "baselines", "ORDER BY baseline_number") == [
        ("Agreed", True),
        ("Draft", False),
    ]
    assert await show("count(*)", "baseline_tasks") == [(3,)]


async def test_load_spreads_work_over_weekdays_by_week(show: Any) -> None:
    """From Thursday to Tuesday, two of four days are in each week; a weekend has all its work."""
    columns = "week_start::text, iso_week, work_hours, is_timephased"
    rest = "WHERE resource_name = 'Crew' ORDER BY week_start"
    assert await show(columns, "resource_load", rest) == [
        ("2026-01-05", "2026-W02", 20, False),
        ("2026-01-12", "2026-W03", 28, False),
    ]


async def test_load_leaves_out_dates_that_would_take_half_a_million_weeks(
    dsn: str, show: Any
) -> None:
    await execute(
        dsn,
        "UPDATE assignments SET start = '0001-01-01', finish = '9999-12-31'"
        " WHERE resource_id = 'R1'",
    )
    assert await show("*", "resource_load", "WHERE resource_name = 'Crew'") == []


async def test_load_follows_timephased_data_that_adds_up_to_the_work(show: Any) -> None:
    """A day of 24 hours from the morning on is that day; a span over a weekend is its days."""
    columns = "resource_name, week_start::text, work_hours, is_timephased"
    rest = "WHERE resource_name <> 'Crew' ORDER BY resource_name, week_start"
    assert await show(columns, "resource_load", rest) == [
        ("Ada", "2026-01-12", 5, True),
        ("Ada", "2026-01-19", 1, True),
        ("Jon", "2026-01-12", 10, False),
    ]


async def test_codes_and_custom_fields_have_their_names(show: Any) -> None:
    columns = "task_code, task_name, code_type, code_value"
    assert await show(columns, "task_codes") == [("A10", "Dig", "Area", "NORTH")]
    columns = "record, task_id, title, type, value, value_number"
    assert await show(columns, "custom_fields") == [
        ("task", "1", "Risk", "cost", "7.5", Decimal("7.5"))
    ]


async def test_calendars_have_their_exceptions_and_tasks_their_notes(show: Any) -> None:
    assert await show("calendar_name, is_default", "calendars") == [("Standard", True)]
    columns = "calendar_name, from_date::text, to_date::text, is_working"
    expected = [("Standard", "2026-12-25", "2026-12-25", False)]
    assert await show(columns, "calendar_exceptions") == expected
    assert await show("record, record_id, text", "notes") == [("task", "1", "Mind the cable.")]


async def test_imports_show_counts_and_people_without_secrets(dsn: str, show: Any) -> None:
    columns = "state, imported_by, format, created, updated, unchanged, failed, is_dry_run"
    assert await show(columns, "imports", "ORDER BY import_id") == [
        ("completed", "tester", "native", 1, 0, 0, 0, False),
        ("completed", "tester", "native", 0, 1, 0, 0, False),
    ]
    columns = "outcome, external_id, project_name, version, tasks, imported_by"
    assert await show(columns, "import_results", "ORDER BY import_id") == [
        ("created", "P-1", "Plant", 1, 4, "tester"),
        ("updated", "P-1", "Plant", 2, 4, "tester"),
    ]


async def test_an_archived_project_is_in_the_history_only(
    dsn: str, acting: Acting, show: Any
) -> None:
    await execute(dsn, "UPDATE projects SET archived_at = now()")
    async with acting(READER) as connection:
        found = [row["relname"] for row in await connection.fetch(VIEWS)]
    shown = {view for view in found if await show("1", view, "LIMIT 1")}
    assert shown == {"clients", "imports", "import_results"}
