"""The operations on imports: from the upload to its outcomes."""

from typing import Final

from service.http import pagination
from service.http.openapi.operations import IMPORT, READ, UNDO, Answer, operation, plain
from service.http.openapi.parts import (
    BOOLEAN,
    STRING,
    Json,
    default,
    envelope,
    items,
    one_of,
    query,
    record,
    ref,
    said,
    schema,
)
from service.http.responses import JSON
from service.http.routes import results_csv
from service.http.routes.imports import STATES
from service.http.upload import content_encoding, form
from service.http.upload.options import IDEMPOTENCY_KEY, MAX_KEY
from service.imports.conflict_rules import Outcome
from service.imports.options import Mode, OutcomeFilter

TAG: Final = "Imports"

KEY: Final[Json] = {
    "type": "string",
    "minLength": 1,
    "maxLength": MAX_KEY,
    "pattern": r"^[ -~]+$",
}
_KEY_IN_HEADER: Final[Json] = KEY | {"pattern": r"^[ -~]*[!-~][ -~]*$"}
"""Spaces around a header's value are not part of it."""
_NO_NUL: Final = r"^[^\x00]*$"
TEXT: Final[Json] = {
    "type": "string",
    "minLength": 1,
    "maxLength": pagination.MAX_TEXT,
    "pattern": _NO_NUL,
}
PAGED: Final = [ref("parameters", "limit"), ref("parameters", "cursor")]

_FLAG: Final = one_of(("true", "false"), default="false")
_OPTIONS: Final = [
    query(
        "mode",
        one_of(Mode, default=Mode.UPSERT.value),
        "Which projects may land: all, only new ones, or only known ones. An equal one is "
        "`unchanged` under all three.",
    ),
    query("atomic", _FLAG, "All or nothing: if any project fails, none lands."),
    query("dry_run", _FLAG, "Everything but the commit."),
    query(
        "outcomes",
        one_of(OutcomeFilter, default=OutcomeFilter.ALL.value),
        "Which outcomes the answer lists; the others can be read all the same.",
    ),
]
_KEYED: Final[Json] = {
    "name": IDEMPOTENCY_KEY,
    "in": "header",
    "description": "Of your choice, one for each upload; bare or quoted. Under it the same "
    "upload can be sent again: it has the answer of then, or goes on where it was cut. It "
    f"belongs to the token's `sub` and is held for {default('keep_keys_hours'):g} hours.",
    "schema": _KEY_IN_HEADER,
}
_ENCODED: Final[Json] = {
    "name": "Content-Encoding",
    "in": "header",
    "description": "Of the request as a whole. The part `file` may be gzip or ZIP by itself.",
    "schema": one_of(sorted(content_encoding.ACCEPTED), default="identity"),
}

_BODY: Final[Json] = {
    "required": True,
    "description": "A form. Let your HTTP library set the `Content-Type`: it knows the boundary. "
    "Other parts are passed over.",
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "properties": {
                    "file": {
                        "description": "The XML: native, Microsoft Project or Primavera P6, as it "
                        "is, or as gzip or as a ZIP of one file. A type may be missing. The native "
                        "one's schema is under `/schema/native.xsd`.",
                        "type": "string",
                        "format": "binary",
                    },
                    "notes": {
                        "type": "string",
                        "maxLength": default("max_notes_length"),
                        "pattern": _NO_NUL,
                        "description": "A comment; may come before or after the file.",
                    },
                },
                "required": ["file"],
            },
            "encoding": {
                "file": {"contentType": ", ".join(sorted(form.MEDIA_TYPES))},
                "notes": {"contentType": "text/plain"},
            },
            "examples": {
                "two projects": {
                    "summary": "One that lands and one that does not",
                    "value": {
                        "file": '<?xml version="1.0" encoding="UTF-8"?>\n'
                        '<projects xmlns="urn:project-bulk-import:1">\n'
                        '  <project id="P-1"><name>Plant upgrade</name></project>\n'
                        '  <project id="P-2"><start>soon</start></project>\n'
                        "</projects>\n",
                        "notes": "Import on 2026-01-05",
                    },
                }
            },
        }
    },
}

_THEN: Final[Json] = {
    "GetImport": {
        "operationId": "getImport",
        "parameters": {
            "client_id": "$request.path.client_id",
            "import_id": "$response.body#/import_id",
        },
    },
    "ListResults": {
        "operationId": "listResults",
        "parameters": {
            "client_id": "$request.path.client_id",
            "import_id": "$response.body#/import_id",
        },
    },
}

