"""The OpenAPI document, put together: the one source of the routes' documentation."""

from functools import cache
from importlib.metadata import version
from typing import Final

import orjson

from service.http import pagination
from service.http.openapi import around, errors, imports, operations, projects, schemas
from service.http.openapi.operations import BEARER, BREAK, IMPORT, READ, UNDO
from service.http.openapi.parts import ID, STRING, Json, one_of, query, said
from service.web import ASSETS, PAGE

OPENAPI: Final = "3.1.1"
CLIENT: Final = "/api/v2/clients/{client_id}"

_ABOUT: Final = """\
Takes files with many project plans in XML, puts them into PostgreSQL, and tells for each project \
whether it landed and, if not, why and in which line.

Every answer has `status`, `code`, `message` and `details`, but for files; errors have the same \
shape. Every answer has `X-Request-Id`. Wherever there is a `GET` there is a `HEAD`. A parameter \
that is not known, or given twice, is a 400, as is a request that is not well-formed HTTP.

A 405 tells in `Allow` which methods a path has; a path that is not known is a 404. Lists have \
`limit` and a `next` in `details`: the address of the page behind this one, or null at the end.
"""

_TOKEN: Final = f"""\
A JSON Web Token (HS256 or RS256) with `exp`, with the ids of its clients, or `*`, in the claim \
`clients`, and with scopes in the claim `scope`: `{READ}` to read, `{IMPORT}` to import, archive, \
lock and cancel, `{UNDO}` to undo an import, `{BREAK}` to end the lock of somebody else. Claims \
and scopes can be named otherwise in the settings. Imports and locks are in the name of `sub`.
"""

_TAGS: Final = [
    {"name": imports.TAG, "description": "Upload files, and see what became of them."},
    {"name": projects.TAG, "description": "Read what is there, and put it away."},
    {"name": projects.LOCKS, "description": "Keep others from changing a project for a while."},
    {"name": around.TAG, "description": "Health, figures, and what describes the service."},
]


def _path(name: str, kind: Json, description: str) -> Json:
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": description,
        "schema": kind,
    }


_IN_PATH: Final = {
    "client_id": _path("client_id", ID, "The client on whose behalf; the token must name it."),
    "import_id": _path("import_id", ID, "From the answer to the upload, or from the list."),
    "project_id": _path("project_id", ID, "From an outcome, or from the list."),
    "version": _path("version", ID, "One of those that are kept."),
    "asset": _path("asset", one_of(ASSETS), "Its name."),
    "file": _path("file", one_of(PAGE), "Its name."),
}
_OF_ALL: Final = {
    "request_id": {
        "name": "X-Request-Id",
        "in": "header",
        "description": "Yours, to find the request in the log: up to 128 letters, digits and "
        "`._:-`. Another is passed over.",
        "schema": STRING,
    },
    "traceparent": {
        "name": "traceparent",
        "in": "header",
        "description": "W3C trace context; stands in the log, and with the import.",
        "schema": STRING,
    },
}
_IN_QUERY: Final = {
    "limit": query(
        "limit",
        {
            "type": "integer",
            "minimum": 1,
            "maximum": pagination.MAX_LIMIT,
            "default": pagination.DEFAULT_LIMIT,
        },
        "Items of a page.",
    ),
    "cursor": query(
        "cursor",
        said(STRING, "Opaque."),
        "From the `next` of the page before; means nothing to anybody else.",
    ),
}


def _paths() -> Json:
    ours = {CLIENT + path: methods for path, methods in (imports.PATHS | projects.PATHS).items()}
    return {
        path: _with_parameters(path, methods) for path, methods in (ours | around.PATHS).items()
    }


def _with_parameters(path: str, methods: Json) -> Json:
    """A path with the parameters that all of its methods have."""
    names = [name for name in _IN_PATH if f"{{{name}}}" in path] + list(_OF_ALL)
    return {
        "parameters": [{"$ref": f"#/components/parameters/{name}"} for name in names],
        **methods,
    }


@cache
def document() -> Json:
    """The document; nobody changes it."""
    return {
        "openapi": OPENAPI,
        "info": {
            "title": "Project Bulk Import",
            "version": version("project-bulk-import"),
            "summary": "Many project plans in XML, each with its own outcome.",
            "description": _ABOUT,
            "license": {"name": "Apache 2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/", "description": "The one that serves this document."}],
        "tags": _TAGS,
        "paths": _paths(),
        "components": {
            "schemas": schemas.schemas(),
            "parameters": _IN_PATH | _OF_ALL | _IN_QUERY,
            "headers": errors.HEADERS,
            "responses": operations.responses(),
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
def served() -> bytes:
    """The document as JSON."""
    return orjson.dumps(document())
