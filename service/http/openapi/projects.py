"""The operations on projects: to read them, put them away, and lock them."""

from typing import Final

from service.http.openapi.imports import PAGED, TEXT
from service.http.openapi.operations import BREAK, IMPORT, READ, Answer, operation, plain
from service.http.openapi.parts import (
    ID,
    MOMENT,
    STRING,
    Json,
    default,
    envelope,
    items,
    nullable,
    one_of,
    query,
    record,
    said,
    schema,
)
from service.http.responses import JSON
from service.http.routes import listing
from service.http.routes.locks import LONGEST_REASON
from service.http.routes.projects import TYPES

TAG: Final = "Projects"
LOCKS: Final = "Locks"

_XML: Final = said(STRING, "A native file of the one project, which can be imported again.")
_DOCUMENT: Final[Json] = {
    kind: envelope(200, "Project", schema("Project"), complete={"const": True})
    if kind == JSON
    else _XML
    for kind in TYPES
}
_COMPARED: Final = envelope(200, "Comparison", schema("Comparison"), complete={"const": True})
_LOCKED: Final = "Somebody else holds a lock on the project, or an import was writing it."

_LIST: Final = operation(
    "listProjects",
    TAG,
    "List projects",
    "Active ones unless asked otherwise. To follow changes, ask with `changed_since`, read all "
    "pages, and begin the next round with the `watermark` of this one: it lies before the start of "
    "the oldest import that is being written, and is the same on all pages.",
    scopes=[READ],
    parameters=[
        *PAGED,
        query("archived", one_of(listing.ARCHIVED, default="exclude"), "What of archived ones."),
        query("text", TEXT, "In the external id, the name or the code, small or capital."),
        query(
            "source",
            {"type": "string", "pattern": "^[a-z][a-z0-9_-]{0,30}$"},
            "The dialect: `native`, `mspdi`, `p6`.",
        ),
        query("changed_since", MOMENT, "Whose current version was made then or later."),
        query("changed_until", MOMENT, "… and before that."),
        query(
            "missing_from",
            ID,
            "An import: those that it did not mention, whatever became of them in it.",
        ),
    ],
    answers={
        200: plain(
            "A page of projects.",
            envelope(
                200,
                "Projects",
                record(
                    {
                        "projects": items(schema("Listed")),
                        "watermark": said(
                            nullable(MOMENT), "With `changed_since`: where this list ends."
                        ),
                        "next": schema("Next"),
                    }
                ),
            ),
        )
    },
    failures={
        409: "`missing_from` names an import that has not completed, broke off, or whose outcomes "
        "are no longer kept."
    },
)

_ONE: Final = operation(
    "getProject",
    TAG,
    "Read one project",
    "With all its records, at the version that was current when the reading began. As native XML "
    "(`Accept: application/xml`) it can be edited and imported again: as it is, it comes out "
    "`unchanged`; if somebody changed the project in between, it is a `VERSION_CONFLICT`. Both are "
    "streamed; JSON ends with `complete`.",
    scopes=[READ],
    answers={200: Answer("The project.", _DOCUMENT, ("Vary",))},
    failures=[406],
)

_ARCHIVE: Final = operation(
    "archiveProject",
    TAG,
    "Archive a project",
    "It keeps its records and versions, and this is a version of its own. It is left out of the "
    "list, and the next import of it revives it. Archiving again changes nothing.",
    scopes=[IMPORT],
    answers={
        200: plain(
            "It is archived.",
            envelope(
                200,
                "Archived",
                record(
                    {
                        "project_id": ID,
                        "version": {"type": "integer", "minimum": 1},
                        "archived_at": MOMENT,
                    }
                ),
            ),
        )
    },
    failures={409: _LOCKED},
)

_VERSIONS: Final = operation(
    "listVersions",
    TAG,
    "List the versions that are kept",
    f"Oldest first. The last {default('keep_versions')} are kept, and older ones for a while.",
    scopes=[READ],
    parameters=PAGED,
    answers={
        200: plain(
            "A page of versions.",
            envelope(
                200,
                "Versions",
                record({"versions": items(schema("Version")), "next": schema("Next")}),
            ),
        )
    },
)

_VERSION: Final = operation(
    "getVersion",
    TAG,
    "Read one version",
    "As the project itself, at that version. With `compare` it tells instead what was added, "
    "removed and changed since another version, record by record; that is JSON alone.",
    scopes=[READ],
    parameters=[query("compare", ID, "The other version, one of those that are kept.")],
    answers={
        200: Answer(
            "The version, or what differs in it.",
            _DOCUMENT | {JSON: {"anyOf": [_DOCUMENT[JSON], _COMPARED]}},
            ("Vary",),
        )
    },
    failures=[406],
)

_SEE: Final = operation(
    "getLock",
    LOCKS,
    "See who holds a project",
    "Null where nobody does.",
    scopes=[READ],
    answers={
        200: plain("The lock.", envelope(200, "Lock", record({"lock": nullable(schema("Lock"))})))
    },
)

_HELD: Final = record({"lock": schema("Lock")})
_TAKE: Final = operation(
    "takeLock",
    LOCKS,
    "Take a lock, or extend it",
    "In the name of the token's `sub`, which it must have. While it lasts, imports and archiving "
    "by others are refused.",
    scopes=[IMPORT],
    requestBody={
        "required": True,
        "content": {
            JSON: {
                "schema": {
                    **record(
                        {
                            "ttl_seconds": {
                                "type": "integer",
                                "minimum": 1,
                                "maximum": default("max_lock_ttl"),
                                "description": "How long it lasts from now on.",
                            }
                        }
                    ),
                    "additionalProperties": False,
                },
                "examples": {
                    "ten minutes": {"summary": "Ten minutes", "value": {"ttl_seconds": 600}}
                },
            }
        },
    },
    answers={
        200: plain("It was one's own, and lasts longer.", envelope(200, "Lock extended", _HELD)),
        201: plain("It is new.", envelope(201, "Locked", _HELD)),
    },
    failures={408: "The body did not come.", 409: _LOCKED, 413: "The body is far too large."},
)

_GIVE_BACK: Final = operation(
    "giveBackLock",
    LOCKS,
    "Give a lock back, or break it",
    f"The lock of somebody else is ended with the scope `{BREAK}` and a `reason`; who did and why "
    "is kept.",
    scopes=[IMPORT, BREAK],
    parameters=[
        query(
            "reason",
            {
                "type": "string",
                "minLength": 1,
                "maxLength": LONGEST_REASON,
                "pattern": r"^[^\x00]*[^\s\x00\x1c-\x1f\x85][^\x00]*$",
            },
            f"Why the lock of somebody else is ended; asks for the scope `{BREAK}`.",
        )
    ],
    answers={204: Answer("There is no lock now.", {})},
    failures={409: _LOCKED},
)

PATHS: Final[Json] = {
    "/projects": {"get": _LIST},
    "/projects/{project_id}": {"get": _ONE, "delete": _ARCHIVE},
    "/projects/{project_id}/versions": {"get": _VERSIONS},
    "/projects/{project_id}/versions/{version}": {"get": _VERSION},
    "/projects/{project_id}/lock": {"get": _SEE, "put": _TAKE, "delete": _GIVE_BACK},
}
