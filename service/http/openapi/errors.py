"""The errors as answers: each class of ``service.errors`` once."""

from collections.abc import Iterable
from typing import Final

from service import errors
from service.errors import ServiceError
from service.http.openapi.parts import INTEGER, STRING, Json, ref, said, schema
from service.http.responses import JSON

HEADERS: Final[Json] = {
    "X-Request-Id": {
        "description": "The request's own, or a new one: by it the request is found in the log.",
        "schema": STRING,
    },
    "Location": {
        "description": "Where the import is found.",
        "schema": {"type": "string", "format": "uri-reference"},
    },
    "Retry-After": {
        "description": "Seconds to wait, jittered.",
        "schema": {"type": "integer", "minimum": 1},
    },
    "WWW-Authenticate": {
        "description": "How to authenticate.",
        "schema": {"const": "Bearer"},
    },
    "Allow": {"description": "The methods that there are.", "schema": STRING},
    "Vary": {"description": "The answer depends on it.", "schema": {"const": "Accept"}},
    "Content-Disposition": {"description": "A name for the file.", "schema": STRING},
    "Content-Length": {"description": "In bytes.", "schema": said(INTEGER, "In bytes.")},
}

_WITH: Final = {
    errors.Unauthorized.status: ("WWW-Authenticate",),
    errors.MethodNotAllowed.status: ("Allow",),
    errors.NotAcceptable.status: ("Vary",),
    errors.TooManyRequests.status: ("Retry-After",),
    errors.Unavailable.status: ("Retry-After",),
}
"""Headers that an error of a status always has, beside ``X-Request-Id``."""


def headers(always: Iterable[str] = (), sometimes: Iterable[str] = ()) -> Json:
    """The headers of an answer."""
    told = {name: ref("headers", name) for name in ("X-Request-Id", *sometimes)}
    for name in ("X-Request-Id", *always):
        told[name] = {**HEADERS[name], "required": True}
    return told


def every() -> dict[int, type[ServiceError]]:
    """The class of each status; the first one below the root, whose words are the common ones."""
    found: dict[int, type[ServiceError]] = {}
    for kind in ServiceError.__subclasses__():
        found[kind.status] = kind
    return dict(sorted(found.items()))


def response(
    status: int, description: str = "", *, examples: Json, sometimes: Iterable[str] = ()
) -> Json:
    """An error as an answer.

    Args:
        description: when it is given; by default what the class says of itself.
        sometimes: headers that it may have.
    """
    kind = every()[status]
    words = description or (kind.__doc__ or "").split("\n")[0].replace("``", "`")
    body: Json = {"schema": schema("Error")}
    if examples:
        body["examples"] = examples
    return {
        "description": words,
        "headers": headers(_WITH.get(status, ()), sometimes),
        "content": {JSON: body},
    }
