"""What every request for an import has, whatever it asks for."""

from aiohttp import web

from service import tracing
from service.api import keys
from service.api.auth import Caller
from service.api.options import idempotency_key
from service.api.requests import REQUEST_ID, traceparent
from service.api.uploads import in_progress
from service.importer.claims import InProgress
from service.importer.lifecycle import Request
from service.importer.options import Options


def asking(request: web.Request, caller: Caller, options: Options) -> Request:
    """Who asks for an import, and how.

    Raises:
        BadRequest: its key is malformed.
    """
    return Request(
        caller.client_id,
        caller.subject,
        request[REQUEST_ID],
        traceparent(request) or tracing.traceparent(),
        options,
        idempotency_key(request),
    )


async def refuse_running(request: web.Request, asked: Request) -> None:
    """Find out before anything is read.

    Raises:
        Conflict: an import under the same key is running.
        Unavailable: the database stays away.
    """
    try:
        await request.app[keys.IMPORTER].refuse_running(asked)
    except InProgress as other:
        raise in_progress(asked.client_id, other.import_id) from None
