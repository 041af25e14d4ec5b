"""The schedule checks of a project."""

from functools import partial
from typing import Any

from aiohttp import web

from service.errors import BadRequest, no_project
from service.http import app_keys, pagination
from service.http.app_keys import run_query
from service.http.auth.permissions import authorise, parse_id
from service.http.responses import respond
from service.projects.checks import CHECKS, Check, read_checks
from service.projects.records import VersionGone


async def list_checks(request: web.Request) -> web.Response:
    """Answer with the checks of a project's current version, each with its first findings."""
    caller = await authorise(request, request.app[app_keys.SETTINGS].read_scope)
    query = request.query
    pagination.check_parameters(query, "check", "limit", "cursor")
    limit, after = pagination.parse_limit(query), pagination.parse_cursor(query)
    names = _parse_check(query.get("check"))
    if "cursor" in query and len(names) > 1:
        raise BadRequest("cursor needs the parameter `check`")
    project_id = parse_id(request.match_info["project_id"], "project_id")
    read = partial(
        read_checks,
        client_id=caller.client_id,
        project_id=project_id,
        names=names,
        after=after,
        limit=limit,
    )
    async with request.app[app_keys.READ_SLOTS].of(caller.client_id):
        try:
            found = await run_query(request.app, read)
        except VersionGone:
            raise no_project(project_id) from None
    checks = [_format_check(request, check, limit) for check in found.checks]
    return respond(200, "Checks", {"version": found.version, "checks": checks})


def _parse_check(name: str | None) -> tuple[str, ...]:
    if name is None:
        return CHECKS
    if name not in CHECKS:
        raise BadRequest(f"check must be one of {', '.join(CHECKS)}")
    return (name,)


def _format_check(request: web.Request, check: Check, limit: int) -> dict[str, Any]:
    following = None
    if len(check.tasks) == limit:
        one = {"check": check.summary["name"]}
        following = pagination.next_page_url(request, (), limit, check.last, one)
    return check.summary | {"tasks": check.tasks, "next": following}
