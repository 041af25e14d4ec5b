"""Primavera files, compared with what an independent reader found in each."""

import json
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from service.model import Project
from service.rows import Table
from tests.reading import project_row, rows
from tests.unit.xml.p6_files import FILES, reading

pytestmark = pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)


def expected(file: Path) -> list[dict[str, Any]]:
    lines = file.parents[1] / "expected" / f"p6-{file.name}.jsonl"
    return [json.loads(line) for line in lines.read_text().splitlines()]


def minute(moment: str | None) -> str | None:
    return moment and moment.removesuffix(":00")


def differences(project: Project, there: dict[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """Which field differs, here and there."""
    own = project_row(project)
    yield "id", project.external_id, there["id"]
    yield "name", project.name, there["name"]
    yield "start", minute(own["start"]), there["start"]
    yield "finish", minute(own["finish"]), there["finish"]
    tasks = {row["task_id"]: row for row in rows(project, Table.TASKS)}
    yield "tasks", sorted(map(str, tasks)), sorted(task[0] for task in there["tasks"])
    for uid, name, start, finish, milestone, summary, percent, *_ in there["tasks"]:
        row = tasks[uid]
        wbs = row["kind"] == "wbs"
        yield "task name", row["name"], name
        yield f"{row['kind']} start", minute(row["start"]), start
        yield f"{row['kind']} finish", minute(row["finish"]), finish
        yield "milestone", row["milestone"] == "t", milestone
        yield "summary", row["summary"] == "t", summary
        done = row["percent_complete"]
        if not (wbs and percent is None):
            yield f"{row['kind']} percent", done and Decimal(done), Decimal(percent)
    links = Counter(
        (row["predecessor_id"], row["successor_id"], row["type"])
        for row in rows(project, Table.DEPENDENCIES)
    )
    yield "relations", links, Counter(map(tuple, there["relations"]))
    given = Counter(
        (row["task_id"], row["resource_id"]) for row in rows(project, Table.ASSIGNMENTS)
    )
    yield "assignments", given, Counter(map(tuple, there["assignments"]))


def test_it_says_what_an_independent_reader_found(file: Path) -> None:
    found = reading(file)
    assert (found.fault, found.refusals, found.closed) == (None, [], True)
    computed: Counter[str] = Counter()
    differ = []
    for project, there in zip(found.projects, expected(file), strict=True):
        for field, ours, theirs in differences(project, there):
            if ours is None and theirs is not None:
                computed[field] += 1
            elif ours != theirs:
                differ.append((project.external_id, field, ours, theirs))
    assert differ == []
    # The file has no dates and percentages of WBS elements; the other reader sums them up.
    assert computed.keys() <= {"finish", "wbs start", "wbs finish", "wbs percent"}
    print(file.name, len(found.projects), dict(computed))


def test_the_number_of_projects(file: Path) -> None:
    numbers = {"plants.xml": 2, "portfolio.xml": 134}
    assert reading(file).complete == numbers.get(file.name, 1)
