"""Schemas of projects, their records, versions and locks; ``service.tables`` has the columns."""

from collections.abc import Iterable
from typing import Final

from service.http.openapi import check_schemas
from service.http.openapi.json_schema import (
    BOOLEAN,
    COUNT,
    ID,
    INTEGER,
    NUMBER,
    POSITIVE,
    STRING,
    TIME,
    Json,
    array,
    describe,
    enumeration,
    json_object,
    nullable,
    schema,
)
from service.projects.comparison.kinds import IDENTITY, KINDS, Match
from service.projects.comparison.summary import ITEMS, SORTS
from service.tables import MEMBERS, PROJECT, RECORDS, SHARED_OBJECT, Column, Table, Type

VERSION: Final = describe(POSITIVE, "Number of the version; each change of the project adds 1.")
SUBJECT: Final = describe(STRING, "User who made the request: the `sub` of the token, or empty.")

PLAN_TIME: Final = {
    "type": "string",
    "pattern": r"^\d{4,}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?( BC)?$",
}
_TYPES: Final[dict[Type, tuple[Json, str]]] = {
    Type.TEXT: (STRING, ""),
    Type.INTEGER: (INTEGER, ""),
    Type.NUMERIC: (NUMBER, ""),
    Type.BOOLEAN: (BOOLEAN, ""),
    Type.TIMESTAMP: (PLAN_TIME, " Wall-clock time of the project, without an offset."),
    Type.INTERVAL: (STRING, " ISO 8601 duration as PostgreSQL prints it: `PT40H`, `PT-8H`."),
    Type.JSONB: ({"type": "object"}, ""),
}
"""Schema of a column by its type, and what to add to its description."""

_RECORDS: Final = {
    Table.TASKS: "Task",
    Table.DEPENDENCIES: "Dependency",
    Table.RESOURCES: "Resource",
    Table.ASSIGNMENTS: "Assignment",
    Table.BASELINES: "Baseline",
    Table.BASELINE_TASKS: "BaselineTask",
    Table.PARTS: "Part",
}
"""Name of the schema of each table's records."""

_EXTERNAL_ID: Final = describe(STRING, "Id of the project in its file.")
_ARCHIVED_AT: Final = describe(nullable(TIME), "Null if the project is active.")
_IMPORT_ID: Final = describe(nullable(ID), "Import that made the version; null if none did.")
_UPDATED_AT: Final = describe(TIME, "Time at which the version was made.")
_LABEL: Final = describe(nullable(STRING), "Label of the version; null if it has none.")
_LOCK: Final = describe(nullable(schema("Holder")), "Null if nobody holds a lock.")


_EARLIER: Final = "Null in a version of an earlier release."


def column_schema(column: Column) -> Json:
    """Return the schema of a column's values."""
    kind, remark = _TYPES[column.type]
    if column.values:
        kind = enumeration(column.values)
    return describe(nullable(kind) if column.nullable else kind, column.description + remark)


def _columns(columns: Iterable[Column]) -> Json:
    return {column.name: column_schema(column) for column in columns}


def _listed_project() -> Json:
    project = _columns(PROJECT)
    return json_object(
        {
            "project_id": ID,
            "external_id": _EXTERNAL_ID,
            "name": project["name"],
            "title": describe(
                STRING,
                "Name for people: the plan's title where Microsoft Project wrote the name of a "
                "file as the name, else the name.",
            ),
            **{name: project[name] for name in ("code", "status", "start", "finish")},
            "progress": describe(
                nullable({"type": "number", "minimum": 0, "maximum": 100}),
                "Percent complete of the activities that sum up no others, weighted by duration. "
                "Null if no activity states it.",
            ),
            "tasks": describe(nullable(COUNT), f"Number of tasks. {_EARLIER}"),
            "warnings": describe(nullable(COUNT), f"Number of warnings. {_EARLIER}"),
            "version": VERSION,
            "source": project["source"],
            "archived_at": _ARCHIVED_AT,
            "import_id": _IMPORT_ID,
            "updated_at": _UPDATED_AT,
            "updated_by": SUBJECT,
            "lock": _LOCK,
        },
        description="A project in a list, at its current version.",
    )


def _project() -> Json:
    return json_object(
        {
            "project_id": ID,
            "external_id": _EXTERNAL_ID,
            "version": describe(VERSION, "Number of the version that the document has."),
            "current_version": describe(VERSION, "Number of the current version."),
            "archived_at": _ARCHIVED_AT,
            "import_id": _IMPORT_ID,
            "updated_at": _UPDATED_AT,
            "updated_by": SUBJECT,
            "label": _LABEL,
            "lock": _LOCK,
            **_columns(PROJECT),
            **{MEMBERS[table]: array(schema(name)) for table, name in _RECORDS.items()},
            "shared_objects": array(schema("SharedObject")),
        },
        description="One version of a project, with all its records.",
    )


