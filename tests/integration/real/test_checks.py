"""The schedule checks of real plans, compared with the same rules written in Python."""

import re
from collections.abc import Mapping
from typing import Any, Final

import pytest

from service.projects.checks import CHECKS
from service.storage import Pool
from tests.support.raw_http import form, part
from tests.support.real.files import FILES, XER_FILES, File
from tests.support.real.stored import Row, stored
from tests.support.service import Service
from tests.support.uploads import send

_HARD: Final = ("must_", "start_on", "finish_on", "start_no_later", "finish_no_later")
_IGNORED: Final = re.compile(
    r'"Type": "(Level of Effort|WBS Summary)"|"Active": "0"|"(IsSubproject|ExternalTask)": "1"'
)


def _sign(interval: str | None) -> int:
    if interval is None or not re.search("[1-9]", interval):
        return 0
    return -1 if "-" in interval else 1


def expected(children: Mapping[str, list[Row]]) -> dict[str, tuple[int, int]]:
    """Return findings and total of the checks that need neither calendars nor baselines."""
    counted = {
        task["task_id"]: task
        for task in children["tasks"]
        if task["kind"] == "activity"
        and task["summary"] == task["milestone"] == "false"
        and not _IGNORED.search(task["attributes"])
        and task["actual_finish"] is None
        and float(task["percent_complete"] or 0) < 100
    }
    before = {link["successor_id"] for link in children["dependencies"]}
    after = {link["predecessor_id"] for link in children["dependencies"]}
    for found in children["project_parts"]:
        if found["element"] in ("Relationship", "PredecessorLink"):
            ends = dict(re.findall(r'"(\w+)": "([^"]*)"', found["attributes"]))
            before |= {ends.get("SuccessorActivityObjectId"), ends.get("TaskUID")}
            after |= {ends.get("PredecessorActivityObjectId")}
    links = [each for each in children["dependencies"] if each["successor_id"] in counted]
    floats = [task for task in counted.values() if task["total_float"] is not None]
    return {
        "open_ends": (len(counted.keys() - (before & after)), len(counted)),
        "leads": (sum(_sign(link["lag"]) < 0 for link in links), len(links)),
        "lags": (sum(_sign(link["lag"]) > 0 for link in links), len(links)),
        "relationship_types": (sum(link["type"] != "FS" for link in links), len(links)),
        "hard_constraints": (
            sum(
                (task["constraint_type"] or "").startswith(_HARD)
                or "or Before"
                in (re.findall('Secondary.*?: "(.*?)"', task["attributes"]) or [""])[0]
                for task in counted.values()
            ),
            len(counted),
        ),
        "negative_float": (sum(_sign(task["total_float"]) < 0 for task in floats), len(floats)),
    }


@pytest.mark.parametrize("file", [*FILES, *XER_FILES], ids=lambda file: file.name)
async def test_the_checks_of_real_plans_follow_the_rules(
    service: Service, pool: Pool, file: File
) -> None:
    await send(service, form(part("file", file.content)))
    rows = await pool.fetch("SELECT * FROM current_checks WHERE client_id = 1 ORDER BY point")
    found = await pool.fetch(
        "SELECT project_id, check_name, count(*) AS number FROM current_check_findings"
        " WHERE client_id = 1 GROUP BY project_id, check_name"
    )
    listed = {(row["project_id"], row["check_name"]): row["number"] for row in found}
    projects: dict[int, dict[str, Any]] = {}
    for row in rows:
        assert row["findings"] == listed.get((row["project_id"], row["check_name"]), 0), row
        assert (row["count"] is None) == (row["not_computed"] is not None), row
        projects.setdefault(row["project_id"], {})[row["check_name"]] = row
    assert projects
    for project_id, checks in projects.items():
        assert tuple(checks) == CHECKS
        _, children = await stored(pool, project_id)
        for name, (findings, total) in expected(children).items():
            if checks[name]["not_computed"] is None:
                assert (checks[name]["findings"], checks[name]["total"]) == (findings, total), name
            else:
                assert total == 0 or findings == 0, (name, checks[name])
    for name in CHECKS:
        results = [checks[name] for checks in projects.values()]
        passed = [each["passed"] for each in results]
        computed = sum(each["not_computed"] is None for each in results)
        number = sum(each["findings"] for each in results)
        print(f"CHECK {name} {computed} {passed.count(True)} {passed.count(False)} {number}")
