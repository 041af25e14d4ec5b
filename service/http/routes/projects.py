"""Projects: the list of a client's projects, and one project as JSON or XML."""

import contextlib
import re
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from functools import partial
from typing import Final

import orjson
from aiohttp import hdrs, web
from multidict import MultiMapping

from service.errors import (
    BadRequest,
    Conflict,
    NotAcceptable,
    no_import,
    no_project,
    no_version,
)
from service.http import app_keys, pagination
from service.http.app_keys import run_query
from service.http.auth.permissions import Caller, authorise, parse_id
from service.http.negotiation import choose
from service.http.pagination import check_parameters
from service.http.read_slots import read_in_turns
from service.http.responses import JSON, respond
from service.http.streaming import stream_response
from service.projects import export, listing, mspdi_export
from service.projects.listing import (
    CompleteImport,
    DateRange,
    IncompleteImport,
    ProjectQuery,
)
from service.projects.mspdi_export import NotExportable
from service.projects.records import VersionGone, VersionKey
from service.projects.sorting import SORT_KEYS, Place, Sort, list_sorted

_SOURCE: Final = re.compile(r"[a-z][a-z0-9_-]{0,30}")
ARCHIVED: Final = {"exclude": False, "include": None, "only": True}
FILTERS: Final = (
    "external_id",
    "text",
    "source",
    "archived",
    "changed_since",
    "changed_until",
    "missing_from",
    "start_from",
    "start_until",
    "finish_from",
    "finish_until",
    "warnings",
    "sort",
)
WARNINGS: Final = {"some": True, "none": False}
ORDERS: Final = tuple(f"{sign}{key}" for key in SORT_KEYS for sign in ("", "-"))
UNSORTED: Final = ("external_id", "changed_since", "changed_until", "missing_from")
"""Parameters that cannot be combined with ``sort``."""
MSPDI: Final = "application/vnd.ms-project+xml"
TYPES: Final = (JSON, "application/xml", "text/xml", MSPDI)
_DOCUMENT_HEAD: Final = b'{"status":"success","code":200,"message":"Project","details":'
_DOCUMENT_TAIL: Final = b',"complete":true}'


async def list_projects(request: web.Request) -> web.Response:
    """Answer with a page of projects, by default of the active ones.

    With ``changed_since`` the answer has a ``watermark``, the end of the whole list on all its
    pages. Use it as the ``changed_since`` of the next list.
    """
    caller = await authorise(request, request.app[app_keys.SETTINGS].read_scope)
    query = request.query
    pagination.check_parameters(query, "limit", "cursor", *FILTERS)
    limit, sort = pagination.parse_limit(query), _parse_sort(query)
    changed = await _changed_between(request.app, caller.client_id, query)
    project_query = ProjectQuery(
        archived=_parse_archived(query.get("archived", "exclude")),
        external_id=pagination.parse_external_id(query),
        text=pagination.parse_text(query),
        source=_parse_source(query.get("source")),
        start=_parse_days(query, "start"),
        finish=_parse_days(query, "finish"),
        warnings=_parse_warnings(query.get("warnings")),
        changed=changed,
        missing_from=await _missing_from(request.app, caller, query.get("missing_from")),
    )
    run, client = partial(run_query, request.app), caller.client_id
    last: int | str | None = None
    if sort is None:
        after = pagination.parse_cursor(query)
        async with request.app[app_keys.READ_SLOTS].of(client):
            rows = await listing.list_projects(run, client, project_query, after, limit)
        if len(rows) == limit:
            last = rows[-1]["project_id"]
    else:
        begin = _parse_place(query, sort)
        async with request.app[app_keys.READ_SLOTS].of(client):
            rows, place = await list_sorted(run, client, project_query, sort, begin, limit)
        if place is not None:
            last = pagination.encode_sorted_cursor(*place)
    following = None
    mark = None if changed is None else _format_moment(changed[1])
    if last is not None:
        more = {} if mark is None else {"changed_until": mark}
        following = pagination.next_page_url(request, FILTERS, limit, last, more)
    items = [orjson.Fragment(row["line"]) for row in rows]
    return respond(200, "Projects", {"projects": items, "watermark": mark, "next": following})


def _parse_sort(query: MultiMapping[str]) -> Sort | None:
    text = query.get("sort")
    if text is None:
        return None
    if text not in ORDERS:
        raise BadRequest(f"sort must be one of {', '.join(ORDERS)}")
    for name in UNSORTED:
        if name in query:
            raise BadRequest(f"sort cannot be combined with {name}")
    return Sort(text.removeprefix("-"), descending=text.startswith("-"))


