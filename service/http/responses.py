"""The one shape of answers: ``status``, ``code``, ``message``, ``details``, and what is beside."""

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
"""On every answer that does not say otherwise: no proxy keeps a client's data, and no browser runs,
frames or guesses at it. ``Strict-Transport-Security`` is for whoever ends TLS."""
_TRY_LATER: Final = (TooManyRequests.status, Unavailable.status)
_PAUSE: Final = (5, 15)
"""Seconds of a ``Retry-After``, at least and at most."""


def respond(
    code: int,
    message: str,
    details: Any,
    *,
    status: str = "success",
    fields: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> web.Response:
    """An answer in the envelope.

    Args:
        code: the HTTP status, which the envelope repeats.
        details: what is told; a string where ``status`` is ``error``.
        fields: members beside ``details``.
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
    """When to ask again: jittered, so that those who were refused together do not come together."""
    return str(random.randint(*_PAUSE))


def add_security_headers(response: web.StreamResponse) -> None:
    """Add what every answer has, and leave out which versions answer."""
    for name, value in SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers[hdrs.SERVER] = "bulk-import"


def error_response(error: ServiceError) -> web.Response:
    """The answer that an error carries, with ``Retry-After`` where a later try may succeed."""
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
    """The answer for what aiohttp itself refuses, whose own text may echo the request."""
    if exc.status == NotFound.status:
        return error_response(NotFound())
    if exc.status == MethodNotAllowed.status:
        return error_response(MethodNotAllowed(headers={"Allow": exc.headers.get("Allow", "")}))
    if exc.status == PayloadTooLarge.status:
        return error_response(PayloadTooLarge("The request's body is larger than allowed"))
    return respond(exc.status, exc.reason, exc.reason, status="error")
