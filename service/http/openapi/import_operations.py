"""The operations on imports: upload, follow, cancel, undo, and read outcomes."""

from typing import Final

from service.control_characters import NOTES_PATTERN
from service.http import pagination
from service.http.openapi.import_schemas import CAUSE_ID
from service.http.openapi.json_schema import (
    BOOLEAN,
    COUNT,
    STRING,
    Json,
    array,
    default_of,
    describe,
    enumeration,
    envelope,
    json_object,
    query_parameter,
    ref,
    schema,
)
from service.http.openapi.operations import IMPORT, READ, UNDO, Success, json_response, operation
from service.http.prefer import MAX_WAIT, PREFER
from service.http.responses import JSON
from service.http.routes import results
from service.http.routes.imports import STATES
from service.http.upload import content_encoding
from service.http.upload.options import IDEMPOTENCY_KEY, MAX_KEY
from service.imports.cause_groups import Subject
from service.imports.conflict_rules import Outcome
from service.imports.options import Mode, OutcomeFilter

TAG: Final = "Imports"

KEY: Final[Json] = {
    "type": "string",
    "minLength": 1,
    "maxLength": MAX_KEY,
    "pattern": r"^[ -~]+$",
}
_HEADER_KEY: Final[Json] = KEY | {"pattern": r"^[ -~]*[!-~][ -~]*$"}
"""HTTP strips the spaces around a header's value, so it cannot consist of spaces."""
TEXT: Final[Json] = {
    "type": "string",
    "minLength": 1,
    "maxLength": pagination.MAX_TEXT,
    "pattern": r"^[^\x00]*$",
}
PAGING: Final = [ref("parameters", "limit"), ref("parameters", "cursor")]

_FLAG: Final = enumeration(("true", "false"), default="false")
_OPTIONS: Final = [
    query_parameter(
        "mode",
        enumeration(Mode, default=Mode.UPSERT.value),
        "`upsert` creates and updates projects. `create` refuses existing projects "
        "(`ALREADY_EXISTS`). `update` refuses new ones (`UNKNOWN_PROJECT`). A project that is "
        "equal to the server's is `unchanged` in every mode, so that a retry succeeds.",
    ),
    query_parameter(
        "atomic", _FLAG, "Import all projects or none: if one fails, none is imported."
    ),
    query_parameter(
        "dry_run",
        _FLAG,
        "Do everything but the commit. The outcomes are those that the import would have.",
    ),
    query_parameter(
        "outcomes",
        enumeration(OutcomeFilter, default=OutcomeFilter.ALL.value),
        "Outcomes that the response lists. `errors` leaves `successes` empty; the results of the "
        "import still have all outcomes.",
    ),
    query_parameter(
        "if_newer",
        _FLAG,
        "Refuse a project whose file is older than the stored version (`STORED_IS_NEWER`). The age "
        "is `DataDate`, then `LastUpdateDate` of Primavera P6, `LastSaved` of Microsoft Project, "
        "and `dated_by` of an own format. If no date is known of both, or the stored version has "
        "another format, the project is imported with the warning `AGE_UNKNOWN`. Equal content is "
        "`unchanged` at any age.",
    ),
]
_KEY_HEADER: Final[Json] = {
    "name": IDEMPOTENCY_KEY,
    "in": "header",
    "description": "A text of your choice that identifies the upload, bare or in double quotes. "
    "When the same upload is sent again with the same key, it gets the response of the first one, "
    "or continues an import that was interrupted. A key belongs to the token's `sub` and is kept "
    f"for {default_of('keep_keys_hours'):g} hours.",
    "schema": _HEADER_KEY,
}
_PREFER_HEADER: Final[Json] = {
    "name": PREFER,
    "in": "header",
    "description": "`respond-async`: answer 202 once the request is received, also if the import "
    "has ended by then. `respond-async, wait=10`: answer as usual if the import ends within 10 "
    f"seconds, else 202; at most {MAX_WAIT}. Other preferences are ignored (RFC 7240).",
    "schema": STRING,
    "example": "respond-async",
}
_ENCODING_HEADER: Final[Json] = {
    "name": "Content-Encoding",
    "in": "header",
    "description": "Compression of the whole request. Each file can be gzip or ZIP as well.",
    "schema": enumeration(sorted(content_encoding.ACCEPTED), default="identity"),
}