def _parse_place(query: MultiMapping[str], sort: Sort) -> Place | None:
    found = pagination.parse_sorted_cursor(query)
    if found is None:
        return None
    place = Place(*found)
    try:
        sort.check_place(place)
    except ValueError:
        raise BadRequest(pagination.FOREIGN_CURSOR) from None
    return place


def _parse_days(query: MultiMapping[str], name: str) -> DateRange:
    first, last = (pagination.parse_day(query, f"{name}_{end}") for end in ("from", "until"))
    return first, last


def _parse_archived(text: str) -> bool | None:
    if text not in ARCHIVED:
        raise BadRequest(f"archived must be one of {', '.join(ARCHIVED)}")
    return ARCHIVED[text]


def _parse_warnings(text: str | None) -> bool | None:
    if text is not None and text not in WARNINGS:
        raise BadRequest(f"warnings must be one of {', '.join(WARNINGS)}")
    return None if text is None else WARNINGS[text]


def _parse_source(text: str | None) -> str | None:
    if text is None or _SOURCE.fullmatch(text):
        return text
    raise BadRequest("source must be the name of a format, such as p6")


async def _changed_between(
    app: web.Application, client_id: int, query: MultiMapping[str]
) -> tuple[datetime, datetime] | None:
    since, until = (
        pagination.parse_moment(query, name) for name in ("changed_since", "changed_until")
    )
    if since is None and until is None:
        return None
    mark = await run_query(app, partial(listing.read_watermark, client_id=client_id))
    begin = datetime.min.replace(tzinfo=UTC) if since is None else since
    return begin, mark if until is None else min(until, mark)


def _format_moment(moment: datetime) -> str:
    """Format a time with Z, because a plus sign in a query means a space."""
    return moment.isoformat().replace("+00:00", "Z")


async def _missing_from(
    app: web.Application, caller: Caller, text: str | None
) -> CompleteImport | None:
    if text is None:
        return None
    import_id = parse_id(text, "missing_from")
    try:
        complete_import = await run_query(
            app,
            partial(listing.find_complete_import, client_id=caller.client_id, import_id=import_id),
        )
    except IncompleteImport as exc:
        raise Conflict(str(exc)) from None
    if complete_import is None:
        raise no_import(import_id)
    return complete_import


async def read_project(request: web.Request) -> web.StreamResponse:
    """Answer with the current version of a project and all its records."""
    caller = await authorise(request, request.app[app_keys.SETTINGS].read_scope)
    check_parameters(request.query)
    project_id, version = await find_current(request, caller)
    return await send_document(request, VersionKey(caller.client_id, project_id, version))


async def find_current(request: web.Request, caller: Caller) -> tuple[int, int]:
    """Return the project id in the request's path, and its current version.

    Raises:
        NotFound: the client has no such active project.
    """
    project_id = parse_id(request.match_info["project_id"], "project_id")
    version = await run_query(
        request.app,
        partial(listing.read_current_version, client_id=caller.client_id, project_id=project_id),
    )
    if version is None:
        raise no_project(project_id)
    return project_id, version


async def send_document(request: web.Request, key: VersionKey) -> web.StreamResponse:
    """Answer with a version of a project, as JSON, native XML or Microsoft Project's XML.

    Raises:
        NotFound: the version does not exist.
        NotAcceptable: the request accepts none of the types, or the project does not have it.
        ConnectionError: the answer broke off.
    """
    kind = choose(request, TYPES)
    asking = partial(run_query, request.app)
    if kind == JSON:
        blocks = _add_envelope(export.export_json(asking, key))
    elif kind == MSPDI:
        blocks = mspdi_export.export_mspdi(asking, key)
    else:
        blocks = export.export_native(asking, key)
    headers: dict[str, str] = {hdrs.CONTENT_TYPE: f"{kind}; charset=utf-8", hdrs.VARY: hdrs.ACCEPT}
    slots = request.app[app_keys.READ_SLOTS].of(key.client_id)
    try:
        async with contextlib.aclosing(read_in_turns(blocks, slots)) as turns:
            return await stream_response(request, turns, headers)
    except VersionGone:
        raise no_version(key.project_id, key.version) from None
    except NotExportable as exc:
        raise NotAcceptable(str(exc), headers={hdrs.VARY: hdrs.ACCEPT}) from None


async def _add_envelope(blocks: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    """Add the envelope; its last member, ``"complete": true``, marks a complete document."""
    opening = _DOCUMENT_HEAD
    async with contextlib.aclosing(blocks):
        async for block in blocks:
            block, opening = opening + block, b""  # keeps one of a large block, not two
            yield block
    yield _DOCUMENT_TAIL
