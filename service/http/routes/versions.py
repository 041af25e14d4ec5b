"""Versions of a project: the list, one of them, and the comparison of two."""

from functools import partial
from typing import Final

import orjson
from aiohttp import hdrs, web

from service.errors import NotFound, Unavailable
from service.http import app_keys, pagination
from service.http.app_keys import run_query
from service.http.auth.permissions import authorise, parse_id
from service.http.negotiation import choose
from service.http.pagination import check_parameters
from service.http.responses import JSON, respond
from service.http.routes.projects import find_current, send_document
from service.http.streaming import IN_MEMORY, send_file
from service.imports.ending import NO_ROOM
from service.projects import listing
from service.projects.comparison import compare_versions
from service.projects.records import VersionGone, VersionKey
from service.spool.spool import SpoolFile, SpoolShare, TooLarge
from service.storage import Connection

MAX_VERSION: Final = 2**31 - 1
_COMPARISON_HEAD: Final = b'{"status":"success","code":200,"message":"Comparison","details":'
_COMPARISON_TAIL: Final = b',"complete":true}'


async def list_versions(request: web.Request) -> web.Response:
    """Answer with a page of the stored versions of a project, oldest first."""
    caller = await authorise(request, request.app[app_keys.SETTINGS].read_scope)
    check_parameters(request.query, "limit", "cursor")
    limit, after = pagination.parse_limit(request.query), pagination.parse_cursor(request.query)
    project_id, _ = await find_current(request, caller)
    asking = partial(run_query, request.app)
    rows = await listing.list_versions(asking, caller.client_id, project_id, after, limit)
    following = None
    if len(rows) == limit:
        following = pagination.next_page_url(request, (), limit, rows[-1]["version"])
    items = [orjson.Fragment(row["line"]) for row in rows]
    return respond(200, "Versions", {"versions": items, "next": following})


async def read_version(request: web.Request) -> web.StreamResponse:
    """Answer with a version of a project, or with its differences from another version."""
    caller = await authorise(request, request.app[app_keys.SETTINGS].read_scope)
    check_parameters(request.query, "compare")
    project_id = parse_id(request.match_info["project_id"], "project_id")
    version = _parse_version(request.match_info["version"], "version")
    if "compare" in request.query:
        old = _parse_version(request.query["compare"], "compare")
        return await _send_comparison(
            request, VersionKey(caller.client_id, project_id, old), version
        )
    return await send_document(request, VersionKey(caller.client_id, project_id, version))


def _parse_version(text: str, name: str) -> int:
    version = parse_id(text, name)
    if version > MAX_VERSION:
        raise NotFound
    return version


async def _send_comparison(request: web.Request, old: VersionKey, new: int) -> web.StreamResponse:
    """Answer with the differences between two versions of a project.

    They are written to a spool file first, so that no database connection waits for the client.

    Raises:
        NotFound: one of the versions does not exist.
        NotAcceptable: the request does not accept JSON.
        Unavailable: the database stays unreachable, or there is no room for the spool file.
        ConnectionError: the answer broke off.
    """
    choose(request, (JSON,))
    share = request.app[app_keys.MANAGER].spool.share()
    try:
        file = await _write_comparison(request.app, share, old, new)
        headers: dict[str, str] = {
            hdrs.CONTENT_TYPE: f"{JSON}; charset=utf-8",
            hdrs.VARY: hdrs.ACCEPT,
        }
        return await send_file(request, file, headers)
    except VersionGone:
        raise NotFound from None
    finally:
        share.close()


async def _write_comparison(
    app: web.Application, share: SpoolShare, old: VersionKey, new: int
) -> SpoolFile:
    async def write(conn: Connection) -> SpoolFile:
        file = share.new_file(IN_MEMORY)  # each attempt begins with an empty file
        _write(file, _COMPARISON_HEAD)
        async for block in compare_versions(conn, old, new):
            _write(file, block)
        _write(file, _COMPARISON_TAIL)
        return file

    async with app[app_keys.READ_SLOTS].of(old.client_id):
        return await run_query(app, write)


def _write(file: SpoolFile, block: bytes) -> None:
    try:
        file.write(block)
    except (OSError, TooLarge) as exc:
        raise Unavailable(NO_ROOM) from exc
