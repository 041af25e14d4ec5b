"""Gives each request an id, a log record and metrics, and turns each failure into a response."""

import re
import secrets
import time
from contextlib import AbstractContextManager, nullcontext
from typing import Final

import structlog
from aiohttp import HttpVersion10, hdrs, web
from aiohttp.typedefs import Handler

from service.errors import ExpectationFailed, InternalError, ServiceError
from service.http import app_keys
from service.http.auth.permissions import CLAIMS
from service.http.responses import add_security_headers, aiohttp_error_response, error_response
from service.http.streaming import BrokenAnswer
from service.observability import metrics, tracing

REQUEST_ID_HEADER: Final = "X-Request-Id"
REQUEST_ID: Final = web.RequestKey("request_id", str)
_SANE_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}", re.ASCII)
_TRACEPARENT: Final = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")

log = structlog.get_logger(__name__)


def new_request_id() -> str:
    """Return a random request id."""
    return secrets.token_hex(16)


def traceparent(request: web.Request) -> str | None:
    """Return the W3C trace context of the request, or None."""
    header = request.headers.get("traceparent", "")
    return header if _TRACEPARENT.fullmatch(header) else None


@web.middleware
async def handle_request(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer the request in every case, then discard the rest of its body."""
    started = time.monotonic()
    header = request.headers.get(REQUEST_ID_HEADER, "")
    request[REQUEST_ID] = header if _SANE_ID.fullmatch(header) else new_request_id()
    traced = {} if (trace := traceparent(request)) is None else {"traceparent": trace}
    fields = {"request_id": request[REQUEST_ID], **traced}
    with (
        _span(request),
        structlog.contextvars.bound_contextvars(**fields, **tracing.log_fields()),
    ):
        try:
            response = await _answer(request, handler)
        except ConnectionError as exc:  # nothing more can be sent
            status = exc.status if isinstance(exc, BrokenAnswer) else metrics.CLIENT_GONE
            _record(request, status, started)
            raise
        if CLAIMS not in request:
            await request.app[app_keys.ANSWER_PACE].wait(lambda: request.transport is None)
        _record(request, response.status, started)
        if not request.content.is_eof():
            await response.prepare(request)
            await response.write_eof()
            await _discard_body(request)
    return response


def _record(request: web.Request, status: int, started: float) -> None:
    """Log and count a request, by its route and the status of its response."""
    seconds = time.monotonic() - started
    route = request.match_info.route
    if route.resource is not None:
        metrics.count_answer(route.method, route.resource.canonical, status, seconds)
    tracing.record_status(status)
    log.info(
        "http.answered",
        method=request.method,
        path=request.path,
        status=status,
        seconds=round(seconds, 3),
    )


def _span(request: web.Request) -> AbstractContextManager[None]:
    """Return the span of the request; probes and static files have none."""
    resource = request.match_info.route.resource
    if resource is None or not resource.canonical.startswith("/api/"):
        return nullcontext()
    return tracing.request_span(request.method, resource.canonical, request.headers)


async def _answer(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Return the answer of the handler, or to its exception.

    Raises:
        ConnectionError: the connection is closed, so there is nobody to answer.
    """
    try:
        _check_expectation(request)
        return await handler(request)
    except ServiceError as exc:
        return error_response(exc)
    except web.HTTPException as exc:
        return aiohttp_error_response(exc)
    except Exception as exc:
        closed = request.transport is None or request.transport.is_closing()
        if isinstance(exc, ConnectionError) and closed:
            raise
        log.error("http.failed", exc_info=exc)
        return error_response(InternalError())


def _check_expectation(request: web.Request) -> None:
    expected = request.headers.get(hdrs.EXPECT, "100-continue")
    if request.version > HttpVersion10 and expected.lower() != "100-continue":
        raise ExpectationFailed


async def defer_expectation(request: web.Request) -> None:
    """Do nothing: aiohttp's default would send ``100 Continue`` before the middlewares run.

    The route calls ``send_continue`` instead, after it has authorised the request.
    """


async def send_continue(request: web.Request) -> None:
    """Send ``100 Continue`` if the client waits for it."""
    if request.version > HttpVersion10 and hdrs.EXPECT in request.headers:
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0  # otherwise aiohttp assumes that the answer has begun


async def finish_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Add the request id and security headers to an answer before it is sent.

    The connection is closed after the answer if the request's body is unread, if only the end of
    the connection marks the end of the answer, or if the service is shutting down: a proxy then
    sends its next request to another replica.
    """
    add_security_headers(response)
    if request_id := request.get(REQUEST_ID):
        response.headers[REQUEST_ID_HEADER] = request_id
    endless = request.version <= HttpVersion10 and response.content_length is None
    draining = request.app[app_keys.MANAGER].draining
    if endless or draining or not request.content.is_eof():
        response.force_close()
        response.headers[hdrs.CONNECTION] = "close"


async def _discard_body(request: web.Request) -> None:
    settings = request.app[app_keys.SETTINGS]
    authenticated = CLAIMS in request
    await request.app[app_keys.BODY_DRAIN].discard(
        request,
        seconds=settings.upload_timeout if authenticated else settings.refused_timeout,
        silence=settings.idle_timeout,
        size=settings.max_upload_bytes if authenticated else settings.refused_bytes,
    )
