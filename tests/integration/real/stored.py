"""What the database has of a project, in the words of the independent reader."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from service.db import Pool


@dataclass
class Stored:
    """One project; ``tasks`` by uid, the others as many times as they occur."""

    project: dict[str, Any]
    tasks: dict[str, dict[str, Any]]
    relations: Counter[tuple[Any, ...]]
    assignments: Counter[tuple[Any, ...]]
    resources: dict[str, tuple[Any, ...]]


async def stored(pool: Pool, project_id: int) -> Stored:
    """Read a client's project through the views that people query."""

    async def rows(view: str) -> list[dict[str, Any]]:
        query = f"SELECT * FROM {view} WHERE client_id = 1 AND project_id = $1"
        return [dict(row) for row in await pool.fetch(query, project_id)]

    (project,) = await rows("current_projects")
    return Stored(
        project,
        {task["task_id"]: task for task in await rows("current_tasks")},
        Counter(
            (link["predecessor_id"], link["successor_id"], link["type"])
            for link in await rows("current_dependencies")
        ),
        Counter(
            (given["task_id"], given["resource_id"]) for given in await rows("current_assignments")
        ),
        {
            resource["resource_id"]: (resource["name"], resource["type"])
            for resource in await rows("current_resources")
        },
    )


def minute(moment: datetime | None) -> str | None:
    """A moment as the independent reader writes it: without seconds where there are none."""
    return None if moment is None else moment.isoformat().removesuffix(":00")


def level(task: dict[str, Any], tasks: dict[str, dict[str, Any]]) -> int:
    """How many parents stand above a task."""
    above = 0
    while task["parent_id"] is not None:
        task = tasks[task["parent_id"]]
        above += 1
    return above
