"""Every route, and what answers where there is none."""

from typing import Final

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from service.api import (
    bulk,
    docs,
    health,
    imports,
    listing,
    locks,
    page,
    projects,
    results,
    undo,
    xsd,
)
from service.api.requests import leave_expectation
from service.errors import MethodNotAllowed, NotFound

CLIENT: Final = "/api/v2/clients/{client_id}"

ROUTES: Final[dict[str, dict[str, Handler]]] = {
    f"{CLIENT}/projects/bulk": {hdrs.METH_POST: bulk.bulk},
    f"{CLIENT}/projects": {hdrs.METH_GET: listing.listed},
    f"{CLIENT}/projects/{{project_id}}": {
        hdrs.METH_GET: projects.one,
        hdrs.METH_DELETE: locks.put_away,
    },
    f"{CLIENT}/projects/{{project_id}}/versions": {hdrs.METH_GET: projects.versions},
    f"{CLIENT}/projects/{{project_id}}/versions/{{version}}": {hdrs.METH_GET: projects.version},
    f"{CLIENT}/projects/{{project_id}}/lock": {
        hdrs.METH_GET: locks.see,
        hdrs.METH_PUT: locks.take,
        hdrs.METH_DELETE: locks.give_back,
    },
    f"{CLIENT}/imports": {hdrs.METH_GET: imports.listed},
    f"{CLIENT}/imports/{{import_id}}": {hdrs.METH_GET: imports.one},
    f"{CLIENT}/imports/{{import_id}}/cancel": {hdrs.METH_POST: imports.cancel},
    f"{CLIENT}/imports/{{import_id}}/undo": {hdrs.METH_POST: undo.undo},
    f"{CLIENT}/imports/{{import_id}}/results": {hdrs.METH_GET: results.results},
    "/healthz": {hdrs.METH_GET: health.healthz},
    "/readyz": {hdrs.METH_GET: health.readyz},
    "/metrics": {hdrs.METH_GET: health.metrics},
    "/schema/native.xsd": {hdrs.METH_GET: xsd.native},
    "/openapi.json": {hdrs.METH_GET: docs.openapi_json},
    "/docs": {hdrs.METH_GET: docs.page},
    "/docs/{asset}": {hdrs.METH_GET: docs.asset},
    "/": {hdrs.METH_GET: page.page},
    "/page/{file}": {hdrs.METH_GET: page.asset},
}


def add_routes(router: web.UrlDispatcher) -> None:
    """Add all of them.

    aiohttp's own answers to an unknown path or method say ``100 Continue`` to whoever waits for it,
    before they say that there is nothing; so both have routes here.
    """
    for path, handlers in ROUTES.items():
        resource = router.add_resource(path)
        for method, handler in handlers.items():
            resource.add_route(method, handler, expect_handler=leave_expectation)
        if hdrs.METH_GET in handlers:
            resource.add_route(
                hdrs.METH_HEAD, handlers[hdrs.METH_GET], expect_handler=leave_expectation
            )
        resource.add_route(
            hdrs.METH_ANY, _refuse_method(handlers), expect_handler=leave_expectation
        )
    router.add_route(hdrs.METH_ANY, "/{path:.*}", _nothing, expect_handler=leave_expectation)


def _refuse_method(handlers: dict[str, Handler]) -> Handler:
    allowed = set(handlers) | ({hdrs.METH_HEAD} if hdrs.METH_GET in handlers else set())

    async def refuse(request: web.Request) -> web.StreamResponse:
        raise MethodNotAllowed(headers={hdrs.ALLOW: ", ".join(sorted(allowed))})

    return refuse


async def _nothing(request: web.Request) -> web.StreamResponse:
    raise NotFound
