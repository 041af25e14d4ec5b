"""Counts imports that could not begin, for the objective of imports."""

import functools

from aiohttp import web
from aiohttp.typedefs import Handler

from service.errors import ServiceError, TooManyRequests
from service.observability.metrics import IMPORTS_REFUSED, Cause


def count_refusals(handler: Handler) -> Handler:
    """Wrap the handler of an upload or an undo.

    A request that is wrong is not counted. An error with ``import_id`` is one of an import that
    began, and its end is counted.
    """

    @functools.wraps(handler)
    async def counted(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except ServiceError as exc:
            if isinstance(exc, TooManyRequests):
                IMPORTS_REFUSED.labels(Cause.CLIENT).inc()
            elif exc.status >= 500 and "import_id" not in exc.fields:
                IMPORTS_REFUSED.labels(Cause.SERVICE).inc()
            raise
        except (ConnectionError, web.HTTPException):
            raise
        except Exception:
            IMPORTS_REFUSED.labels(Cause.SERVICE).inc()
            raise

    return counted