def _comparison() -> Json:
    return json_object(
        {
            "summary": schema("Summary"),
            "from": describe(VERSION, "Version that the other one is compared with."),
            "to": describe(VERSION, "Version whose differences are listed."),
            "baseline": describe(
                json_object({"number": INTEGER, "name": nullable(STRING)}),
                "With `against=baseline`: the baseline that the version is compared with.",
            ),
            **{kind: array(schema("Change")) for kind in KINDS},
        },
        optional=["baseline"],
        description="Differences between two versions: a summary, then the records by kind.",
    )


def _summary() -> Json:
    date = nullable(PLAN_TIME)
    dates = {"from": date, "to": date}
    cost, work = nullable(NUMBER), nullable(STRING)
    days = describe(nullable(NUMBER), "Calendar days of slip; null if a date is missing.")
    return json_object(
        {
            "matched_by": describe(
                enumeration(tuple(Match)), "The key by which tasks matched first."
            ),
            "data_date": describe(json_object(dates), "Data date of the project."),
            "finish": describe(
                json_object({**dates, "days": days}),
                "Finish of the project; the last finish of a task if a version has none.",
            ),
            "cost": describe(
                json_object({"from": cost, "to": cost}),
                "Cost of all tasks but summaries; null if none has one.",
            ),
            "work": describe(
                json_object({"from": work, "to": work}),
                "Work of all tasks but summaries, an ISO 8601 duration; null if none has any.",
            ),
            **{name: describe(schema("Changes"), sort.description) for name, sort in SORTS.items()},
        },
        description="What changed, for planners. A summary task follows from the tasks below it, "
        "so the sorts about dates, float, durations and costs do not count it.",
    )


def _changes() -> Json:
    return json_object(
        {
            "count": describe(INTEGER, "Number of records."),
            "items": describe(
                array(schema("SummaryItem")), f"The first or the worst {ITEMS} of them."
            ),
        },
        description="One sort of change.",
    )


def _identity() -> Json:
    return {name: nullable(STRING) for name in IDENTITY} | {"number": INTEGER}


def _change() -> Json:
    differences = {"type": "object", "additionalProperties": schema("Moved")}
    optional: Json = {
        **_identity(),
        "fields": describe(differences, "With `changed`: the columns that differ."),
        "attributes": describe(
            differences, "With `changed`: the attributes that differ, and that no field shows."
        ),
    }
    return json_object(
        {"change": enumeration(("added", "removed", "changed"))} | optional,
        optional=optional,
        description="A record that differs, with what identifies it.",
    )


def _summary_item() -> Json:
    measures = {
        "days": describe(NUMBER, "Calendar days by which a date moved."),
        "hours": describe(NUMBER, "Working hours that were lost, or by which a duration differs."),
        "amount": describe(NUMBER, "Difference of the cost, without its sign."),
    }
    fields = {"type": "object", "additionalProperties": schema("Moved")}
    return json_object(
        {
            "change": enumeration(("added", "removed", "changed")),
            "fields": describe(fields, "The columns that the sort is about."),
            **_identity(),
            **measures,
        },
        optional={**_identity(), **measures},
        description="A record in the summary, with what identifies it. Texts are shortened.",
    )


def schemas() -> Json:
    """Return the schemas by name."""
    return {
        "Listed": _listed_project(),
        "Project": _project(),
        **{name: json_object(_columns(RECORDS[table][1:])) for table, name in _RECORDS.items()},
        "SharedObject": json_object(_columns(SHARED_OBJECT)),
        "Version": json_object(
            {
                "version": VERSION,
                "current": describe(BOOLEAN, "Whether it is the current version."),
                "label": _LABEL,
                "name": describe(STRING, "Name of the project in this version."),
                "status": describe(nullable(STRING), "Status in the planning tool."),
                "source": describe(STRING, "Format of the original file."),
                "import_id": _IMPORT_ID,
                "updated_at": _UPDATED_AT,
                "updated_by": SUBJECT,
                "notes": describe(nullable(STRING), "Notes of the import that made the version."),
            },
            description="A version in a list.",
        ),
        "Comparison": _comparison(),
        "Summary": _summary(),
        "Changes": _changes(),
        "SummaryItem": _summary_item(),
        "Change": _change(),
        "Moved": json_object(
            {"from": {}, "to": {}},
            description="A value in both versions; null if a version does not have it.",
        ),
        **check_schemas.schemas(),
        "Holder": json_object(
            {
                "holder": describe(STRING, "User who holds the lock."),
                "expires_at": describe(TIME, "Time at which the lock ends."),
            },
            description="The holder of a lock.",
        ),
        "Lock": json_object(
            {
                "holder": describe(STRING, "User who holds the lock: the `sub` of the token."),
                "acquired_at": describe(TIME, "Time at which the lock was first taken."),
                "expires_at": describe(TIME, "Time at which the lock ends, unless it is extended."),
            },
            description="A lock on a project.",
        ),
    }
