"""Schemas of errors, imports and outcomes, with the values that the code defines."""

from collections.abc import Iterable
from typing import Final

from service.codes import ErrorCode, WarningCode
from service.http.openapi import project_schemas
from service.http.openapi.json_schema import (
    BOOLEAN,
    COUNT,
    ID,
    INTEGER,
    POSITIVE,
    STRING,
    TIME,
    TRUE,
    Json,
    array,
    default_of,
    describe,
    enumeration,
    json_object,
    nullable,
    schema,
)
from service.http.openapi.project_schemas import PLAN_TIME, SUBJECT, VERSION
from service.http.routes.imports import STATES
from service.imports.cause_groups import CAUSE_ID as CAUSE_PATTERN
from service.imports.cause_groups import EXAMPLES
from service.imports.conflict_rules import Outcome
from service.imports.history import RESULTS
from service.imports.options import Mode, OutcomeFilter
from service.imports.outcomes import IMPORTED
from service.model import MAX_LISTED_VIOLATIONS, MAX_LISTED_WARNINGS, MAX_QUOTED_VALUE

LINE: Final = describe(POSITIVE, "Line in the file, counted from 1.")
ELEMENT: Final = describe(STRING, "Name of the element or XML attribute, without namespace.")
VALUE: Final = describe(
    nullable({"type": "string", "maxLength": MAX_QUOTED_VALUE}),
    "Value in the file, shortened; null if there is none.",
)
INDEX: Final = describe(COUNT, "Position of the entry in the upload, from 0.")
FILE: Final = describe(
    nullable(STRING),
    "Name of the file, with the folders that the upload gives, and for a member of a ZIP after the "
    "name of the ZIP; null if the upload does not name it.",
)
CAUSE_ID: Final = describe(
    {"type": "string", "pattern": f"^{CAUSE_PATTERN.pattern}$"},
    "Id of a cause: its code, and a hash of the code, the element and the reason.",
)
FILES: Final = describe(
    nullable(schema("Files")), "Null for an undo, and for imports of earlier releases."
)
IMPORT_ID: Final = describe(ID, "Id of the import, for `/imports/{import_id}`.")
LOCKED_BY: Final = describe(STRING, "User who holds the lock: the `sub` of the token.")
LOCKED_UNTIL: Final = describe(TIME, "Time at which the lock ends, unless it is extended.")

CHECKS: Final = json_object(
    {
        "service": describe(STRING, "Whether the process is running and not shutting down."),
        "database": describe(STRING, "Whether the database answers and accepts writes."),
        "schema": describe(STRING, "Whether all migrations have been applied."),
        "imports": describe(STRING, "Whether an import slot is free."),
        "spool": describe(STRING, "Whether there is room for the working files of an import."),
        "sessions": describe(
            STRING, "Whether replicas see and can end each other's sessions in the database."
        ),
        "durability": describe(
            STRING, "Whether reported projects survive a crash or a fail-over of the database."
        ),
        "nodes": describe(
            STRING, "Whether the nodes of a Citus cluster answer; `ok` without Citus."
        ),
    },
    description="Each check is `ok`, `unknown` or a description of the problem. Only problems with "
    "`service`, `database` and `schema` make the service unready. With a problem of `imports` or "
    "`spool`, uploads get a 503 with `Retry-After`, and other requests are answered. `sessions`, "
    "`durability` and `nodes` are warnings for the operator.",
)


def _error() -> Json:
    optional: Json = {
        "import_id": describe(
            nullable(ID),
            "Import that had begun, or that prevents the request; null if another user's request "
            "prevents it.",
        ),
        "counts": schema("Counts"),
        "errors": describe(
            array(schema("Failure"), maxItems=1000),
            "If every project of a file was refused: the first 1,000 of them.",
        ),
        "options": schema("Options"),
        "first_options": describe(
            schema("Options"), "If the key belongs to an interrupted import: its options."
        ),
        "locked_by": LOCKED_BY,
        "locked_until": LOCKED_UNTIL,
        "current_version": describe(POSITIVE, "Version of the project on the server."),
        "version": describe(POSITIVE, "Version of the project that has the label already."),
        "checks": CHECKS,
    }
    return json_object(
        {
            "status": {"const": "error"},
            "code": describe(INTEGER, "HTTP status."),
            "message": describe(STRING, "Fixed text for the HTTP status."),
            "details": describe(STRING, "What happened, in one sentence."),
            **optional,
        },
        optional=optional,
        description="Every error has this form.",
    )


