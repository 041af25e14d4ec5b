"""``POST …/imports/{import_id}/undo``: restore the projects that an import changed."""

from aiohttp import web

from service.errors import Conflict
from service.http import app_keys, pagination
from service.http.auth.permissions import authorise
from service.http.routes.imports import find_import
from service.http.upload.job import UndoJob, parse_request
from service.http.upload.multistatus import respond_to_import
from service.imports.options import ImportOptions
from service.imports.undo import OUTCOMES_PRUNED


async def undo_import(request: web.Request) -> web.StreamResponse:
    """Undo an import. The undo is an import too, so its response is that of an upload."""
    app = request.app
    caller = await authorise(request, app[app_keys.SETTINGS].undo_scope)
    pagination.check_parameters(request.query)
    details = await find_import(request, caller)
    if details["state"] == "running":
        raise Conflict("The import is running: cancel it, or wait for its end")
    if details["options"].get("dry_run"):
        raise Conflict("The import was a dry run, which changes nothing")
    if details["undoable_until"] is None:
        raise Conflict(OUTCOMES_PRUNED)
    import_request = parse_request(request, caller, ImportOptions(undo=details["import_id"]))
    return await respond_to_import(request, UndoJob(import_request, app[app_keys.MANAGER]))
