"""Every route, and what answers where there is none."""

from typing import Final

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from service.errors import MethodNotAllowed, NotFound
from service.http.middleware import defer_expectation
from service.http.routes import (
    bulk,
    docs,
    health,
    imports,
    listing,
    locks,
    page,
    projects,
    results,
    schema,
    undo,
)

CLIENT: Final = "/api/v2/clients/{client_id}"

ROUTES: Final[dict[str, dict[str, Handler]]] = {
    f"{CLIENT}/projects/bulk": {hdrs.METH_POST: bulk.import_projects},
    f"{CLIENT}/projects": {hdrs.METH_GET: listing.list_projects},
    f"{CLIENT}/projects/{{project_id}}": {
        hdrs.METH_GET: projects.read_project,
        hdrs.METH_DELETE: locks.archive,
    },
    f"{CLIENT}/projects/{{project_id}}/versions": {hdrs.METH_GET: projects.list_versions},
    f"{CLIENT}/projects/{{project_id}}/versions/{{version}}": {
        hdrs.METH_GET: projects.read_version
    },
    f"{CLIENT}/projects/{{project_id}}/lock": {
        hdrs.METH_GET: locks.read_lock,
        hdrs.METH_PUT: locks.take_lock,
        hdrs.METH_DELETE: locks.release_lock,
    },
    f"{CLIENT}/imports": {hdrs.METH_GET: imports.list_imports},
    f"{CLIENT}/imports/{{import_id}}": {hdrs.METH_GET: imports.read_import},
    f"{CLIENT}/imports/{{import_id}}/cancel": {hdrs.METH_POST: imports.cancel_import},
    f"{CLIENT}/imports/{{import_id}}/undo": {hdrs.METH_POST: undo.undo_import},
    f"{CLIENT}/imports/{{import_id}}/results": {hdrs.METH_GET: results.list_results},
    "/healthz": {hdrs.METH_GET: health.healthz},
    "/readyz": {hdrs.METH_GET: health.readyz},
    "/metrics": {hdrs.METH_GET: health.read_metrics},
    "/schema/native.xsd": {hdrs.METH_GET: schema.native_schema},
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
            resource.add_route(method, handler, expect_handler=defer_expectation)
        if hdrs.METH_GET in handlers:
            resource.add_route(
                hdrs.METH_HEAD, handlers[hdrs.METH_GET], expect_handler=defer_expectation
            )
        resource.add_route(
            hdrs.METH_ANY, _refuse_method(handlers), expect_handler=defer_expectation
        )
    router.add_route(hdrs.METH_ANY, "/{path:.*}", _nothing, expect_handler=defer_expectation)


def _refuse_method(handlers: dict[str, Handler]) -> Handler:
    allowed = set(handlers) | ({hdrs.METH_HEAD} if hdrs.METH_GET in handlers else set())

    async def refuse(request: web.Request) -> web.StreamResponse:
        raise MethodNotAllowed(headers={hdrs.ALLOW: ", ".join(sorted(allowed))})

    return refuse


async def _nothing(request: web.Request) -> web.StreamResponse:
    raise NotFound
