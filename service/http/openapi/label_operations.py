"""The operations on labels of versions."""

from typing import Final

from service.http.openapi.json_schema import (
    ID,
    STRING,
    TIME,
    Json,
    describe,
    envelope,
    json_object,
)
from service.http.openapi.operations import IMPORT, Success, json_response, operation
from service.http.openapi.project_operations import TAG
from service.http.openapi.project_schemas import SUBJECT, VERSION
from service.http.responses import JSON
from service.http.routes.labels import LABEL_PATTERN, LONGEST_LABEL

_LABEL: Final = describe(
    {
        "type": "string",
        "minLength": 1,
        "maxLength": LONGEST_LABEL,
        "pattern": LABEL_PATTERN,
    },
    "Text without control characters, and not only spaces.",
)
_LABELLED: Final = json_object(
    {
        "project_id": ID,
        "version": VERSION,
        "label": describe(STRING, "Label of the version."),
        "created_at": describe(TIME, "Time since which the version has this label."),
        "created_by": SUBJECT,
    }
)
_SET_LABEL: Final = operation(
    "setLabel",
    TAG,
    "Label a version",
    "A version with a label is kept for good, however old it becomes. A label replaces the one "
    "that the version had, and each label names one version of a project. The same request again "
    "changes nothing. A user's lock on the project does not prevent it, because it changes nothing "
    "of the project.",
    scopes=[IMPORT],
    requestBody={
        "required": True,
        "content": {
            JSON: {
                "schema": {**json_object({"label": _LABEL}), "additionalProperties": False},
                "examples": {
                    "approved": {
                        "summary": "An approved plan",
                        "value": {"label": "Approved in March"},
                    }
                },
            }
        },
    },
    successes={
        200: json_response("The version had a label before.", envelope(200, "Labelled", _LABELLED)),
        201: json_response("The version is labelled.", envelope(201, "Labelled", _LABELLED)),
    },
    failures={
        408: "The body of the request did not arrive.",
        409: "Another version of the project, `version`, has the label. Or an import is writing "
        "the project.",
        413: "The body of the request is too large.",
    },
)

_REMOVE_LABEL: Final = operation(
    "removeLabel",
    TAG,
    "Remove the label of a version",
    "The service may then delete the version within a day, if it keeps it for no other reason. The "
    "version itself must still be kept. It need not have a label.",
    scopes=[IMPORT],
    successes={204: Success("The version has no label.", {})},
    failures={409: "An import is writing the project."},
)

PATHS: Final[Json] = {
    "/projects/{project_id}/versions/{version}/label": {
        "put": _SET_LABEL,
        "delete": _REMOVE_LABEL,
    },
}
