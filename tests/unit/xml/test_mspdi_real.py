"""Real Microsoft Project files, where they are at hand, and always a small one made after them."""

import json
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from service.model import Project
from service.rows import Table
from tests.leaves import tree
from tests.mspdi_leaves import search
from tests.reading import project_row, read_project, rows

SHIPPED = Path(__file__).parents[2] / "data"
REAL = Path(__file__).parents[4] / "shared" / "real"
FILES = sorted([*SHIPPED.glob("mspdi/*.xml"), *REAL.glob("mspdi/*.xml")])

pytestmark = pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)


@cache
def project_of(file: Path) -> Project:
    return read_project(file.read_bytes())


def test_every_leaf_is_in_a_column_in_attributes_or_in_a_part(file: Path) -> None:
    project = project_of(file)
    tables = {table.value: rows(project, table) for table in Table}
    checked, lost = search(tree(file), project_row(project), tables)
    assert lost == []
    assert checked > 20
    print(file.name, checked)


def test_it_says_what_an_independent_reader_found(file: Path) -> None:
    expected = file.parents[1] / "expected" / f"mspdi-{file.name}.jsonl"
    [line] = expected.read_text().splitlines()
    computed: Counter[str] = Counter()
    differ = []
    for field, ours, theirs in _differences(project_of(file), json.loads(line)):
        if ours is None and theirs is not None:
            computed[field] += 1
        elif ours != theirs:
            differ.append((field, ours, theirs))
    assert differ == []
    print(file.name, dict(computed))


def _differences(project: Project, there: dict[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """A field, as we have it, as the other reader has it."""
    own = project_row(project)
    guid = there["guid"]
    yield "id", project.external_id, guid.lower() if guid else there["name"]
    yield "name", project.name, there["name"] or there["title"] or guid
    yield "start", _minute(own["start"]), there["start"]
    yield "finish", _minute(own["finish"]), there["finish"]
    tasks = {row["task_id"]: row for row in rows(project, Table.TASKS)}
    yield "tasks", list(tasks), [task[0] for task in there["tasks"]]
    for uid, name, start, finish, milestone, summary, percent, level, wbs in there["tasks"]:
        row = tasks[uid]
        yield "task name", row["name"], name
        yield "task start", _minute(row["start"]), start
        yield "task finish", _minute(row["finish"]), finish
        yield "milestone", row["milestone"] == "t", milestone
        yield "summary", row["summary"] == "t", summary
        yield "percent", row["percent_complete"], percent
        yield "level", json.loads(row["attributes"] or "{}").get("OutlineLevel"), level
        yield "wbs", row["wbs"], wbs
    links = [
        (row["predecessor_id"], row["successor_id"], row["type"])
        for row in rows(project, Table.DEPENDENCIES)
    ]
    yield "relations", Counter(links), Counter(map(tuple, there["relations"]))
    given = [(row["task_id"], row["resource_id"]) for row in rows(project, Table.ASSIGNMENTS)]
    yield "assignments", Counter(given), Counter(map(tuple, there["assignments"]))
    resources = [
        (row["resource_id"], row["name"], row["type"] and row["type"].upper())
        for row in rows(project, Table.RESOURCES)
    ]
    yield "resources", Counter(resources), Counter(map(tuple, there["resources"]))


def _minute(moment: str | None) -> str | None:
    return moment and moment.removesuffix(":00")