_BULK: Final = operation(
    "importProjects",
    TAG,
    "Import a file of projects",
    "Each project lands whole or not at all, and a bad one never harms its neighbours. The answer "
    "tells what became of each, in the file's order; `Location` has it again. Who asks, the "
    "options and the headers are looked at before the body is read, so send `Expect: "
    "100-continue` where a file is large. If nothing is decided "
    f"{default('status_after'):g} seconds after the last byte, the answer begins as 207 and is "
    "kept alive by spaces before the JSON.",
    scopes=[IMPORT],
    parameters=[*_OPTIONS, _KEYED, _ENCODED],
    requestBody=_BODY,
    answers={
        207: plain("The file was read.", schema("MultiStatus"), "Location", links=_THEN),
    },
    failures={
        400: "The request or the file cannot be read, and no project was complete before that.",
        408: "The upload fell silent, or took too long. Send it again.",
        409: "Every project was refused by a lock or its version; or the key is at work; or "
        "somebody cancelled the import.",
        413: "A limit was reached before a project was complete.",
        415: "",
        422: "",
        429: "",
        500: "A fault of ours. The import, if one began, is `failed`.",
        503: "Shutting down, all slots taken, the database away, or no room for working files. "
        "What landed comes out as `unchanged` if the file is sent again.",
    },
    sometimes={
        400: ("Location",),
        408: ("Location",),
        409: ("Location", "Retry-After"),
        413: ("Location",),
        422: ("Location",),
        500: ("Location",),
        503: ("Location",),
    },
)

_LIST: Final = operation(
    "listImports",
    TAG,
    "List imports",
    "The latest first. By its `idempotency_key` whoever uploads finds an import while it runs.",
    scopes=[READ],
    parameters=[
        *PAGED,
        query("state", one_of(STATES), "Those in this state."),
        query("text", TEXT, "In the notes or the file's name, in small letters or capitals."),
        query("idempotency_key", KEY, "The caller's own import under this key."),
    ],
    answers={
        200: plain(
            "A page of imports.",
            envelope(
                200,
                "Imports",
                record({"imports": items(schema("Import")), "next": schema("Next")}),
            ),
        )
    },
)

_ONE: Final = operation(
    "getImport",
    TAG,
    "Look at one import",
    "While it runs, `bytes_read` and `projects_done` tell how far it is.",
    scopes=[READ],
    answers={200: plain("The import.", envelope(200, "Import", schema("Import")))},
)

_CANCEL: Final = operation(
    "cancelImport",
    TAG,
    "Stop a running import",
    "It stops within a few seconds. What has landed stays, and its outcomes can be read. Asked "
    "again, the answer is the same.",
    scopes=[IMPORT],
    answers={
        202: plain(
            "The wish is known.",
            envelope(202, "Import is being cancelled", schema("Import")),
            "Location",
        )
    },
    failures={409: "The import has ended in another way."},
)

_UNDO: Final = operation(
    "undoImport",
    TAG,
    "Put back what an import changed",
    "This is an import of its own, with outcomes: each project that the import created or updated "
    "and that is still at that version gets a new version equal to the one before; a created one "
    "is archived. One that was changed since is a `VERSION_CONFLICT`; one whose earlier version is "
    "no longer kept is `NOT_IMPORTED`.",
    scopes=[UNDO],
    parameters=[_KEYED],
    answers={
        207: plain("What became of each project.", schema("MultiStatus"), "Location", links=_THEN)
    },
    failures={
        409: "The import is running or was a dry run; or every project was refused by a lock or "
        "its version; or the key is at work; or somebody cancelled the undo.",
        422: "",
        429: "",
        500: "A fault of ours. The undo, if it began, is `failed`.",
        503: "Shutting down, all slots taken, or the database away.",
    },
    sometimes={
        409: ("Location", "Retry-After"),
        422: ("Location",),
        500: ("Location",),
        503: ("Location",),
    },
)

_RESULTS: Final = operation(
    "listResults",
    TAG,
    "Read the outcomes again",
    "In the file's order. As JSON in pages: while the import runs they reach as far as every "
    "outcome is there, `complete` is false and `next` can be asked again. As CSV (`Accept: "
    "text/csv`) all of them at once, without `limit` and `cursor`, once the import has ended; "
    "cells that a spreadsheet would run are quoted by an apostrophe.",
    scopes=[READ],
    parameters=[
        *PAGED,
        query("outcome", one_of(Outcome), "Those that came out so."),
        query("error", schema("ErrorCode"), "Those that failed for this reason."),
        query("warning", schema("WarningCode"), "Those with this among their first warnings."),
        query("text", TEXT, "In the external id or the name, in small letters or capitals."),
    ],
    answers={
        200: Answer(
            "Outcomes.",
            {
                JSON: envelope(
                    200,
                    "Results",
                    record(
                        {
                            "results": items({"anyOf": [schema("Landed"), schema("Failure")]}),
                            "complete": said(BOOLEAN, "Whether there are no more, ever."),
                            "next": schema("Next"),
                        }
                    ),
                ),
                results_csv.CSV: said(
                    STRING, f"A header, then a line for each: {', '.join(results_csv.COLUMNS)}."
                ),
            },
            ("Vary",),
            ("Content-Disposition",),
        )
    },
    failures={406: "", 409: "The import runs, and its CSV is there once it has ended."},
    sometimes={409: ("Retry-After",)},
)

PATHS: Final[Json] = {
    "/projects/bulk": {"post": _BULK},
    "/imports": {"get": _LIST},
    "/imports/{import_id}": {"get": _ONE},
    "/imports/{import_id}/cancel": {"post": _CANCEL},
    "/imports/{import_id}/undo": {"post": _UNDO},
    "/imports/{import_id}/results": {"get": _RESULTS},
}
