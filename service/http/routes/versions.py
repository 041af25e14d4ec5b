"""Versions of a project: the list, one of them, and the comparison of two."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

import orjson
from aiohttp import hdrs, web
from multidict import MultiMapping

from service.errors import BadRequest, NotFound, Unavailable, no_version
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
from service.projects.comparison.compare import (
    NoBaseline,
    Request,
    compare_versions,
    compare_with_baseline,
)
from service.projects.comparison.kinds import Match
from service.projects.records import VersionGone, VersionKey
from service.spool.spool import SpoolFile, SpoolShare, TooLarge
from service.storage import Connection

MAX_VERSION: Final = 2**31 - 1
BASELINE: Final = "baseline"
"""The only value of the parameter ``against``."""
Compare = Callable[..., Awaitable[bytes]]
"""Compares on a connection. It writes the records with ``write``, and returns the summary."""
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
    check_parameters(request.query, "compare", "against", "match")
    project_id = parse_id(request.match_info["project_id"], "project_id")
    version = parse_version(request.match_info["version"], "version")
    match = _parse_match(request.query)
    if "against" in request.query:
        if request.query["against"] != BASELINE:
            raise BadRequest(f"against must be `{BASELINE}`")
        key = VersionKey(caller.client_id, project_id, version)
        compare = partial(compare_with_baseline, key=key, match=match)
        return await _send_comparison(request, key, compare)
    if "compare" in request.query:
        old = parse_version(request.query["compare"], "compare")
        key = VersionKey(caller.client_id, project_id, old)
        compare = partial(compare_versions, request=Request(key, version, match))
        return await _send_comparison(request, key, compare, version)
    return await send_document(request, VersionKey(caller.client_id, project_id, version))


def parse_version(text: str, name: str) -> int:
    """Return the number of a version from a path or a parameter.

    Raises:
        BadRequest: it is not a number.
        NotFound: no version has such a number.
    """
    version = parse_id(text, name)
    if version > MAX_VERSION:
        raise NotFound(f"version {version} does not exist")
    return version


def _parse_match(query: MultiMapping[str]) -> Match | None:
    text = query.get("match")
    if text is not None and text not in tuple(Match):
        raise BadRequest(f"match must be one of: {', '.join(Match)}")
    return None if text is None else Match(text)


async def _send_comparison(
    request: web.Request, key: VersionKey, compare: Compare, *others: int
) -> web.StreamResponse:
    """Answer with the differences between a version of a project, and others or its baseline.

    They are written to a spool file first, so that no database connection waits for the client.

    Raises:
        NotFound: one of the versions does not exist, or no baseline is current.
        NotAcceptable: the request does not accept JSON.
        Unavailable: the database stays unreachable, or there is no room for the spool file.
        ConnectionError: the answer broke off.
    """
    choose(request, (JSON,))
    share = request.app[app_keys.MANAGER].spool.share()
    try:
        head, file = await _write_comparison(request.app, share, key.client_id, compare)
        headers: dict[str, str] = {
            hdrs.CONTENT_TYPE: f"{JSON}; charset=utf-8",
            hdrs.VARY: hdrs.ACCEPT,
        }
        return await send_file(request, file, headers, head)
    except VersionGone:
        raise no_version(key.project_id, key.version, *others) from None
    except NoBaseline:
        raise NotFound("no baseline of this version is current") from None
    finally:
        share.close()


async def _write_comparison(
    app: web.Application, share: SpoolShare, client_id: int, compare: Compare
) -> tuple[bytes, SpoolFile]:
    """Return the head of the answer, which has the summary, and a file with the rest."""

    async def write(conn: Connection) -> tuple[bytes, SpoolFile]:
        file = share.new_file(IN_MEMORY)  # each attempt begins with an empty file
        summary = await compare(conn, write=partial(_write, file))
        _write(file, _COMPARISON_TAIL)
        return _COMPARISON_HEAD + summary, file

    async with app[app_keys.READ_SLOTS].of(client_id):
        return await run_query(app, write)


def _write(file: SpoolFile, block: bytes) -> None:
    try:
        file.write(block)
    except (OSError, TooLarge) as exc:
        raise Unavailable(NO_ROOM) from exc
