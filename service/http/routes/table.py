"""All routes, and the answers to unknown paths and methods."""

from typing import Final

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from service.errors import MethodNotAllowed, NotFound
from service.http import static
from service.http.middleware import defer_expectation
from service.http.responses import NO_PATH
from service.http.routes import (
    bulk,
    causes,
    checks,
    health,
    imports,
    labels,
    locks,
    projects,
    results,
    undo,
    versions,
)
from service.http.upload.refusals import count_refusals

CLIENT: Final = "/api/v2/clients/{client_id}"

Routes = dict[str, dict[str, Handler]]

PROBES: Final[Routes] = {
    "/healthz": {hdrs.METH_GET: health.healthz},
    "/readyz": {hdrs.METH_GET: health.readyz},
    "/metrics": {hdrs.METH_GET: health.read_metrics},
}
"""The routes that move to ``BULK_IMPORT_ADMIN_PORT`` if it is set."""

ROUTES: Final[Routes] = {
    f"{CLIENT}/projects/bulk": {hdrs.METH_POST: count_refusals(bulk.import_projects)},
    f"{CLIENT}/projects": {hdrs.METH_GET: projects.list_projects},
    f"{CLIENT}/projects/{{project_id}}": {
        hdrs.METH_GET: projects.read_project,
        hdrs.METH_DELETE: locks.archive,
    },
    f"{CLIENT}/projects/{{project_id}}/restore": {hdrs.METH_POST: locks.restore},
    f"{CLIENT}/projects/{{project_id}}/versions": {hdrs.METH_GET: versions.list_versions},
    f"{CLIENT}/projects/{{project_id}}/versions/{{version}}": {
        hdrs.METH_GET: versions.read_version
    },
    f"{CLIENT}/projects/{{project_id}}/checks": {hdrs.METH_GET: checks.list_checks},
    f"{CLIENT}/projects/{{project_id}}/versions/{{version}}/label": {
        hdrs.METH_PUT: labels.set_label,
        hdrs.METH_DELETE: labels.remove_label,
    },
    f"{CLIENT}/projects/{{project_id}}/lock": {
        hdrs.METH_GET: locks.read_lock,
        hdrs.METH_PUT: locks.take_lock,
        hdrs.METH_DELETE: locks.release_lock,
    },
    f"{CLIENT}/imports": {hdrs.METH_GET: imports.list_imports},
    f"{CLIENT}/imports/{{import_id}}": {hdrs.METH_GET: imports.read_import},
    f"{CLIENT}/imports/{{import_id}}/cancel": {hdrs.METH_POST: imports.cancel_import},
    f"{CLIENT}/imports/{{import_id}}/undo": {hdrs.METH_POST: count_refusals(undo.undo_import)},
    f"{CLIENT}/imports/{{import_id}}/results": {hdrs.METH_GET: results.list_results},
    f"{CLIENT}/imports/{{import_id}}/causes": {hdrs.METH_GET: causes.list_causes},
    **PROBES,
    "/schema/native.xsd": {hdrs.METH_GET: static.send_native_schema},
    "/schema/format.json": {hdrs.METH_GET: static.send_format_schema},
    "/openapi.json": {hdrs.METH_GET: static.send_openapi},
    "/docs": {hdrs.METH_GET: static.send_docs},
    "/docs/{asset}": {hdrs.METH_GET: static.send_docs_file},
    "/": {hdrs.METH_GET: static.send_page},
    "/page/{folder}/{file}": {hdrs.METH_GET: static.send_page_file},
}


def add_routes(router: web.UrlDispatcher, routes: Routes) -> None:
    """Add routes.

    aiohttp would send ``100 Continue`` before it answers an unknown path or method, so both have
    routes of their own here.
    """
    for path, handlers in routes.items():
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
    router.add_route(hdrs.METH_ANY, "/{path:.*}", _refuse_path, expect_handler=defer_expectation)


def _refuse_method(handlers: dict[str, Handler]) -> Handler:
    allowed = set(handlers) | ({hdrs.METH_HEAD} if hdrs.METH_GET in handlers else set())

    async def refuse(request: web.Request) -> web.StreamResponse:
        raise MethodNotAllowed(", ".join(sorted(allowed)))

    return refuse


async def _refuse_path(request: web.Request) -> web.StreamResponse:
    raise NotFound(NO_PATH)
