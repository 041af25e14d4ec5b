"""The operations on projects: list, read, compare, archive, restore and lock."""

from typing import Final

from service.http.openapi.check_schemas import VERSION
from service.http.openapi.import_operations import PAGING, TEXT
from service.http.openapi.json_schema import (
    DAY,
    ID,
    POSITIVE,
    STRING,
    TIME,
    TRUE,
    Json,
    array,
    default_of,
    describe,
    enumeration,
    envelope,
    json_object,
    nullable,
    query_parameter,
    schema,
)
from service.http.openapi.operations import (
    BREAK,
    DELETE,
    IMPORT,
    READ,
    Success,
    json_response,
    operation,
)
from service.http.responses import JSON
from service.http.routes import projects
from service.http.routes.locks import LONGEST_REASON
from service.http.routes.projects import MSPDI, TYPES
from service.http.routes.versions import BASELINE
from service.model import MAX_ID
from service.projects.checks import CHECKS
from service.projects.comparison.kinds import Match

TAG: Final = "Projects"
LOCKS: Final = "Locks"

_XML: Final = describe(STRING, "A native file with the project, which can be imported again.")
_MSPDI: Final = describe(
    STRING, "A file of Microsoft Project; only if the project was read from one."
)
_DOCUMENT: Final[Json] = dict.fromkeys(TYPES, _XML) | {
    JSON: envelope(200, "Project", schema("Project"), complete=TRUE),
    MSPDI: _MSPDI,
}
_COMPARED: Final = envelope(200, "Comparison", schema("Comparison"), complete=TRUE)
_LOCKED: Final = "Another user holds a lock on the project, or an import is writing it."
_STALE: Final = f"{_LOCKED} Or another version than `version` is current."
_NULL: Final[Json] = {"type": "null"}

_LIST_PROJECTS: Final = operation(
    "listProjects",
    TAG,
    "List projects",
    "The list has active projects, unless `archived` asks for others.\n\n"
    "To follow changes, send `changed_since`, read all pages, and send the `watermark` of the "
    "response as the next `changed_since`. The watermark is before the start of the oldest import "
    "that is still writing, so no change is missed. It is the same on all pages.",
    scopes=[READ],
    parameters=[
        *PAGING,
        query_parameter(
            "archived",
            enumeration(projects.ARCHIVED, default="exclude"),
            "Whether the list has archived projects.",
        ),
        query_parameter(
            "external_id",
            TEXT | {"maxLength": MAX_ID},
            "Only the project with exactly this external id. The response has one project or none.",
        ),
        query_parameter(
            "text",
            TEXT,
            "Only projects with this text in their external id, name, title or code, in any case.",
        ),
        query_parameter(
            "source",
            {"type": "string", "pattern": "^[a-z][a-z0-9_-]{0,30}$"},
            "Only projects that came from this format: `native`, `mspdi`, `p6` "
            "(also for XER), or an own format.",
        ),
        *(
            query_parameter(
                f"{name}_{end}", DAY, f"Only projects that {verb} on this day or {side}."
            )
            for name, verb in (("start", "start"), ("finish", "finish"))
            for end, side in (("from", "later"), ("until", "earlier"))
        ),
        query_parameter(
            "warnings",
            enumeration(projects.WARNINGS),
            "Only projects whose current version has some warnings, or none.",
        ),
        query_parameter(
            "sort",
            enumeration(projects.ORDERS),
            "Column by which the list is sorted, with `-` in the opposite order. Projects without "
            "a value come last. Without `sort`, the order is that of `project_id`. Not together "
            "with `external_id`, `changed_since`, `changed_until` or `missing_from`.",
        ),
        query_parameter(
            "changed_since",
            TIME,
            "Only projects whose current version was made at this time or later.",
        ),
        query_parameter(
            "changed_until", TIME, "Only projects whose current version was made before this time."
        ),
        query_parameter(
            "missing_from",
            ID,
            "Only projects that no file of this import has. The import must have read all its "
            "files to the end, its upload must not have been cut short, and its outcomes must "
            "still be kept.",
        ),
    ],
    successes={
        200: json_response(
            "A page of projects.",
            envelope(
                200,
                "Projects",
                json_object(
                    {
                        "projects": array(schema("Listed")),
                        "watermark": describe(
                            nullable(TIME),
                            "With `changed_since` or `changed_until`: the time up to which the "
                            "list is complete.",
                        ),
                        "next": schema("Next"),
                    }
                ),
            ),
        )
    },
    failures={
        409: "`missing_from` names an import that has not completed, of which a file broke off, "
        "whose upload was cut short, or whose outcomes are no longer kept."
    },
)

