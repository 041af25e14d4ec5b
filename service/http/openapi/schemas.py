"""The shapes of errors and imports, with the values that the code's own tables list."""

from typing import Final

from service.codes import ErrorCode, WarningCode
from service.http.openapi import plans
from service.http.openapi.parts import (
    BOOLEAN,
    COUNT,
    ID,
    INTEGER,
    MOMENT,
    STRING,
    SUBJECT,
    VERSION,
    Json,
    default,
    items,
    nullable,
    one_of,
    record,
    said,
    schema,
)
from service.http.routes.imports import STATES
from service.imports.conflict_rules import Outcome
from service.imports.options import Mode, OutcomeFilter
from service.imports.outcomes import LANDED
from service.model import MAX_LISTED_VIOLATIONS, MAX_LISTED_WARNINGS, MAX_QUOTED_VALUE

LINE: Final = said({"type": "integer", "minimum": 1}, "Line in the file, from 1.")
VALUE: Final = said(
    nullable({"type": "string", "maxLength": MAX_QUOTED_VALUE}), "The file's own text, shortened."
)
IMPORT_ID: Final = said(ID, "Where it is found: `/imports/{import_id}`.")

CHECKS: Final = record(
    dict.fromkeys(("service", "database", "schema", "imports", "spool"), STRING),
    description="What readiness goes by: `ok`, `unknown`, or what is wrong. Without a slot for "
    "`imports` or room in the `spool` the service is ready, and uploads are told to come again.",
)


def _error() -> Json:
    return record(
        {
            "status": {"const": "error"},
            "code": said(INTEGER, "The HTTP status."),
            "message": said(STRING, "The same for every error of that status."),
            "details": said(STRING, "One sentence: what happened this time."),
            "import_id": said(ID, "The import that began, or that is in the way."),
            "counts": schema("Counts"),
            "errors": items(schema("Failure"), maxItems=1000),
            "locked_by": said(STRING, "Who holds the lock in the way."),
            "locked_until": MOMENT,
            "checks": CHECKS,
        },
        optional=("import_id", "counts", "errors", "locked_by", "locked_until", "checks"),
        description="What every error looks like.",
    )


def _failure() -> Json:
    always: Json = {
        "index": said(COUNT, "Place in the file, from 0."),
        "external_id": nullable(STRING),
        "name": nullable(STRING),
        "line": nullable(LINE),
        "code": one_of(sorted({code.status for code in ErrorCode})),
        "error": schema("ErrorCode"),
        "message": said(STRING, "One sentence for a person."),
        "retryable": said(BOOLEAN, "Whether sending it again as it is may help."),
    }
    by_kind: Json = {
        "violations": said(
            items(schema("Violation"), maxItems=MAX_LISTED_VIOLATIONS),
            "The first faults of a project.",
        ),
        "violation_count": said(COUNT, "How many there are in all."),
        "column": said({"type": "integer", "minimum": 1}, "With `MALFORMED_XML`: column, from 1."),
        "expected_version": said(INTEGER, "What the file says that it was made from."),
        "current_version": nullable(INTEGER),
        "locked_by": said(STRING, "Who holds a lock on the project."),
        "locked_until": MOMENT,
        "import_id": said(nullable(ID), "The import that was writing the project."),
        "project_id": said(ID, "With `ALREADY_EXISTS`: the one that is there."),
    }
    return record(
        always | by_kind, optional=by_kind, description="A project that did not land, and why."
    )


def _landed() -> Json:
    return record(
        {
            "index": said(COUNT, "Place in the file, from 0."),
            "external_id": STRING,
            "project_id": said(nullable(ID), "Null where a dry run would create it."),
            "name": STRING,
            "version": VERSION,
            "outcome": one_of(LANDED),
            "tasks": said(COUNT, "How many tasks it has."),
            "warnings": schema("Warnings"),
        },
        description="A project that is on the server as the file has it.",
    )


def _multi_status() -> Json:
    return record(
        {
            "status": one_of(
                ("success", "partial", "error"), "Whether none, some or all projects failed."
            ),
            "code": {"const": 207},
            "message": STRING,
            "counts": schema("Counts"),
            "import_id": IMPORT_ID,
            "dry_run": said({"const": True}, "Only on a dry run."),
            "details": record(
                {
                    "successes": said(items(schema("Landed")), "In the file's order."),
                    "errors": said(items(schema("Failure")), "In the file's order."),
                    "warnings": said(items(schema("FileWarning")), "Of the upload as a whole."),
                }
            ),
            "complete": said(
                {"const": True}, "The last member: an answer that lacks it was cut on the way."
            ),
        },
        optional=("dry_run",),
        description="What became of each project.",
    )


def _import() -> Json:
    return record(
        {
            "import_id": ID,
            "state": schema("ImportState"),
            "attempt": said(
                {"type": "integer", "minimum": 1}, "Over 1 where an interrupted import went on."
            ),
            "subject": SUBJECT,
            "idempotency_key": nullable(STRING),
            "options": schema("Options"),
            "notes": nullable({"type": "string", "maxLength": default("max_notes_length")}),
            "filename": nullable(STRING),
            "dialect": said(nullable(STRING), "`native`, `mspdi` or `p6`, once it is known."),
            "bytes_read": COUNT,
            "projects_done": said(COUNT, "So far, roughly; `counts` is exact."),
            "cancel_requested": BOOLEAN,
            "warnings": items(schema("FileWarning")),
            "cause": said(nullable(STRING), "Why it did not complete."),
            "counts": said(nullable(schema("Counts")), "Null while it runs."),
            "request_id": nullable(STRING),
            "started_at": MOMENT,
            "ended_at": nullable(MOMENT),
        },
        description="One import.",
    )


def _options() -> Json:
    uploaded = record(
        {
            "mode": one_of(Mode),
            "atomic": BOOLEAN,
            "dry_run": BOOLEAN,
            "outcomes": one_of(OutcomeFilter),
        },
        description="Of an upload.",
    )
    undoing = record({"undo": ID}, description="Of an undo: the import that it undoes.")
    return said({"oneOf": [uploaded, undoing]}, "As they were asked for.")


def schemas() -> Json:
    """All of them, by name."""
    return {
        "Error": _error(),
        "ErrorCode": one_of(ErrorCode, "Why a project did not land."),
        "WarningCode": one_of(WarningCode, "What was put aside or noticed."),
        "ImportState": one_of(STATES, "How an import is."),
        "Counts": record({outcome.value: COUNT for outcome in Outcome}),
        "MultiStatus": _multi_status(),
        "Landed": _landed(),
        "Failure": _failure(),
        "Violation": record({"line": LINE, "element": STRING, "value": VALUE, "message": STRING}),
        "Warning": record(
            {"code": schema("WarningCode"), "line": LINE, "element": STRING, "value": VALUE}
        ),
        "Warnings": record(
            {"count": COUNT, "first": items(schema("Warning"), maxItems=MAX_LISTED_WARNINGS)}
        ),
        "FileWarning": record(
            {"code": schema("WarningCode"), "message": STRING, "count": COUNT},
            optional=("count",),
            description="Something noticed in the upload as a whole.",
        ),
        "Options": _options(),
        "Import": _import(),
        **plans.schemas(),
        "Next": said(
            nullable({"type": "string", "format": "uri-reference"}),
            "The address of the page behind this one; null at the end.",
        ),
    }
