"""Labels of versions."""

import re
from typing import Final

from aiohttp import web

from service.errors import BadRequest
from service.http import app_keys
from service.http.app_keys import run_query
from service.http.auth.permissions import authorise
from service.http.json_body import read_member
from service.http.pagination import check_parameters
from service.http.responses import respond
from service.http.routes.locks import parse_project
from service.http.routes.versions import parse_version
from service.projects.labels import LabelRequest

LONGEST_LABEL: Final = 100
_CONTROLS: Final = r"\x00-\x1f\x7f-\x9f"
LABEL_PATTERN: Final = rf"^[^{_CONTROLS}]*[^\s{_CONTROLS}][^{_CONTROLS}]*$"
"""Text that is not blank and has no control characters."""
_LABEL: Final = re.compile(LABEL_PATTERN)


async def set_label(request: web.Request) -> web.Response:
    """Label a version, which pruning then keeps."""
    caller = await authorise(request, request.app[app_keys.SETTINGS].import_scope)
    check_parameters(request.query)
    project = parse_project(request, caller)
    version = parse_version(request.match_info["version"], "version")
    label = await read_member(request, "label", "Approved")
    if not isinstance(label, str) or len(label) > LONGEST_LABEL or not _LABEL.search(label):
        raise BadRequest(
            f"label must be text of 1 to {LONGEST_LABEL} characters without control characters"
        )
    done, new = await run_query(request.app, LabelRequest(project, version, label).run)
    assert done is not None
    details = {"project_id": project.project_id, "version": version, **done._asdict()}
    return respond(201 if new else 200, "Labelled", details)


async def remove_label(request: web.Request) -> web.Response:
    """Remove the label of a version, which pruning may then delete."""
    caller = await authorise(request, request.app[app_keys.SETTINGS].import_scope)
    check_parameters(request.query)
    project = parse_project(request, caller)
    version = parse_version(request.match_info["version"], "version")
    await run_query(request.app, LabelRequest(project, version, None).run)
    return web.Response(status=204)
