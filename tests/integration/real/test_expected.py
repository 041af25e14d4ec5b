"""The contents of the database after the import of each real file over HTTP."""

import json
from collections import Counter, defaultdict

import aiohttp
import pytest

from service.storage import Pool
from tests.support.real.compare import compare
from tests.support.real.files import FILES
from tests.support.real.planning import compare_planning
from tests.support.real.stored import stored
from tests.support.service import Service
from tests.support.upload import upload

COMPUTED = {"project finish", "wbs start", "wbs finish", "wbs percent"}
"""What Primavera's files do not state: the independent reader sums it up from below."""


async def test_the_database_has_what_an_independent_reader_found(
    service: Service, pool: Pool
) -> None:
    compared: Counter[str] = Counter()
    computed: Counter[str] = Counter()
    warnings: Counter[str] = Counter()
    async with aiohttp.ClientSession() as http:
        for file in FILES:
            details = (await upload(http, service, file.content, file.name))["details"]
            assert details["errors"] == []
            expected = [json.loads(line) for line in file.expected.read_text().splitlines()]
            for success, there in zip(details["successes"], expected, strict=True):
                project, children = await stored(pool, success["project_id"])
                for field, ours, theirs in compare(file.dialect, project, children, there):
                    if ours is None and theirs is not None and field in COMPUTED:
                        computed[field] += 1
                    else:
                        assert ours == theirs, (file.name, project["external_id"], field)
                compared["projects"] += 1
                compared.update({table: len(rows) for table, rows in children.items()})
                warnings.update(notice["code"] for notice in success["warnings"]["first"])
    print(len(FILES), "files;", dict(compared), "computed:", dict(computed))
    print("warnings:", dict(warnings))


EXPLAINED = {
    ("mspdi resources.calendar_id", "more"),  # it removes calendars that nothing else refers to
    ("p6 projects.calendar_id", "different"),  # it gives all projects the calendar of the first
    ("p6 resources.code", "more"),  # it takes the employee's number as the code, not the Id
    ("p6 resources.code", "different"),
    ("p6 resources.max_units", "more"),  # it looks at rates first
    ("p6 tasks.status", "more"),  # it does not read the status of a WBS element
    # It reads only the dates of the remaining work, which completed activities lack.
    *(("p6 tasks." + name, "more") for name in ("early_start", "early_finish")),
    *(("p6 tasks." + name, "more") for name in ("late_start", "late_finish")),
}
"""Where the independent reader does not state the value of the file's element."""


async def test_the_planning_columns_have_what_an_independent_reader_found(
    service: Service, pool: Pool
) -> None:
    verdicts: dict[str, Counter[str]] = defaultdict(Counter)
    async with aiohttp.ClientSession() as http:
        for file in FILES:
            if not file.planning.exists():
                continue
            details = (await upload(http, service, file.content, file.name))["details"]
            findings = map(json.loads, file.planning.read_text().splitlines())
            for success, there in zip(details["successes"], findings, strict=True):
                project, children = await stored(pool, success["project_id"])
                for each in compare_planning(file.dialect, project, children, there):
                    verdicts[each.column][each.verdict] += 1
                    verdicts[each.column]["landed"] += each.ours is not None
                    explained = (each.column, each.verdict) in EXPLAINED
                    assert explained or each.verdict not in {"more", "different"}, (file.name, each)
    if not verdicts:
        pytest.skip("the independent reader's findings are not beside the checkout")
    for column, counts in verdicts.items():
        print(column, dict(counts))