_GET_PROJECT: Final = operation(
    "getProject",
    TAG,
    "Read a project",
    "The response has the project with all its records, at the version that is current when the "
    "response begins. It is streamed; JSON ends with `complete`.\n\n"
    "Native XML (`Accept: application/xml`) can be edited and imported again. Without an edit the "
    "outcome is `unchanged`; if the project was changed in the meantime, it is a "
    "`VERSION_CONFLICT`.\n\n"
    "A project whose `source` is `mspdi` can also be read as a file of Microsoft Project "
    "(`Accept: application/vnd.ms-project+xml`). Importing that file is `unchanged` too.",
    scopes=[READ],
    successes={200: Success("The project.", _DOCUMENT, ("Vary",))},
    failures=[406],
)

_ARCHIVE_PROJECT: Final = operation(
    "archiveProject",
    TAG,
    "Archive a project",
    "An archived project keeps its records and versions, but lists leave it out. Archiving makes a "
    "new version. Restoring the project, or its next import, activates it again. Archiving an "
    "archived project changes nothing.\n\n"
    "Send `version` if you may repeat the request, so that it cannot archive a later version.",
    scopes=[DELETE],
    parameters=[
        query_parameter(
            "version",
            ID,
            "Archive only this version. If it is archived already, the response is the first one.",
        )
    ],
    successes={
        200: json_response(
            "The project is archived.",
            envelope(
                200,
                "Archived",
                json_object({"project_id": ID, "version": POSITIVE, "archived_at": TIME}),
            ),
        )
    },
    failures={409: _STALE},
)

_RESTORE_PROJECT: Final = operation(
    "restoreProject",
    TAG,
    "Restore an archived project",
    "The project is active again, with the content that it had. Restoring makes a new version, so "
    "`changed_since` lists the project. Restoring an active project changes nothing.\n\n"
    "Send `version`, which archiving returned, if you may repeat the request, so that it cannot "
    "restore a project that was archived again since.",
    scopes=[IMPORT],
    parameters=[
        query_parameter(
            "version",
            ID,
            "Restore only this version. If it is restored already, the response is the first one.",
        )
    ],
    successes={
        200: json_response(
            "The project is active.",
            envelope(
                200,
                "Restored",
                json_object({"project_id": ID, "version": POSITIVE, "archived_at": _NULL}),
            ),
        )
    },
    failures={409: _STALE},
)

_LIST_VERSIONS: Final = operation(
    "listVersions",
    TAG,
    "List the versions of a project",
    f"The oldest version comes first. The latest {default_of('keep_versions')} versions are kept, "
    f"and the versions that were current at the end of the last {default_of('keep_days')} days and "
    f"{default_of('keep_months')} months. Versions with a label are kept for good.",
    scopes=[READ],
    parameters=PAGING,
    successes={
        200: json_response(
            "A page of versions.",
            envelope(
                200,
                "Versions",
                json_object({"versions": array(schema("Version")), "next": schema("Next")}),
            ),
        )
    },
)

_GET_VERSION: Final = operation(
    "getVersion",
    TAG,
    "Read or compare a version",
    "Without `compare`, the response is that of reading the project, at this version. With "
    "`compare`, it begins with a summary for planners, and then lists the records that were added, "
    "removed or changed since another version, as JSON only.",
    scopes=[READ],
    parameters=[
        query_parameter("compare", ID, "Version to compare with. It must still be kept."),
        query_parameter(
            "against",
            enumeration((BASELINE,)),
            "Compare the tasks of the version with those of its current baseline. `compare` has no "
            "effect then.",
        ),
        query_parameter(
            "match",
            enumeration(tuple(Match)),
            "Key by which tasks match first. By default `code` for Primavera, `guid` for Microsoft "
            "Project and `id` for native XML.",
        ),
    ],
    successes={
        200: Success(
            "The version, or its differences.",
            _DOCUMENT | {JSON: {"anyOf": [_DOCUMENT[JSON], _COMPARED]}},
            ("Vary",),
        )
    },
    failures=[406],
)

