"""``POST …/imports/{import_id}/undo``: put back what an import has changed."""

from aiohttp import web

from service.api import keys, paging
from service.api.asking import asking, refuse_running
from service.api.auth import authorise
from service.api.imports import find
from service.api.multistatus import answer
from service.api.uploads import Asked
from service.errors import Conflict
from service.importer.options import Options


async def undo(request: web.Request) -> web.StreamResponse:
    """Undo an import, by an import of its own: its answer is as that of an upload."""
    app = request.app
    caller = await authorise(request, app[keys.SETTINGS].undo_scope)
    paging.only(request.query)
    found = await find(request, caller)
    if found["state"] == "running":
        raise Conflict("The import is running: cancel it, or wait for its end")
    if found["options"].get("dry_run"):
        raise Conflict("The import was a dry run, which changes nothing")
    asked = asking(request, caller, Options(undo=found["import_id"]))
    await refuse_running(request, asked)
    return await answer(request, Asked(asked, app[keys.IMPORTER]))
