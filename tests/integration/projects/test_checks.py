"""The schedule checks of a project, from the file to the response."""

from typing import Any

import pytest

from service.projects.checks import CHECKS
from service.storage import Pool
from tests.support.client import Client
from tests.support.native import native

NOT_COMPUTED = ("critical_path_test", "cpli")

CLEAN = """<project id="P"><name>Plant</name><data-date>2026-02-02T08:00:00</data-date><tasks>
<task id="S" summary="true"><name>All</name><duration>PT8000H</duration></task>
<task id="B" milestone="true"><name>Begin</name></task>
<task id="T1" code="A10"><name>Dig</name><percent-complete>100</percent-complete>
 <start>2026-01-05T08:00:00</start><finish>2026-01-30T17:00:00</finish><duration>PT160H</duration>
 <actual-start>2026-01-05T08:00:00</actual-start>
 <actual-finish>2026-01-30T17:00:00</actual-finish></task>
<task id="T2" code="A20" wbs="1.2"><name>Pour</name>
 <start>2026-02-02T08:00:00</start><finish>2026-02-27T17:00:00</finish><duration>PT160H</duration>
 <constraint-type>{constraint}</constraint-type><constraint-date>2026-02-02T08:00:00</constraint-date>
 <total-float>{float}</total-float></task>
<task id="T3" code="A30"><name>Cure</name>
 <start>{start}</start><finish>2026-03-27T17:00:00</finish><duration>{duration}</duration>
 <constraint-type>as_soon_as_possible</constraint-type><total-float>PT0S</total-float></task>
<task id="E" milestone="true"><name>End</name></task></tasks>
<dependencies><dependency predecessor="B" successor="T1"/>
 <dependency predecessor="T1" successor="T2"/>
 <dependency predecessor="T2" successor="T3" type="{type}" lag="{lag}"/>
 {last}</dependencies>
<resources><resource id="R"><name>Crew</name></resource></resources>
<assignments><assignment task="T1" resource="R"/><assignment task="T2" resource="R"/>
 <assignment task="T3" {resource}/></assignments>
<baselines><baseline number="0" current="true"/><baseline number="1"/></baselines>
<baseline-tasks>
 <baseline-task number="0" task="9" code="A10"><finish>{baseline}</finish></baseline-task>
 <baseline-task number="1" task="9" code="A20"><finish>2026-01-01T17:00:00</finish></baseline-task>
 <baseline-task number="0" task="T2"><finish>{second}</finish></baseline-task>
 <baseline-task number="0" task="T3"><finish>2026-03-27T17:00:00</finish></baseline-task>
</baseline-tasks></project>"""
VALUES = {
    "constraint": "start_no_earlier_than",
    "float": "PT16H",
    "start": "2026-03-02T08:00:00",
    "duration": "PT160H",
    "type": "FS",
    "lag": "PT0S",
    "last": '<dependency predecessor="T3" successor="E"/>',
    "resource": 'resource="R"',
    "baseline": "2026-01-30T15:00:00",
    "second": "2026-02-27T17:00:00",
}
T2 = {"task_id": "T2", "code": "A20", "wbs": "1.2", "name": "Pour", "predecessor_id": None}
T3 = {"task_id": "T3", "code": "A30", "wbs": None, "name": "Cure", "predecessor_id": None}
LINK = T3 | {"predecessor_id": "T2"}


def plan(**faults: str) -> str:
    return native(CLEAN.format(**(VALUES | faults)))


async def checked(client: Client, query: str = "") -> dict[str, Any]:
    answer = await client.ask(f"projects/1/checks{query}")
    assert answer.status == 200, answer.body
    return {check["name"]: check for check in answer.details["checks"]}


async def test_a_clean_plan_passes_every_check_that_has_a_threshold(client: Client) -> None:
    await client.land(plan())
    checks = await checked(client)
    assert tuple(checks) == CHECKS
    assert [check["point"] for check in checks.values()] == [*range(1, 15)]
    for name, check in checks.items():
        computed = name not in NOT_COMPUTED
        assert (check["not_computed"] is None) == computed, check
        assert check["passed"] is (True if computed and name != "missing_resources" else None)
        assert (check["tasks"], check["findings"], check["next"]) == ([], 0, None)
    counts = {name: (check["count"], check["total"]) for name, check in checks.items()}
    assert counts["relationship_types"] == (2, 2)
    assert counts["missed_tasks"] == (0, 1)
    assert counts["bei"] == (1, 1)