_BODY: Final[Json] = {
    "required": True,
    "description": "A form. Let your HTTP library set `Content-Type`, because it knows the "
    "boundary. Parts other than these two are ignored.",
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "properties": {
                    "file": {
                        "description": "Files, one in each part: XML in the native format, "
                        "Microsoft Project's or Primavera P6's, or Primavera's XER; plain, as "
                        "gzip, or as a ZIP of any number of files. The bytes of a file decide what "
                        "it is; of the type of its part, only `charset` matters. The field can "
                        "also be `file[]` or `files`. `/schema/native.xsd` is the schema of the "
                        "native format.",
                        "type": "array",
                        "items": {"type": "string", "format": "binary"},
                        "minItems": 1,
                        "maxItems": default_of("max_files"),
                    },
                    "notes": {
                        "type": "string",
                        "maxLength": default_of("max_notes_length"),
                        "pattern": NOTES_PATTERN,
                        "description": "A comment on the import, before or after the files. Tabs "
                        "and line breaks are allowed, other control characters (C0) are not.",
                    },
                },
                "required": ["file"],
            },
            "encoding": {
                "file": {"contentType": "application/xml, application/gzip, application/zip"},
                "notes": {"contentType": "text/plain"},
            },
            "examples": {
                "two projects": {
                    "summary": "Two projects, of which the second has an error",
                    "value": {
                        "file": [
                            '<?xml version="1.0" encoding="UTF-8"?>\n'
                            '<projects xmlns="urn:project-bulk-import:1">\n'
                            '  <project id="P-1"><name>Plant upgrade</name></project>\n'
                            '  <project id="P-2"><start>soon</start></project>\n'
                            "</projects>\n"
                        ],
                        "notes": "Import on 2026-01-05",
                    },
                }
            },
        }
    },
}

_IMPORT_PARAMETERS: Final = {
    "client_id": "$request.path.client_id",
    "import_id": "$response.body#/import_id",
}
_LINKS: Final[Json] = {
    "GetImport": {"operationId": "getImport", "parameters": _IMPORT_PARAMETERS},
    "ListResults": {"operationId": "listResults", "parameters": _IMPORT_PARAMETERS},
}

_ACCEPTED: Final = Success(
    "With `Prefer: respond-async`: the request is received, and the import goes on.",
    {JSON: schema("Accepted")},
    ("Location", "Retry-After", "Preference-Applied", "Vary"),
    links=_LINKS,
)


def _multi_status(description: str) -> Success:
    content = {JSON: schema("MultiStatus")}
    return Success(description, content, ("Location",), ("Vary",), _LINKS)


_IMPORT_PROJECTS: Final = operation(
    "importProjects",
    TAG,
    "Import projects from files",
    "Each project is imported as a whole or not at all, and an invalid project does not affect the "
    "others. The response lists the outcome of each project, and each file that failed, in the "
    "order of the upload; `Location` is the address of the import.\n\n"
    "The service checks the token, the options and the headers before it reads the body. Send "
    "`Expect: 100-continue` with a large file, so that a refused upload costs nothing.\n\n"
    f"If the status is not decided {default_of('status_after'):g} seconds after the last byte, the "
    "response starts as a 207, and spaces before the JSON keep the connection alive. With `Prefer: "
    "respond-async`, it is a 202 at the last byte, and `Location` with `wait` returns the end.",
    scopes=[IMPORT],
    parameters=[*_OPTIONS, _KEY_HEADER, _PREFER_HEADER, _ENCODING_HEADER],
    requestBody=_BODY,
    successes={
        202: _ACCEPTED,
        207: _multi_status("The files were read."),
    },
    failures={
        400: "The request, or its only file, has a fault before any project is complete.",
        408: "The upload stopped, or took too long. Send it again.",
        409: "Every project was refused because of a lock or its version; or an upload with the "
        "same key, or an undo of its import, is running, or was interrupted and had other options; "
        "or a user cancelled the import.",
        413: "The upload exceeded a limit before any project was complete.",
        415: "",
        422: "",
        429: "",
        500: "The service failed. The import, if one had begun, is `failed`.",
        503: "The service is shutting down, all import slots are in use, the database is "
        "unavailable or has lost commits, or there is no room for working files. Send the file "
        "again: projects that were imported are then `unchanged`.",
    },
    error_headers={
        400: ("Location",),
        408: ("Location",),
        409: ("Location", "Retry-After"),
        413: ("Location",),
        422: ("Location",),
        500: ("Location",),
        503: ("Location",),
    },
)

