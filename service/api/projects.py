"""Projects, read again: one of them whole, as JSON or as native XML."""

from collections.abc import AsyncIterator
from functools import partial
from typing import Final

from aiohttp import hdrs, web

from service.api import keys
from service.api.auth import authorise, number
from service.api.database import ask
from service.api.envelope import JSON
from service.api.negotiation import choose
from service.api.paging import only
from service.api.streaming import stream
from service.errors import NotFound
from service.reading import documents, projects
from service.reading.records import Gone, Key

TYPES: Final = (JSON, "application/xml", "text/xml")
_HEAD: Final = b'{"status":"success","code":200,"message":"Project","details":'
_TAIL: Final = b',"complete":true}'


async def one(request: web.Request) -> web.StreamResponse:
    """One project with all its records, as it is now."""
    caller = await authorise(request, request.app[keys.SETTINGS].read_scope)
    only(request.query)
    project_id = number(request.match_info["project_id"], "project_id")
    version = await ask(
        request.app,
        partial(projects.version, client_id=caller.client_id, project_id=project_id),
    )
    if version is None:
        raise NotFound
    return await _document(request, Key(caller.client_id, project_id, version))


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