@pytest.mark.parametrize(
    ("faults", "found"),
    [
        ({"last": ""}, {"open_ends": T3 | {"value": "successor"}}),
        ({"lag": "-PT12H"}, {"leads": LINK | {"value": "-1.5 days"}}),
        ({"lag": "PT8H"}, {"lags": LINK | {"value": "1 days"}}),
        ({"type": "SS"}, {"relationship_types": LINK | {"value": "SS"}}),
        (
            {"constraint": "must_start_on"},
            {"hard_constraints": T2 | {"value": "must_start_on 2026-02-02T08:00:00"}},
        ),
        ({"float": "PT360H"}, {"high_float": T2 | {"value": "45 days"}}),
        ({"float": "-PT1H"}, {"negative_float": T2 | {"value": "-0.2 days"}}),
        ({"duration": "PT353H"}, {"high_duration": T3 | {"value": "44.2 days"}}),
        (
            {"start": "2026-02-02T07:59:00"},
            {"invalid_dates": T3 | {"value": "start 2026-02-02T07:59:00"}},
        ),
        ({"resource": ""}, {"missing_resources": T3 | {"value": "20 days"}}),
        (
            {"second": "2026-02-02T08:00:00"},
            {
                "missed_tasks": T2 | {"value": "baseline 2026-02-02T08:00:00, not finished"},
                "bei": T2 | {"value": "baseline 2026-02-02T08:00:00"},
            },
        ),
        (
            {"baseline": "2026-01-29T17:00:00"},
            {
                "missed_tasks": {
                    "task_id": "T1",
                    "code": "A10",
                    "wbs": None,
                    "name": "Dig",
                    "predecessor_id": None,
                    "value": "baseline 2026-01-29T17:00:00, finished 2026-01-30T17:00:00",
                }
            },
        ),
    ],
)
async def test_a_planted_fault_is_found_by_its_check_alone(
    client: Client, faults: dict[str, str], found: dict[str, Any]
) -> None:
    await client.land(plan(**faults))
    checks = await checked(client)
    failed = {name for name, check in checks.items() if check["passed"] is False}
    assert failed == found.keys() - {"missing_resources"}
    assert {name: check["tasks"] for name, check in checks.items() if check["tasks"]} == {
        name: [task] for name, task in found.items()
    }


async def test_an_operator_changes_thresholds_by_sql(client: Client, pool: Pool) -> None:
    await client.land(plan(lag="PT8H", duration="PT353H"))
    await pool.execute(
        "INSERT INTO check_thresholds (check_name, threshold, days)"
        " VALUES ('lags', 50, NULL), ('high_duration', NULL, 45), ('missing_resources', 0, NULL)"
    )
    checks = await checked(client)
    assert (checks["lags"]["threshold"], checks["lags"]["passed"]) == (50, True)
    assert (checks["high_duration"]["threshold"], checks["high_duration"]["findings"]) == (5, 0)
    assert checks["missing_resources"]["passed"] is True


async def test_a_check_names_the_data_that_the_project_lacks(client: Client) -> None:
    tasks = '<tasks><task id="1"><name>Dig</name></task></tasks>'
    await client.land(native(f'<project id="P"><name>Plant</name>{tasks}</project>'))
    checks = await checked(client)
    links, float_ = "no incomplete task has a predecessor", "no incomplete task has a total float"
    assert {name: check["not_computed"] for name, check in checks.items()} == {
        "open_ends": None,
        "leads": links,
        "lags": links,
        "relationship_types": links,
        "hard_constraints": "no task states its constraint",
        "high_float": float_,
        "negative_float": float_,
        "high_duration": "no incomplete task has a duration",
        "invalid_dates": "the project has no data date",
        "missing_resources": "no task has a resource or a cost",
        "missed_tasks": "the project has no data date",
        "critical_path_test": "the service has no scheduling engine",
        "cpli": "the service has no scheduling engine",
        "bei": "the project has no data date",
    }
    lacking = [check for check in checks.values() if check["not_computed"]]
    for check in lacking:
        assert {check[name] for name in ("count", "total", "percentage", "passed")} == {None}
        assert (check["findings"], check["tasks"]) == (0, [])


async def test_a_project_without_tasks_has_checks(client: Client) -> None:
    await client.land(native('<project id="P"><name>Plant</name></project>'))
    checks = await checked(client)
    assert tuple(checks) == CHECKS
    assert all(check["not_computed"] for check in checks.values())


async def test_findings_come_in_pages_of_one_check(client: Client) -> None:
    tasks = "".join(f'<task id="{n}"/>' for n in range(5))
    links = "".join(f'<dependency predecessor="{n}" successor="4" lag="PT8H"/>' for n in range(4))
    inside = f"<tasks>{tasks}</tasks><dependencies>{links}</dependencies>"
    await client.land(native(f'<project id="P"><name>Plant</name>{inside}</project>'))
    first = await checked(client, "?limit=2")
    for name, key, ids in (
        ("open_ends", "task_id", ["0", "1", "2", "3", "4"]),
        ("lags", "predecessor_id", ["0", "1", "2", "3"]),
    ):
        assert first[name]["findings"] == len(ids)
        found, following = first[name]["tasks"], first[name]["next"]
        while following:
            answer = await client.ask(following)
            [check] = answer.details["checks"]
            assert (check["name"], check["count"]) == (name, len(ids))
            found, following = found + check["tasks"], check["next"]
        assert [each[key] for each in found] == ids


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("projects/1/checks?check=late", 400),
        ("projects/1/checks?cursor=MQ", 400),
        ("projects/1/checks?check=lags&cursor=x", 400),
        ("projects/1/checks?limit=0", 400),
        ("projects/2/checks", 404),
        ("projects/x/checks", 400),
    ],
)
async def test_an_invalid_request_is_refused(client: Client, path: str, status: int) -> None:
    await client.land(plan())
    assert (await client.ask(path)).status == status


async def test_the_checks_follow_the_current_version(client: Client) -> None:
    await client.land(plan(lag="PT8H"))
    await client.land(plan())
    answer = await client.ask("projects/1/checks")
    assert answer.details["version"] == 2
    assert (await checked(client))["lags"]["passed"] is True
