"""Locks on a project, archiving it and restoring it."""

from functools import partial
from typing import Any, Final

from aiohttp import web

from service.errors import BadRequest, Forbidden
from service.http import app_keys
from service.http.app_keys import run_query
from service.http.auth.permissions import (
    Caller,
    authenticate,
    authorise,
    lacks_scope,
    parse_id,
    parse_scopes,
)
from service.http.json_body import read_member
from service.http.pagination import check_parameters, parse_moment
from service.http.responses import respond
from service.projects import locks
from service.projects.archive import ArchiveRequest
from service.projects.locks import Lock, ProjectRequest, ReleaseRequest, TakeRequest

LONGEST_REASON: Final = 1000


async def read_lock(request: web.Request) -> web.Response:
    """Answer with the lock on the project, if there is one."""
    caller = await authorise(request, request.app[app_keys.SETTINGS].read_scope)
    check_parameters(request.query)
    project_id = _parse_project_id(request)
    lock = await run_query(
        request.app, partial(locks.read_lock, client_id=caller.client_id, project_id=project_id)
    )
    return respond(200, "Lock", _format_lock(lock))


async def take_lock(request: web.Request) -> web.Response:
    """Take the lock for a time, or extend it."""
    settings = request.app[app_keys.SETTINGS]
    caller = await authorise(request, settings.import_scope)
    check_parameters(request.query)
    project = parse_project(request, caller)
    _check_subject(caller)
    seconds = await _read_ttl(request, settings.max_lock_ttl)
    lock, new = await run_query(request.app, TakeRequest(project, seconds).run)
    code, message = (201, "Locked") if new else (200, "Lock extended")
    return respond(code, message, _format_lock(lock))


async def release_lock(request: web.Request) -> web.Response:
    """Release the caller's lock, or break another's with the required scope and a reason.

    With ``acquired_at`` a repeated request cannot end a later lock.
    """
    settings = request.app[app_keys.SETTINGS]
    claims = await authenticate(request)
    breaking = settings.break_scope in parse_scopes(claims.get(settings.jwt_scope_claim))
    caller = await authorise(request, settings.break_scope if breaking else settings.import_scope)
    check_parameters(request.query, "reason", "acquired_at")
    reason = request.query.get("reason")
    acquired_at = parse_moment(request.query, "acquired_at")
    project = parse_project(request, caller)
    if reason is not None:
        if not breaking:
            raise lacks_scope(request, claims, settings.break_scope)
        _check_reason(caller, reason)
    await run_query(request.app, ReleaseRequest(project, reason, acquired_at).run)
    return web.Response(status=204)


async def archive(request: web.Request) -> web.Response:
    """Archive the project.

    With ``version`` a repeated request cannot archive a later version.
    """
    caller = await authorise(request, request.app[app_keys.SETTINGS].delete_scope)
    return await _archive(request, caller, "Archived", archive=True)


async def restore(request: web.Request) -> web.Response:
    """Make an archived project active again.

    An import does so too, so this needs no more than its scope. With ``version`` a repeated request
    cannot restore a project that was archived again since.
    """
    caller = await authorise(request, request.app[app_keys.SETTINGS].import_scope)
    return await _archive(request, caller, "Restored", archive=False)


async def _archive(
    request: web.Request, caller: Caller, message: str, *, archive: bool
) -> web.Response:
    check_parameters(request.query, "version")
    version = request.query.get("version")
    meant = None if version is None else parse_id(version, "version")
    project = parse_project(request, caller)
    done = await run_query(request.app, ArchiveRequest(project, archive, meant).run)
    return respond(200, message, {"project_id": project.project_id, **done._asdict()})


def _parse_project_id(request: web.Request) -> int:
    return parse_id(request.match_info["project_id"], "project_id")


def parse_project(request: web.Request, caller: Caller) -> ProjectRequest:
    """Return the caller's request to change the project in the path."""
    settings = request.app[app_keys.SETTINGS]
    return ProjectRequest(
        client_id=caller.client_id,
        project_id=_parse_project_id(request),
        subject=caller.subject,
        lock_timeout=settings.lock_timeout,
        idle_timeout=settings.heartbeat_expiry,
        notifies=settings.notify,
    )


def _check_subject(caller: Caller) -> None:
    if not caller.subject:
        raise Forbidden(
            "The token has no subject (`sub`), so it cannot hold a lock: get one that has it"
        )


def _check_reason(caller: Caller, reason: str) -> None:
    _check_subject(caller)
    if not reason.strip() or len(reason) > LONGEST_REASON or "\0" in reason:
        raise BadRequest(f"reason must be text of at most {LONGEST_REASON} characters")


async def _read_ttl(request: web.Request, max_seconds: int) -> int:
    """Return the seconds that the body requests, such as ``{"ttl_seconds": 600}``."""
    seconds = await read_member(request, "ttl_seconds", 600)
    # JSON does not distinguish 600.0 from 600.
    if isinstance(seconds, float) and seconds.is_integer():
        seconds = int(seconds)
    if not isinstance(seconds, int) or isinstance(seconds, bool) or not 1 <= seconds <= max_seconds:
        raise BadRequest(f"ttl_seconds must be a whole number from 1 to {max_seconds}")
    return seconds


def _format_lock(lock: Lock | None) -> dict[str, Any]:
    return {"lock": None if lock is None else lock._asdict()}
