"""The envelope of all JSON answers: ``status``, ``code``, ``message``, ``details``, and more."""

import random
from collections.abc import Mapping
from typing import Any, Final

import orjson
from aiohttp import hdrs, web

from service.errors import (
    MethodNotAllowed,
    NotFound,
    PayloadTooLarge,
    ServiceError,
    TooManyRequests,
    Unavailable,
)

JSON: Final = "application/json"
SECURITY_HEADERS: Final = {
    hdrs.CACHE_CONTROL: "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""Defaults for every answer: no proxy stores it, and no browser runs, frames or sniffs it. The
proxy that terminates TLS adds ``Strict-Transport-Security``."""
NO_PATH: Final = "there is no such path; /docs lists all"
_TRY_LATER: Final = (TooManyRequests.status, Unavailable.status)
_PAUSE: Final = (5, 15)
"""Least and most seconds of ``Retry-After``."""


def respond(
    code: int,
    message: str,
    details: Any,
    *,
    status: str = "success",
    fields: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> web.Response:
    """Return an answer in the envelope.

    Args:
        code: HTTP status, repeated in the envelope.
        message: fixed text for the status.
        details: the content; a string if ``status`` is ``error``.
        status: ``success``, ``accepted`` or ``error``.
        fields: further members of the envelope.
        headers: headers of the answer.
    """
    body = {"status": status, "code": code, "message": message, "details": details}
    return web.Response(
        status=code,
        body=orjson.dumps(body | dict(fields or {})),
        content_type=JSON,
        charset="utf-8",
        headers=headers,
    )


def retry_after() -> str:
    """Return a random ``Retry-After``, so that refused clients do not return all at once."""
    return str(random.randint(*_PAUSE))


def add_security_headers(response: web.StreamResponse) -> None:
    """Add the headers of every answer; ``Server`` reveals no versions."""
    for name, value in SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers[hdrs.SERVER] = "bulk-import"


def error_response(error: ServiceError) -> web.Response:
    """Return the answer to an error, with ``Retry-After`` if a later attempt may succeed."""
    headers = error.headers
    if error.status in _TRY_LATER:
        headers = {hdrs.RETRY_AFTER: retry_after()} | headers
    return respond(
        error.status,
        error.message,
        error.details,
        status="error",
        fields=error.fields,
        headers=headers,
    )


def aiohttp_error_response(exc: web.HTTPException) -> web.Response:
    """Return our answer to an error of aiohttp, because aiohttp's text may echo the request."""
    if exc.status == NotFound.status:
        return error_response(NotFound(NO_PATH))
    if exc.status == MethodNotAllowed.status:
        return error_response(MethodNotAllowed(exc.headers.get("Allow", "")))
    if exc.status == PayloadTooLarge.status:
        return error_response(PayloadTooLarge("The request's body is larger than allowed"))
    return respond(exc.status, exc.reason, exc.reason, status="error")