_LIST_IMPORTS: Final = operation(
    "listImports",
    TAG,
    "List imports",
    "The latest import comes first. To find an import while its upload is still running, filter by "
    "its `idempotency_key`. With `state`, `result` or `text`, a page examines at most 20,000 "
    "imports: it can have fewer than `limit`, or none, although `next` is set.",
    scopes=[READ],
    parameters=[
        *PAGING,
        query_parameter("state", enumeration(STATES), "Only imports in this state."),
        query_parameter("result", schema("ImportResult"), "Only imports with this result."),
        query_parameter(
            "text", TEXT, "Only imports with this text in their notes or file name, in any case."
        ),
        query_parameter(
            "idempotency_key", KEY, "Only the import that the caller made with this key."
        ),
    ],
    successes={
        200: json_response(
            "A page of imports.",
            envelope(
                200,
                "Imports",
                json_object({"imports": array(schema("Import")), "next": schema("Next")}),
            ),
        )
    },
)

_GET_IMPORT: Final = operation(
    "getImport",
    TAG,
    "Read one import",
    "While the import runs, `bytes_read` and `projects_done` show its progress. With `wait`, the "
    "response comes once the import has ended, in whichever process it runs, or the time is over. "
    "A shutdown, or too many waiting requests, end the wait early: a response that still says "
    "`running` then has `Retry-After`.",
    scopes=[READ],
    parameters=[
        query_parameter(
            "wait",
            {"type": "integer", "minimum": 0, "maximum": MAX_WAIT, "default": 0},
            f"Seconds to wait for the end of a running import, from 0 (default) to {MAX_WAIT}.",
        )
    ],
    successes={
        200: Success(
            "The import.",
            {JSON: envelope(200, "Import", schema("Import"))},
            sometimes=("Retry-After",),
        )
    },
)

_CANCEL_IMPORT: Final = operation(
    "cancelImport",
    TAG,
    "Cancel a running import",
    "The import stops within a few seconds. Projects that were imported stay imported, and their "
    "outcomes can be read. A repeated request gets the same response.",
    scopes=[IMPORT],
    successes={
        202: json_response(
            "The request is recorded.",
            envelope(202, "Import is being cancelled", schema("Import")),
            "Location",
        )
    },
    failures={409: "The import has already ended, and was not cancelled."},
)

_UNDO_IMPORT: Final = operation(
    "undoImport",
    TAG,
    "Undo an import",
    "An undo is an import itself, with outcomes. Each project that the import updated gets a new "
    "version with the content that it had before; each project that it created is archived.\n\n"
    "A project that was changed since then is not touched (`VERSION_CONFLICT`), nor is one whose "
    "earlier version is no longer kept (`NOT_IMPORTED`).",
    scopes=[UNDO],
    parameters=[_KEY_HEADER, _PREFER_HEADER],
    successes={202: _ACCEPTED, 207: _multi_status("The outcome of each project.")},
    failures={
        409: "The import is running, was a dry run, or its outcomes are no longer kept; or every "
        "project was refused because of a lock or its version; or an undo of the same import or "
        "with the same key is running; or a user cancelled the undo.",
        422: "",
        429: "",
        500: "The service failed. The undo, if it had begun, is `failed`.",
        503: "The service is shutting down, all import slots are in use, or the database is "
        "unavailable.",
    },
    error_headers={
        409: ("Location", "Retry-After"),
        422: ("Location",),
        500: ("Location",),
        503: ("Location",),
    },
)

