"""Builds operations: scopes, parameters, and each response with its examples."""

from collections.abc import Iterable, Mapping
from importlib.resources import files
from typing import Any, Final, NamedTuple

import orjson

from service import errors
from service.errors import ServiceError
from service.http.openapi.json_schema import STRING, Json, default_of, ref, schema
from service.http.responses import JSON

BEARER: Final = "bearer"
READ: Final[str] = default_of("read_scope")
IMPORT: Final[str] = default_of("import_scope")
UNDO: Final[str] = default_of("undo_scope")
DELETE: Final[str] = default_of("delete_scope")
BREAK: Final[str] = default_of("break_scope")

CLIENT_ERRORS: Final = (400, 401, 403, 404, 417, 500, 503)
"""Errors of every operation on behalf of a client."""

COMMON: Final = "errors"
"""Name of the file with the examples that operations share."""

HEADERS: Final[Json] = {
    "X-Request-Id": {
        "description": "Identifies the request in the log: the value that the request sent, or a "
        "new one.",
        "schema": STRING,
    },
    "Location": {
        "description": "Address of the import.",
        "schema": {"type": "string", "format": "uri-reference"},
    },
    "Retry-After": {
        "description": "Seconds to wait before the next attempt. The value varies at random, so "
        "that clients do not return at the same moment.",
        "schema": {"type": "integer", "minimum": 1},
    },
    "WWW-Authenticate": {
        "description": "Authentication scheme to use.",
        "schema": {"const": "Bearer"},
    },
    "Allow": {"description": "Methods that the path has.", "schema": STRING},
    "Vary": {
        "description": "Request header that selects the response.",
        "schema": {"enum": ["Accept", "Prefer"]},
    },
    "Preference-Applied": {
        "description": "Preferences of the request that the service followed.",
        "schema": {"type": "string", "pattern": "^respond-async(, wait=[1-9][0-9]?)?$"},
    },
    "Content-Disposition": {"description": "File name for the download.", "schema": STRING},
    "Content-Length": {
        "description": "Size of the body in bytes.",
        "schema": {"type": "integer", "description": "Bytes."},
    },
}

_ERROR_HEADERS: Final = {
    errors.Unauthorized.status: ("WWW-Authenticate",),
    errors.MethodNotAllowed.status: ("Allow",),
    errors.NotAcceptable.status: ("Vary",),
    errors.TooManyRequests.status: ("Retry-After",),
    errors.Unavailable.status: ("Retry-After",),
}
"""Headers that every error of a status has, in addition to ``X-Request-Id``."""

_EXAMPLES: Final = files("service.http.openapi") / "examples"


class Success(NamedTuple):
    """A response that is not an error.

    Attributes:
        description: when the operation returns it.
        content: schema by media type; empty if there is no body.
        always: headers in addition to ``X-Request-Id``.
        sometimes: headers that it can have.
        links: operations to call next.
    """

    description: str
    content: Mapping[str, Json]
    always: tuple[str, ...] = ()
    sometimes: tuple[str, ...] = ()
    links: Json | None = None


def json_response(description: str, kind: Json, *always: str, links: Json | None = None) -> Success:
    """Return a successful response in JSON."""
    return Success(description, {JSON: kind}, always, links=links)


def operation(
    name: str,
    tag: str,
    summary: str,
    description: str,
    *,
    successes: Mapping[int, Success],
    failures: Mapping[int, str] | Iterable[int] = (),
    scopes: Iterable[str] = (),
    error_headers: Mapping[int, tuple[str, ...]] | None = None,
    **more: Any,
) -> Json:
    """Return one operation.

    Args:
        name: its ``operationId``, which also names the file of its examples.
        successes: responses that are not errors, by status.
        failures: errors in addition to the common ones, with a description or an empty one.
        scopes: any one of them allows the operation; without scopes it is public.
        error_headers: headers that an error of a status can have.
        more: ``parameters``, ``requestBody``.
    """
    examples = read_examples(name)
    special = dict(failures) if isinstance(failures, Mapping) else dict.fromkeys(failures, "")
    described = dict.fromkeys(CLIENT_ERRORS if scopes else (417,), "") | special
    responses: Json = {}
    for status, success in successes.items():
        responses[str(status)] = _success(success, examples.get(str(status), []))
    for status, text in sorted(described.items()):
        headers = (error_headers or {}).get(status, ())
        responses[str(status)] = _failure(status, text, examples.get(str(status), []), headers)
    return {
        "operationId": name,
        "tags": [tag],
        "summary": summary,
        "description": description,
        "security": [{BEARER: [scope]} for scope in scopes],
        **more,
        "responses": responses,
    }


def error_responses() -> Json:
    """Return the response of each status, for all operations that do not describe it."""
    examples = read_examples(COMMON)
    return {
        kind.__name__: _error(status, "", examples.get(str(status), []))
        for status, kind in _errors_by_status().items()
    }


def read_examples(name: str) -> dict[str, list[Json]]:
    """Return the recorded examples of an operation, or the ``COMMON`` ones, by status."""
    file = _EXAMPLES / f"{name}.json"
    recorded: dict[str, list[Json]] = orjson.loads(file.read_bytes()) if file.is_file() else {}
    return recorded


def _success(success: Success, examples: list[Json]) -> Json:
    content = {
        media: {"schema": kind, **_examples(each for each in examples if each["media"] == media)}
        for media, kind in success.content.items()
    }
    return {
        "description": success.description,
        "headers": _headers(success.always, success.sometimes),
        **({"content": content} if content else {}),
        **({"links": success.links} if success.links else {}),
    }


def _failure(status: int, description: str, examples: list[Json], headers: tuple[str, ...]) -> Json:
    if not (description or examples or headers):
        return ref("responses", _errors_by_status()[status].__name__)
    return _error(
        status, description, examples or read_examples(COMMON).get(str(status), []), headers
    )


def _error(
    status: int, description: str, examples: Iterable[Json], sometimes: Iterable[str] = ()
) -> Json:
    """Return an error; without a description, it lists the causes of its class."""
    causes = [cause.cause for cause in _errors_by_status()[status].causes]
    return {
        "description": description or "\n\n".join(causes),
        "headers": _headers(_ERROR_HEADERS.get(status, ()), sometimes),
        "content": {JSON: {"schema": schema("Error"), **_examples(examples)}},
    }


def _errors_by_status() -> dict[int, type[ServiceError]]:
    """Return the class of each status: the direct subclasses of ``ServiceError``."""
    found = {kind.status: kind for kind in ServiceError.__subclasses__()}
    return dict(sorted(found.items()))


def _headers(always: Iterable[str], sometimes: Iterable[str]) -> Json:
    headers = {name: ref("headers", name) for name in sometimes}
    for name in ("X-Request-Id", *always):
        headers[name] = {**HEADERS[name], "required": True}
    return headers


def _examples(examples: Iterable[Json]) -> Json:
    named = {
        each["name"]: {"summary": each["summary"], "value": each["value"]} for each in examples
    }
    return {"examples": named} if named else {}