_LIST_CHECKS: Final = operation(
    "listChecks",
    TAG,
    "Check the schedule of a project",
    "The response has the checks of the 14-point assessment of the US Defense Contract Management "
    "Agency (DCMA) for the current version, each with its first findings. A check that lacks data "
    "says so in `not_computed`. A failed check is a reason to look closer; it refuses nothing.",
    scopes=[READ],
    parameters=[
        *PAGING,
        query_parameter(
            "check", enumeration(CHECKS), "Only this check. `cursor` needs this parameter."
        ),
    ],
    successes={
        200: json_response(
            "The checks, in the order of the assessment.",
            envelope(
                200,
                "Checks",
                json_object({"version": VERSION, "checks": array(schema("Check"))}),
            ),
        )
    },
)

_GET_LOCK: Final = operation(
    "getLock",
    LOCKS,
    "Read the lock on a project",
    "`lock` is null if nobody holds the project.",
    scopes=[READ],
    successes={
        200: json_response(
            "The lock.", envelope(200, "Lock", json_object({"lock": nullable(schema("Lock"))}))
        )
    },
)

_HELD: Final = json_object({"lock": schema("Lock")})
_TAKE_LOCK: Final = operation(
    "takeLock",
    LOCKS,
    "Take or extend a lock",
    "The lock belongs to the token's `sub`, which the token must have. While the lock lasts, "
    "imports and archiving by other users are refused.",
    scopes=[IMPORT],
    requestBody={
        "required": True,
        "content": {
            JSON: {
                "schema": {
                    **json_object(
                        {
                            "ttl_seconds": {
                                "type": "integer",
                                "minimum": 1,
                                "maximum": default_of("max_lock_ttl"),
                                "description": "Duration of the lock, from now.",
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
    successes={
        200: json_response(
            "The caller's own lock is extended.", envelope(200, "Lock extended", _HELD)
        ),
        201: json_response("The caller holds a new lock.", envelope(201, "Locked", _HELD)),
    },
    failures={
        408: "The body of the request did not arrive.",
        409: _LOCKED,
        413: "The body of the request is too large.",
    },
)

_RELEASE_LOCK: Final = operation(
    "giveBackLock",
    LOCKS,
    "Release or break a lock",
    f"The holder releases the lock. With the scope `{BREAK}` and a `reason`, a caller ends the "
    "lock of another user; the service records the caller and the reason.\n\n"
    "Send `acquired_at` if you may repeat the request, so that it cannot end a later lock.",
    scopes=[IMPORT, BREAK],
    parameters=[
        query_parameter(
            "reason",
            {
                "type": "string",
                "minLength": 1,
                "maxLength": LONGEST_REASON,
                "pattern": r"^[^\x00]*[^\s\x00\x1c-\x1f\x85][^\x00]*$",
            },
            f"Why the lock of another user is ended. It requires the scope `{BREAK}`.",
        ),
        query_parameter(
            "acquired_at",
            TIME,
            "End only the lock that was taken at this time. Another lock stays.",
        ),
    ],
    successes={204: Success("The lock has ended.", {})},
    failures={409: _LOCKED},
)

PATHS: Final[Json] = {
    "/projects": {"get": _LIST_PROJECTS},
    "/projects/{project_id}": {"get": _GET_PROJECT, "delete": _ARCHIVE_PROJECT},
    "/projects/{project_id}/restore": {"post": _RESTORE_PROJECT},
    "/projects/{project_id}/versions": {"get": _LIST_VERSIONS},
    "/projects/{project_id}/versions/{version}": {"get": _GET_VERSION},
    "/projects/{project_id}/checks": {"get": _LIST_CHECKS},
    "/projects/{project_id}/lock": {"get": _GET_LOCK, "put": _TAKE_LOCK, "delete": _RELEASE_LOCK},
}
