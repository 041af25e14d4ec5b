"""The shapes of what is read back: projects, their records, versions, locks."""

from typing import Final

from service.http.openapi.parts import (
    BOOLEAN,
    ID,
    INTEGER,
    MOMENT,
    STRING,
    SUBJECT,
    VERSION,
    Json,
    items,
    nullable,
    one_of,
    record,
    said,
    schema,
)
from service.projects import comparison

PLAN_TIME: Final = said(
    nullable({"type": "string", "pattern": r"^\d{4,}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?( BC)?$"}),
    "Wall-clock time of the project: there is no offset.",
)
DURATION: Final = said(nullable(STRING), "ISO 8601 as PostgreSQL writes it: `PT40H`, `PT-8H`.")
ATTRIBUTES: Final = said(
    {"type": "object"}, "What the file says beside the columns: texts, arrays and objects."
)

_LISTED: Final[Json] = {
    "project_id": ID,
    "external_id": STRING,
    "name": STRING,
    "code": nullable(STRING),
    "status": said(nullable(STRING), "The plan's own; it decides nothing here."),
    "version": VERSION,
    "source": said(STRING, "The dialect that it came from."),
    "archived_at": nullable(MOMENT),
    "import_id": said(nullable(ID), "Which made this version; null where none did."),
    "updated_at": MOMENT,
    "updated_by": SUBJECT,
    "lock": nullable(schema("Holder")),
}

_RECORDS: Final[Json] = {
    "Task": {
        "task_id": STRING,
        "kind": STRING,
        "parent_id": nullable(STRING),
        "wbs": nullable(STRING),
        "name": nullable(STRING),
        "start": PLAN_TIME,
        "finish": PLAN_TIME,
        "duration": DURATION,
        "work": DURATION,
        "percent_complete": nullable({"type": "number"}),
        "priority": nullable(INTEGER),
        "milestone": BOOLEAN,
        "summary": BOOLEAN,
        "notes": nullable(STRING),
        "attributes": ATTRIBUTES,
    },
    "Dependency": {
        "predecessor_id": STRING,
        "successor_id": STRING,
        "type": one_of(("FF", "FS", "SF", "SS")),
        "lag": DURATION,
        "attributes": ATTRIBUTES,
    },
    "Resource": {
        "resource_id": STRING,
        "name": nullable(STRING),
        "type": nullable(STRING),
        "email": nullable(STRING),
        "attributes": ATTRIBUTES,
    },
    "Assignment": {
        "task_id": STRING,
        "resource_id": nullable(STRING),
        "units": nullable({"type": "number"}),
        "work": DURATION,
        "attributes": ATTRIBUTES,
    },
    "Part": {"element": STRING, "attributes": ATTRIBUTES},
    "SharedObject": {"element": STRING, "object_id": nullable(STRING), "attributes": ATTRIBUTES},
}


def _project() -> Json:
    moved = {"version", "source", "status", "lock", "name", "code"}
    own: Json = {name: kind for name, kind in _LISTED.items() if name not in moved}
    return record(
        own
        | {
            "version": said(VERSION, "The one that is shown."),
            "current_version": said(VERSION, "The one that the project is at."),
            "name": STRING,
            "code": nullable(STRING),
            "status": nullable(STRING),
            "description": nullable(STRING),
            "manager": nullable(STRING),
            "currency": nullable(STRING),
            "start": PLAN_TIME,
            "finish": PLAN_TIME,
            "priority": nullable(INTEGER),
            "source": _LISTED["source"],
            "lock": _LISTED["lock"],
            "attributes": ATTRIBUTES,
            "tasks": items(schema("Task")),
            "dependencies": items(schema("Dependency")),
            "resources": items(schema("Resource")),
            "assignments": items(schema("Assignment")),
            "parts": said(items(schema("Part")), "What no column is for: calendars, risks, …"),
            "shared_objects": items(schema("SharedObject")),
        },
        description="One version of a project, whole.",
    )


def _comparison() -> Json:
    return record(
        {
            "from": VERSION,
            "to": VERSION,
            **{kind: items(schema("Change")) for kind in comparison.KINDS},
        },
        description="What differs between two versions, by kind of record.",
    )


def _change() -> Json:
    names = {name: STRING for kind in comparison.KINDS.values() for name in kind.identity}
    moved = {"type": "object", "additionalProperties": schema("Moved")}
    by_kind: Json = {
        **{name: nullable(kind) for name, kind in names.items()},
        "fields": said(moved, "Of a changed one: the columns that differ."),
        "attributes": said(moved, "Of a changed one: the attributes that differ."),
    }
    return record(
        {"change": one_of(("added", "removed", "changed"))} | by_kind,
        optional=by_kind,
        description="A record that differs, with what it is known by.",
    )


def schemas() -> Json:
    """All of them, by name."""
    return {
        "Listed": record(_LISTED, description="A project in a list."),
        "Project": _project(),
        **{name: record(columns) for name, columns in _RECORDS.items()},
        "Version": record(
            {
                "version": VERSION,
                "current": said(BOOLEAN, "Whether the project is at it."),
                "name": STRING,
                "status": nullable(STRING),
                "source": STRING,
                "import_id": _LISTED["import_id"],
                "updated_at": MOMENT,
                "updated_by": SUBJECT,
                "notes": said(nullable(STRING), "Of the import that made it."),
            }
        ),
        "Comparison": _comparison(),
        "Change": _change(),
        "Moved": record({"from": {}, "to": {}}, description="Null where there was or is nothing."),
        "Holder": record({"holder": STRING, "expires_at": MOMENT}),
        "Lock": record({"holder": STRING, "acquired_at": MOMENT, "expires_at": MOMENT}),
    }
