"""One project, read whole, as JSON or as native XML; and the versions that are kept of it."""

from collections.abc import AsyncIterator
from functools import partial
from typing import Final

import orjson
from aiohttp import hdrs, web

from service.api import comparing, keys, paging
from service.api.auth import Caller, authorise, number
from service.api.database import ask
from service.api.envelope import JSON, respond
from service.api.negotiation import choose
from service.api.paging import only
from service.api.streaming import stream
from service.errors import NotFound
from service.reading import documents, projects
from service.reading.records import Gone, Key

MAX_VERSION: Final = 2**31 - 1
TYPES: Final = (JSON, "application/xml", "text/xml")
_HEAD: Final = b'{"status":"success","code":200,"message":"Project","details":'
_TAIL: Final = b',"complete":true}'


async def one(request: web.Request) -> web.StreamResponse:
    """One project with all its records, as it is now."""
    caller = await authorise(request, request.app[keys.SETTINGS].read_scope)
    only(request.query)
    project_id, version = await _current(request, caller)
    return await _document(request, Key(caller.client_id, project_id, version))


async def version(request: web.Request) -> web.StreamResponse:
    """One of the versions that are kept of a project, or what differs in it from another."""
    caller = await authorise(request, request.app[keys.SETTINGS].read_scope)
    only(request.query, "compare")
    project_id = number(request.match_info["project_id"], "project_id")
    asked = _version(request.match_info["version"], "version")
    if "compare" in request.query:
        old = _version(request.query["compare"], "compare")
        return await comparing.send(request, Key(caller.client_id, project_id, old), asked)
    return await _document(request, Key(caller.client_id, project_id, asked))


def _version(text: str, name: str) -> int:
    version = number(text, name)
    if version > MAX_VERSION:
        raise NotFound
    return version


async def versions(request: web.Request) -> web.Response:
    """A page of the versions that are kept of a project, oldest first."""
    caller = await authorise(request, request.app[keys.SETTINGS].read_scope)
    only(request.query, "limit", "cursor")
    limit, after = paging.limit(request.query), paging.after(request.query)
    project_id, _ = await _current(request, caller)
    asking = partial(ask, request.app)
    rows = await projects.versions(asking, caller.client_id, project_id, after, limit)
    following = None
    if len(rows) == limit:
        following = paging.following(request, (), limit, rows[-1]["version"])
    items = [orjson.Fragment(row["line"]) for row in rows]
    return respond(200, "Versions", {"versions": items, "next": following})


async def _current(request: web.Request, caller: Caller) -> tuple[int, int]:
    """The project of the path, and the version that it is at."""
    project_id = number(request.match_info["project_id"], "project_id")
    found = await ask(
        request.app,
        partial(projects.version, client_id=caller.client_id, project_id=project_id),
    )
    if found is None:
        raise NotFound
    return project_id, found


async def _document(request: web.Request, key: Key) -> web.StreamResponse:
    kind = choose(request, TYPES)
    asking = partial(ask, request.app)
    if kind == JSON:
        blocks = _enveloped(documents.as_object(asking, key))
    else:
        blocks = documents.as_native(asking, key)
    headers: dict[str, str] = {hdrs.CONTENT_TYPE: f"{kind}; charset=utf-8", hdrs.VARY: hdrs.ACCEPT}
    try:
        return await stream(request, blocks, headers)
    except Gone:
        raise NotFound from None


async def _enveloped(blocks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The envelope around a document: whoever has ``"complete": true`` has all of it."""
    opening = _HEAD
    async for block in blocks:
        yield opening + block
        opening = b""
    yield _TAIL