_LIST_RESULTS: Final = operation(
    "listResults",
    TAG,
    "List the outcomes of an import",
    "Outcomes come in file order.\n\n"
    "JSON comes in pages. While the import runs, they end before the first outcome that is still "
    "missing: `complete` is then false, and `next` can be requested again.\n\n"
    "CSV (`Accept: text/csv`) has all outcomes at once, without `limit` and `cursor`, after the "
    "import has ended. An apostrophe precedes cells that a spreadsheet would execute.",
    scopes=[READ],
    parameters=[
        *PAGING,
        query_parameter("outcome", enumeration(Outcome), "Only projects with this outcome."),
        query_parameter("error", schema("ErrorCode"), "Only projects that failed for this reason."),
        query_parameter(
            "warning", schema("WarningCode"), "Only projects with this among their first warnings."
        ),
        query_parameter(
            "cause",
            CAUSE_ID,
            "Only outcomes with this `cause`, which a group of the causes has. A page then "
            "examines at most 10,000 outcomes: it can have fewer than `limit`, or none, although "
            "`next` is set.",
        ),
        query_parameter(
            "text", TEXT, "Only outcomes with this text in their id, name or file, in any case."
        ),
    ],
    successes={
        200: Success(
            "Outcomes.",
            {
                JSON: envelope(
                    200,
                    "Results",
                    json_object(
                        {
                            "results": array({"anyOf": [schema("Landed"), schema("Failure")]}),
                            "complete": describe(
                                BOOLEAN, "Whether this page has the last outcome of the import."
                            ),
                            "next": schema("Next"),
                        }
                    ),
                ),
                results.CSV: describe(
                    STRING,
                    "A header, and one line for each project with these columns: "
                    f"{', '.join(results.COLUMNS)}.",
                ),
            },
            ("Vary",),
            ("Content-Disposition",),
        )
    },
    failures={406: "", 409: "The import is running; its CSV is available after it has ended."},
    error_headers={409: ("Retry-After",)},
)

_LIST_CAUSES: Final = operation(
    "listCauses",
    TAG,
    "Group the failures of an import",
    "A cause is a code, an element and a reason, without the values of the file, so that thousands "
    "of failures mostly have a few. A project with several faults has several causes. The largest "
    "group comes first.\n\n"
    "A page examines at most 100,000 outcomes, and of these at most 10,000 with a failure or a "
    "warning. If `next` is set, a further page can have the same cause: add up its numbers. To "
    "list the projects of a group, give its `cause` to the results of the import.",
    scopes=[READ],
    parameters=[
        ref("parameters", "cursor"),
        query_parameter(
            "of",
            enumeration(Subject, default=Subject.FAILURES),
            "`failures` (default), or `warnings` about imported projects.",
        ),
    ],
    successes={
        200: json_response(
            "Groups of outcomes.",
            envelope(
                200,
                "Causes",
                json_object(
                    {
                        "causes": array(schema("CauseGroup")),
                        "unlisted": describe(
                            COUNT,
                            "Faults or warnings that are in no group, because each outcome lists "
                            "its first ones and counts the others.",
                        ),
                        "next": schema("Next"),
                    }
                ),
            ),
        )
    },
    failures={409: "The import is running; its causes are available after it has ended."},
    error_headers={409: ("Retry-After",)},
)

PATHS: Final[Json] = {
    "/projects/bulk": {"post": _IMPORT_PROJECTS},
    "/imports": {"get": _LIST_IMPORTS},
    "/imports/{import_id}": {"get": _GET_IMPORT},
    "/imports/{import_id}/cancel": {"post": _CANCEL_IMPORT},
    "/imports/{import_id}/undo": {"post": _UNDO_IMPORT},
    "/imports/{import_id}/results": {"get": _LIST_RESULTS},
    "/imports/{import_id}/causes": {"get": _LIST_CAUSES},
}