def _failure() -> Json:
    optional: Json = {
        "project": describe({"type": "null"}, "Present if the entry is about a file."),
        "first_file": describe(FILE, "With `DUPLICATE_PROJECT`: file of the first project."),
        "first_line": describe(LINE, "With `DUPLICATE_PROJECT`: line of the first project."),
        "violations": describe(
            array(schema("Violation"), maxItems=MAX_LISTED_VIOLATIONS),
            "With `VALIDATION_ERROR`: the first faults of the project.",
        ),
        "violation_count": describe(COUNT, "With `VALIDATION_ERROR`: number of all faults."),
        "column": describe(POSITIVE, "With `MALFORMED_XML`: column in the line, from 1."),
        "expected_version": describe(
            INTEGER, "With `VERSION_CONFLICT`: version that the file was made from."
        ),
        "current_version": describe(
            nullable(INTEGER),
            "With `VERSION_CONFLICT` and `STORED_IS_NEWER`: version on the server; null if the "
            "project does not exist.",
        ),
        "dated_by": describe(STRING, "With `STORED_IS_NEWER`: element of the dates."),
        "file_date": describe(PLAN_TIME, "With `STORED_IS_NEWER`: date of the file."),
        "stored_date": describe(PLAN_TIME, "With `STORED_IS_NEWER`: date of the stored version."),
        "locked_by": LOCKED_BY,
        "locked_until": LOCKED_UNTIL,
        "import_id": describe(
            nullable(ID), "With `LOCKING_CONFLICT`: the import that was writing the project."
        ),
        "project_id": describe(ID, "With `ALREADY_EXISTS`: the existing project."),
    }
    return json_object(
        {
            "index": INDEX,
            "kind": enumeration(
                ("project", "file"),
                "`file` if a file cannot be read to its end or has no project. The projects in it "
                "before the fault have entries of their own.",
            ),
            "external_id": describe(nullable(STRING), "Id in the file; null if it has none."),
            "name": describe(nullable(STRING), "Name in the file; null if it has none."),
            "file": FILE,
            "line": nullable(LINE),
            "code": enumeration(
                sorted({code.status for code in ErrorCode}), "HTTP status that fits the error."
            ),
            "error": schema("ErrorCode"),
            "message": describe(STRING, "What happened, in one sentence."),
            "retryable": describe(
                BOOLEAN, "Whether the project can succeed later without a change to the file."
            ),
            **optional,
        },
        optional=optional,
        description="A project that was not imported, or a file, and the reason.",
    )


def _landed() -> Json:
    return json_object(
        {
            "index": INDEX,
            "external_id": describe(STRING, "Id in the file."),
            "project_id": describe(
                nullable(ID), "Id on the server; null if a dry run would create the project."
            ),
            "name": describe(STRING, "Name of the project."),
            "file": FILE,
            "line": describe(nullable(LINE), "Null for an undo."),
            "version": VERSION,
            "outcome": enumeration(
                IMPORTED, "`unchanged` means that the server already had the same content."
            ),
            "tasks": describe(COUNT, "Number of tasks."),
            "warnings": schema("Warnings"),
        },
        description="An imported project: the server now has it as it is in the file.",
    )


def _multi_status() -> Json:
    return json_object(
        {
            "status": enumeration(
                ("success", "partial", "error"),
                "`success` if no project and no file failed, `error` if no project was imported, "
                "otherwise `partial`.",
            ),
            "code": {"const": 207},
            "message": describe(STRING, "Summary for people."),
            "counts": schema("Counts"),
            "files": FILES,
            "import_id": IMPORT_ID,
            "dry_run": describe(TRUE, "Present if the import was a dry run."),
            "details": json_object(
                {
                    "successes": describe(
                        array(schema("Landed")), "Imported projects, in the order of the upload."
                    ),
                    "errors": describe(
                        array(schema("Failure")),
                        "Projects not imported, and files that failed, in the order of the upload.",
                    ),
                    "warnings": describe(
                        array(schema("FileWarning")), "Warnings about the upload as a whole."
                    ),
                }
            ),
            "complete": describe(TRUE, "The last member. A response without it was cut off."),
        },
        optional=("dry_run",),
        description="The outcome of each project of an import.",
    )


