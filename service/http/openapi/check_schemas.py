"""Schemas of the schedule checks."""

from typing import Final

from service.http.openapi.json_schema import (
    BOOLEAN,
    COUNT,
    NUMBER,
    POSITIVE,
    STRING,
    Json,
    array,
    describe,
    enumeration,
    json_object,
    nullable,
    schema,
)
from service.projects.checks import CHECKS

VERSION: Final = describe(POSITIVE, "Number of the version that was checked.")

_FINDING: Final = json_object(
    {
        "task_id": describe(STRING, "`task_id` of the task; of a link, the one that depends."),
        "code": describe(nullable(STRING), "Activity ID in P6."),
        "wbs": describe(nullable(STRING), "Code of the task in the plan."),
        "name": describe(nullable(STRING), "Name of the task."),
        "predecessor_id": describe(
            nullable(STRING), "`task_id` of the task at the other end; only of a link."
        ),
        "value": describe(STRING, "What the check found, such as `60 days` or `SS`."),
    },
    description="A task or a link that a check found.",
)
_CHECK: Final = json_object(
    {
        "point": describe(POSITIVE, "Number of the check in the assessment."),
        "name": enumeration(CHECKS, "Name of the check."),
        "count": describe(
            nullable(COUNT),
            "Tasks or links with a fault. `relationship_types` counts the links from finish to "
            "start, and `bei` the tasks that are complete.",
        ),
        "total": describe(nullable(COUNT), "Tasks or links that the check looked at."),
        "percentage": describe(nullable(NUMBER), "`count` in percent of `total`."),
        "threshold": describe(
            nullable(NUMBER),
            "Largest percentage that passes, or the smallest of `relationship_types`, `cpli` and "
            "`bei`. Null if the check has none.",
        ),
        "passed": describe(
            nullable(BOOLEAN), "Null if the check was not computed or has no threshold."
        ),
        "not_computed": describe(
            nullable(STRING), "Which data the project lacks for the check; null if it has all."
        ),
        "findings": describe(COUNT, "Number of tasks or links that the check found."),
        "tasks": array(schema("Finding"), description="The first of them, in file order."),
        "next": schema("Next"),
    },
    description="The result of one check.",
)


def schemas() -> Json:
    """Return the schemas by name."""
    return {"Check": _CHECK, "Finding": _FINDING}
