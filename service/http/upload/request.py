"""What every request for an import has, whatever it asks for."""

from aiohttp import web

from service.http import app_keys
from service.http.auth.permissions import Caller
from service.http.middleware import REQUEST_ID, traceparent
from service.http.upload.job import import_in_progress
from service.http.upload.options import parse_idempotency_key
from service.imports.idempotency import ImportInProgress
from service.imports.options import ImportOptions
from service.imports.record import ImportRequest
from service.observability import tracing


def parse_request(request: web.Request, caller: Caller, options: ImportOptions) -> ImportRequest:
    """Who asks for an import, and how.

    Raises:
        BadRequest: its key is malformed.
    """
    return ImportRequest(
        caller.client_id,
        caller.subject,
        request[REQUEST_ID],
        traceparent(request) or tracing.traceparent(),
        options,
        parse_idempotency_key(request),
    )


async def refuse_running(request: web.Request, asked: ImportRequest) -> None:
    """Find out before anything is read.

    Raises:
        Conflict: an import under the same key is running.
        Unavailable: the database stays away.
    """
    try:
        await request.app[app_keys.MANAGER].refuse_running(asked)
    except ImportInProgress as other:
        raise import_in_progress(asked.client_id, other.import_id) from None
