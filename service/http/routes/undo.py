"""``POST …/imports/{import_id}/undo``: put back what an import has changed."""

from aiohttp import web

from service.errors import Conflict
from service.http import app_keys, pagination
from service.http.auth.permissions import authorise
from service.http.routes.imports import find_import
from service.http.upload.job import ImportJob
from service.http.upload.multistatus import respond_to_import
from service.http.upload.request import parse_request, refuse_running
from service.imports.options import ImportOptions


async def undo_import(request: web.Request) -> web.StreamResponse:
    """Undo an import, by an import of its own: its answer is as that of an upload."""
    app = request.app
    caller = await authorise(request, app[app_keys.SETTINGS].undo_scope)
    pagination.check_parameters(request.query)
    found = await find_import(request, caller)
    if found["state"] == "running":
        raise Conflict("The import is running: cancel it, or wait for its end")
    if found["options"].get("dry_run"):
        raise Conflict("The import was a dry run, which changes nothing")
    asked = parse_request(request, caller, ImportOptions(undo=found["import_id"]))
    await refuse_running(request, asked)
    return await respond_to_import(request, ImportJob(asked, app[app_keys.MANAGER]))