def _accepted() -> Json:
    return json_object(
        {
            "status": {"const": "accepted"},
            "code": {"const": 202},
            "message": {"const": "Import accepted"},
            "details": describe(STRING, "What to do next, for people."),
            "import_id": IMPORT_ID,
            "dry_run": describe(TRUE, "Present if the import is a dry run."),
        },
        optional=("dry_run",),
        description="An import that goes on after its response.",
    )


def _import() -> Json:
    return json_object(
        {
            "import_id": ID,
            "state": schema("ImportState"),
            "result": schema("ImportResult"),
            "undone_by": describe(
                nullable(ID),
                "The undo of this import; null if there is none, if it changed nothing, or if it "
                "was undone itself.",
            ),
            "attempt": describe(
                POSITIVE, "More than 1 if the import was interrupted and then continued."
            ),
            "subject": SUBJECT,
            "idempotency_key": describe(
                nullable(STRING), "`Idempotency-Key` of the upload; null if it had none."
            ),
            "options": schema("Options"),
            "notes": describe(
                nullable({"type": "string", "maxLength": default_of("max_notes_length")}),
                "Comment that came with the upload.",
            ),
            "filename": describe(nullable(STRING), "Name of the first file."),
            "dialect": describe(
                nullable(STRING),
                "Format: `native`, `mspdi`, `p6`, `xer`, the name of an own format, or `mixed` for "
                "several; null if unknown.",
            ),
            "bytes_read": describe(COUNT, "Bytes of the files that have been read."),
            "projects_done": describe(
                COUNT, "Approximate number of outcomes so far; `counts` is exact."
            ),
            "cancel_requested": describe(BOOLEAN, "Whether a user has requested a cancel."),
            "warnings": describe(
                array(schema("FileWarning")), "Warnings about the upload as a whole."
            ),
            "cause": describe(nullable(STRING), "Why the import did not complete."),
            "counts": describe(nullable(schema("Counts")), "Null while the import runs."),
            "files": describe(
                nullable(schema("Files")),
                "Null while the import runs, for an undo, and for imports of earlier releases.",
            ),
            "request_id": describe(nullable(STRING), "`X-Request-Id` of the upload."),
            "started_at": TIME,
            "ended_at": describe(nullable(TIME), "Null while the import runs."),
            "undoable_until": describe(
                nullable(TIME),
                "The service keeps the outcomes at least until this time, and an undo needs all of "
                "them. Null if the import cannot be undone: while it runs, after a dry run, and "
                "once outcomes were deleted.",
            ),
            "resumable_until": describe(
                nullable(TIME),
                "Time until which the same files with the same `Idempotency-Key` continue the "
                "import. Null unless it was interrupted and holds its key.",
            ),
        },
        description="One import.",
    )


def _cause_group() -> Json:
    example = json_object(
        {
            "index": INDEX,
            "external_id": describe(nullable(STRING), "Id in the file; null if it has none."),
            "name": describe(nullable(STRING), "Name in the file; null if it has none."),
            "file": FILE,
            "line": nullable(LINE),
            "value": describe(
                nullable(STRING),
                "Value in the file, shortened. With `DUPLICATE_PROJECT`, place of the first "
                "project. Null if there is none.",
            ),
        }
    )
    return json_object(
        {
            "cause": CAUSE_ID,
            "error": describe(nullable(schema("ErrorCode")), "Null for warnings."),
            "warning": describe(nullable(schema("WarningCode")), "Null for failures."),
            "element": describe(nullable(ELEMENT), "Null if the cause is in no element."),
            "reason": describe(
                STRING, "What is wrong, without values. It follows the element in a sentence."
            ),
            "remedy": describe(STRING, "What to do, with the element and its first value."),
            "projects": describe(COUNT, "Number of projects with this cause."),
            "files": describe(COUNT, "Number of files with this cause."),
            "times": describe(COUNT, "How often the outcomes list this cause."),
            "examples": describe(array(example, maxItems=EXAMPLES), "The first of them."),
        },
        description="The failures, or the warnings, that have the same cause.",
    )


