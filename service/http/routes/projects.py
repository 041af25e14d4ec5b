"""One project, read whole, as JSON or as native XML; and the versions that are kept of it."""

from collections.abc import AsyncIterator
from functools import partial
from typing import Final

import orjson
from aiohttp import hdrs, web

from service.errors import NotFound
from service.http import app_keys, pagination
from service.http.auth.permissions import Caller, authorise, parse_id
from service.http.database import run_query
from service.http.negotiation import choose
from service.http.pagination import check_parameters
from service.http.responses import JSON, respond
from service.http.routes import comparison
from service.http.streaming import stream_response
from service.projects import export, listing
from service.projects.records import VersionGone, VersionKey

MAX_VERSION: Final = 2**31 - 1
TYPES: Final = (JSON, "application/xml", "text/xml")
_HEAD: Final = b'{"status":"success","code":200,"message":"Project","details":'
_TAIL: Final = b',"complete":true}'


async def read_project(request: web.Request) -> web.StreamResponse:
    """One project with all its records, as it is now."""
    caller = await authorise(request, request.app[app_keys.SETTINGS].read_scope)
    check_parameters(request.query)
    project_id, version = await _current(request, caller)
    return await _document(request, VersionKey(caller.client_id, project_id, version))


async def read_version(request: web.Request) -> web.StreamResponse:
    """One of the versions that are kept of a project, or what differs in it from another."""
    caller = await authorise(request, request.app[app_keys.SETTINGS].read_scope)
    check_parameters(request.query, "compare")
    project_id = parse_id(request.match_info["project_id"], "project_id")
    asked = _version(request.match_info["version"], "version")
    if "compare" in request.query:
        old = _version(request.query["compare"], "compare")
        return await comparison.send_comparison(
            request, VersionKey(caller.client_id, project_id, old), asked
        )
    return await _document(request, VersionKey(caller.client_id, project_id, asked))


def _version(text: str, name: str) -> int:
    version = parse_id(text, name)
    if version > MAX_VERSION:
        raise NotFound
    return version


async def list_versions(request: web.Request) -> web.Response:
    """A page of the versions that are kept of a project, oldest first."""
    caller = await authorise(request, request.app[app_keys.SETTINGS].read_scope)
    check_parameters(request.query, "limit", "cursor")
    limit, after = pagination.parse_limit(request.query), pagination.parse_cursor(request.query)
    project_id, _ = await _current(request, caller)
    asking = partial(run_query, request.app)
    rows = await listing.list_versions(asking, caller.client_id, project_id, after, limit)
    following = None
    if len(rows) == limit:
        following = pagination.next_page_url(request, (), limit, rows[-1]["version"])
    items = [orjson.Fragment(row["line"]) for row in rows]
    return respond(200, "Versions", {"versions": items, "next": following})


async def _current(request: web.Request, caller: Caller) -> tuple[int, int]:
    """The project of the path, and the version that it is at."""
    project_id = parse_id(request.match_info["project_id"], "project_id")
    found = await run_query(
        request.app,
        partial(listing.read_current_version, client_id=caller.client_id, project_id=project_id),
    )
    if found is None:
        raise NotFound
    return project_id, found


async def _document(request: web.Request, key: VersionKey) -> web.StreamResponse:
    kind = choose(request, TYPES)
    asking = partial(run_query, request.app)
    if kind == JSON:
        blocks = _enveloped(export.export_json(asking, key))
    else:
        blocks = export.export_native(asking, key)
    headers: dict[str, str] = {hdrs.CONTENT_TYPE: f"{kind}; charset=utf-8", hdrs.VARY: hdrs.ACCEPT}
    try:
        return await stream_response(request, blocks, headers)
    except VersionGone:
        raise NotFound from None


async def _enveloped(blocks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The envelope around a document: whoever has ``"complete": true`` has all of it."""
    opening = _HEAD
    async for block in blocks:
        yield opening + block
        opening = b""
    yield _TAIL
