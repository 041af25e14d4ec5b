"""Builds the OpenAPI document, the only source of the routes' documentation."""

from functools import cache
from importlib.metadata import version
from typing import Final

import orjson

from service.http import pagination
from service.http.openapi import (
    import_operations,
    import_schemas,
    label_operations,
    operations,
    project_operations,
    service_operations,
)
from service.http.openapi.json_schema import (
    ID,
    STRING,
    Json,
    describe,
    enumeration,
    query_parameter,
)
from service.http.openapi.operations import BEARER, BREAK, DELETE, IMPORT, READ, UNDO
from service.web import ASSETS, PAGE

OPENAPI: Final = "3.1.1"
CLIENT: Final = "/api/v2/clients/{client_id}"

_ABOUT: Final = """\
Upload files with many project plans. The service stores the projects in PostgreSQL and \
reports the outcome of each one, with the reason and the line of every failure.

Every JSON response has `status`, `code`, `message` and `details`, and so has every error. Every \
response has `X-Request-Id`. Every `GET` also works as `HEAD`. An unknown or repeated parameter is \
a 400, and so is malformed HTTP.

An unknown path is a 404. A 405 lists the methods of its path in `Allow`. Lists accept `limit`, \
and return in `details` the address of the next page, `next`, which is null on the last page.
"""

_TOKEN: Final = f"""\
A JSON Web Token, signed with HS256, RS256, PS256 or ES256; the settings select which of them the \
service accepts. It must have `exp`. The claim \
`clients` lists the ids of its clients, or is `*`. The claim `scope` lists its scopes: `{READ}` to \
read, `{IMPORT}` to import, restore, lock and cancel, `{UNDO}` to undo an import, `{DELETE}` to \
archive a project, and `{BREAK}` to end the lock of another user. The settings can rename claims \
and scopes. Imports and locks belong to the `sub`.
"""

_TAGS: Final = [
    {"name": import_operations.TAG, "description": "Upload files and read their outcomes."},
    {"name": project_operations.TAG, "description": "Read, compare, archive and restore projects."},
    {
        "name": project_operations.LOCKS,
        "description": "Keep other users from changing a project for a while.",
    },
    {"name": service_operations.TAG, "description": "Health, metrics and documentation."},
]


def _path_parameter(name: str, kind: Json, description: str) -> Json:
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": description,
        "schema": kind,
    }


_FOLDERS: Final = sorted({name.partition("/")[0] for name in PAGE})
_FILES: Final = sorted({name.partition("/")[2] for name in PAGE})
_PATH_PARAMETERS: Final = {
    "client_id": _path_parameter("client_id", ID, "Id of the client. The token must name it."),
    "import_id": _path_parameter(
        "import_id", ID, "Id of the import, from the response to its upload or from the list."
    ),
    "project_id": _path_parameter(
        "project_id", ID, "Id of the project on the server, from an outcome or from the list."
    ),
    "version": _path_parameter("version", ID, "Number of a version that is still kept."),
    "asset": _path_parameter("asset", enumeration(ASSETS), "Name of the file."),
    "folder": _path_parameter("folder", enumeration(_FOLDERS), "Folder of the file."),
    "file": _path_parameter("file", enumeration(_FILES), "Name of the file."),
}
_COMMON_PARAMETERS: Final = {
    "request_id": {
        "name": "X-Request-Id",
        "in": "header",
        "description": "Identifies the request in the log: up to 128 letters, digits and `._:-`. "
        "Any other value is ignored.",
        "schema": STRING,
    },
    "traceparent": {
        "name": "traceparent",
        "in": "header",
        "description": "W3C trace context. The log and the import record it.",
        "schema": STRING,
    },
}
_PAGING_PARAMETERS: Final = {
    "limit": query_parameter(
        "limit",
        {
            "type": "integer",
            "minimum": 1,
            "maximum": pagination.MAX_LIMIT,
            "default": pagination.DEFAULT_LIMIT,
        },
        "Largest number of items on the page.",
    ),
    "cursor": query_parameter(
        "cursor",
        describe(STRING, "Opaque."),
        "Position of the page, from the `next` of the previous page.",
    ),
}


def _paths() -> Json:
    of_client = import_operations.PATHS | project_operations.PATHS | label_operations.PATHS
    paths = {CLIENT + path: methods for path, methods in of_client.items()}
    return {
        path: _add_parameters(path, methods)
        for path, methods in (paths | service_operations.PATHS).items()
    }


def _add_parameters(path: str, methods: Json) -> Json:
    """Return a path with the parameters that all its methods have."""
    names = [name for name in _PATH_PARAMETERS if f"{{{name}}}" in path]
    return {
        "parameters": [
            {"$ref": f"#/components/parameters/{name}"} for name in (*names, *_COMMON_PARAMETERS)
        ],
        **methods,
    }


@cache
def document() -> Json:
    """Return the document, which must not be changed."""
    return {
        "openapi": OPENAPI,
        "info": {
            "title": "Project Bulk Import",
            "version": version("project-bulk-import"),
            "summary": "Import files with many project plans, with an outcome for each.",
            "description": _ABOUT,
            "license": {"name": "Apache 2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/", "description": "The server that serves this document."}],
        "tags": _TAGS,
        "paths": _paths(),
        "components": {
            "schemas": import_schemas.schemas(),
            "parameters": _PATH_PARAMETERS | _COMMON_PARAMETERS | _PAGING_PARAMETERS,
            "headers": operations.HEADERS,
            "responses": operations.error_responses(),
            "securitySchemes": {
                BEARER: {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": _TOKEN,
                }
            },
        },
    }


@cache
def document_json() -> bytes:
    """Return the document as JSON."""
    return orjson.dumps(document())