def _options() -> Json:
    upload = json_object(
        {
            "mode": enumeration(Mode),
            "atomic": BOOLEAN,
            "dry_run": BOOLEAN,
            "outcomes": enumeration(OutcomeFilter),
            "if_newer": describe(TRUE, "Present if the upload had this option."),
        },
        optional=("if_newer",),
        description="Options of an upload.",
    )
    undo = json_object(
        {"undo": describe(ID, "Import that is undone.")}, description="Options of an undo."
    )
    return describe({"oneOf": [upload, undo]}, "Options that the request had.")


def _codes(introduction: str, codes: Iterable[ErrorCode | WarningCode]) -> Json:
    """Return the schema of codes; its description explains each of them."""
    listed = list(codes)
    explained = [f"`{code}`: {code.cause} What to do: {code.remedy}" for code in listed]
    return enumeration(listed, "\n\n".join([introduction, *explained]))


def _state() -> Json:
    return enumeration(
        STATES,
        "`running`: the import is in progress.\n\n"
        "`completed`: the files were read, each to its end or to a place where it breaks off.\n\n"
        "`failed`: the request was invalid, an atomic import had a failure, or the service "
        "failed.\n\n"
        "`interrupted`: the upload, the service or the database stopped. Send the file again with "
        "the same `Idempotency-Key` to continue.\n\n"
        "`cancelled`: a user cancelled the import.",
    )


def _result() -> Json:
    return enumeration(
        RESULTS,
        "What became of an import, in one word.\n\n"
        "`completed`: every project was imported.\n\n"
        "`partial`: some projects or files failed, and others were imported.\n\n"
        "`failed`: no project was imported, or the service failed.\n\n"
        "`undone`: another import has undone it: `undone_by`.\n\n"
        "`running`, `interrupted` and `cancelled` are as in `state`.",
    )


def schemas() -> Json:
    """Return all schemas of the document, by name."""
    return {
        "Error": _error(),
        "ErrorCode": _codes("Why a project was not imported, or a file not read.", ErrorCode),
        "WarningCode": _codes("What was set aside or noticed.", WarningCode),
        "ImportState": _state(),
        "ImportResult": _result(),
        "Counts": json_object(
            {outcome.value: COUNT for outcome in Outcome},
            description="Number of projects by outcome.",
        ),
        "Files": json_object(
            {
                "read": describe(COUNT, "Files that were read to their end."),
                "failed": describe(COUNT, "Files with an entry of the kind `file`."),
            },
            description="Number of files of the upload. The members of a ZIP are files.",
        ),
        "MultiStatus": _multi_status(),
        "Accepted": _accepted(),
        "Landed": _landed(),
        "Failure": _failure(),
        "Violation": json_object(
            {
                "line": LINE,
                "element": ELEMENT,
                "value": VALUE,
                "message": describe(STRING, "What is wrong, in one sentence."),
            },
            description="One fault of a project.",
        ),
        "Warning": json_object(
            {"code": schema("WarningCode"), "line": LINE, "element": ELEMENT, "value": VALUE},
            description="One warning about an imported project.",
        ),
        "Warnings": json_object(
            {
                "count": describe(COUNT, "Number of all warnings."),
                "first": array(schema("Warning"), maxItems=MAX_LISTED_WARNINGS),
            },
            description="Warnings about an imported project.",
        ),
        "FileWarning": json_object(
            {
                "code": schema("WarningCode"),
                "message": describe(STRING, "What was noticed, in one sentence."),
                "count": describe(COUNT, "How often."),
                "file": describe(STRING, "Name of the file that it is about."),
            },
            optional=("count", "file"),
            description="A warning about a file, or about the upload as a whole.",
        ),
        "CauseGroup": _cause_group(),
        "Options": _options(),
        "Import": _import(),
        **project_schemas.schemas(),
        "Next": describe(
            nullable({"type": "string", "format": "uri-reference"}),
            "Address of the next page; null on the last page.",
        ),
    }
