"""Where a stored project and the independent reader's finding differ."""

import json
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from tests.support.real.stored import Row

Field = tuple[str, Any, Any]
"""What is compared, as it is stored, and as the independent reader has it."""


def compare(
    dialect: str, project: Row, children: dict[str, list[Row]], there: dict[str, Any]
) -> Iterator[Field]:
    """Everything that both know, field by field."""
    guid = there["guid"] and there["guid"].casefold()
    identity = there["id"] if dialect == "p6" else guid or there["name"]
    yield "project id", project["external_id"], identity
    yield "project name", project["name"], there["name"] or there["title"] or guid
    yield "project start", moment(project["start"]), there["start"]
    yield "project finish", moment(project["finish"]), there["finish"]
    tasks = {task["task_id"]: task for task in children["tasks"]}
    yield "task ids", sorted(tasks), sorted(task[0] for task in there["tasks"])
    for uid, *task in there["tasks"]:
        yield from _task(dialect, uid, tasks, task)
    links = Counter(
        (link["predecessor_id"], link["successor_id"], link["type"])
        for link in children["dependencies"]
    )
    yield "relations", links, Counter(map(tuple, there["relations"]))
    given = Counter((one["task_id"], one["resource_id"]) for one in children["assignments"])
    yield "assignments", given, Counter(map(tuple, there["assignments"]))
    if "resources" in there:
        resources = Counter(
            (one["resource_id"], one["name"], one["type"].upper()) for one in children["resources"]
        )
        yield "resources", resources, Counter(map(tuple, there["resources"]))


def _task(dialect: str, uid: str, tasks: dict[str, Row], there: list[Any]) -> Iterator[Field]:
    task = tasks[uid]
    kind = task["kind"]
    name, start, finish, milestone, summary, percent, level, wbs = there
    yield f"{kind} name", task["name"], name
    yield f"{kind} start", moment(task["start"]), start
    yield f"{kind} finish", moment(task["finish"]), finish
    yield f"{kind} milestone", task["milestone"] == "true", milestone
    yield f"{kind} summary", task["summary"] == "true", summary
    done = task["percent_complete"]
    yield f"{kind} percent", done and Decimal(done), percent and Decimal(percent)
    if dialect == "mspdi":
        yield "outline level", json.loads(task["attributes"]).get("OutlineLevel"), level
        yield "levels above", above(task, tasks), int(level)
        yield "wbs", task["wbs"], wbs


def above(task: Row, tasks: dict[str, Row]) -> int:
    """The number of ancestors of a task."""
    count = 0
    while task["parent_id"] is not None:
        task = tasks[task["parent_id"]]
        count += 1
    return count


def moment(text: str | None) -> str | None:
    """A timestamp as the independent reader writes it: without seconds where there are none."""
    return text and text.replace(" ", "T").removesuffix(":00")
