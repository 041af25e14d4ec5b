"""The list of a client's projects, by pages and with filters."""

import re
from datetime import UTC, datetime
from functools import partial
from typing import Final

import orjson
from aiohttp import web
from multidict import MultiMapping

from service.errors import BadRequest, Conflict, NotFound
from service.http import app_keys, pagination
from service.http.auth.permissions import Caller, authorise, parse_id
from service.http.database import run_query
from service.http.responses import respond
from service.projects import listing
from service.projects.listing import CompleteImport, IncompleteImport, ProjectQuery

_SOURCE: Final = re.compile(r"[a-z][a-z0-9_-]{0,30}")
ARCHIVED: Final = {"exclude": False, "include": None, "only": True}
FILTERS: Final = ("text", "source", "archived", "changed_since", "changed_until", "missing_from")


async def list_projects(request: web.Request) -> web.Response:
    """A page of projects: active ones unless asked otherwise.

    With ``changed_since`` the answer has a ``watermark``, at which the whole list ends however many
    pages it has: it is the next list's ``changed_since``.
    """
    caller = await authorise(request, request.app[app_keys.SETTINGS].read_scope)
    query = request.query
    pagination.check_parameters(query, "limit", "cursor", *FILTERS)
    limit, after = pagination.parse_limit(query), pagination.parse_cursor(query)
    changed = await _changed(request.app, query)
    wanted = ProjectQuery(
        archived=_archived(query.get("archived", "exclude")),
        text=pagination.parse_text(query),
        source=_source(query.get("source")),
        changed=changed,
        missing_from=await _missing_from(request.app, caller, query.get("missing_from")),
    )
    rows = await listing.list_projects(
        partial(run_query, request.app), caller.client_id, wanted, after, limit
    )
    following = None
    mark = None if changed is None else _written(changed[1])
    if len(rows) == limit:
        more = {} if mark is None else {"changed_until": mark}
        following = pagination.next_page_url(request, FILTERS, limit, rows[-1]["project_id"], more)
    items = [orjson.Fragment(row["line"]) for row in rows]
    return respond(200, "Projects", {"projects": items, "watermark": mark, "next": following})


def _archived(text: str) -> bool | None:
    if text not in ARCHIVED:
        raise BadRequest(f"archived must be one of {', '.join(ARCHIVED)}")
    return ARCHIVED[text]


def _source(text: str | None) -> str | None:
    if text is None or _SOURCE.fullmatch(text):
        return text
    raise BadRequest("source must be the name of a dialect, such as p6")


async def _changed(
    app: web.Application, query: MultiMapping[str]
) -> tuple[datetime, datetime] | None:
    since, until = (
        _moment(name, query[name]) if name in query else None
        for name in ("changed_since", "changed_until")
    )
    if since is None and until is None:
        return None
    mark = await run_query(app, listing.read_watermark)
    begin = datetime.min.replace(tzinfo=UTC) if since is None else since
    return begin, mark if until is None else min(until, mark)


def _moment(name: str, text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise BadRequest(f"{name} must be a date and time with Z, such as 2026-01-05T08:00:00Z")


def _written(moment: datetime) -> str:
    """With Z: a plus sign in a query is a space."""
    return moment.isoformat().replace("+00:00", "Z")


async def _missing_from(
    app: web.Application, caller: Caller, text: str | None
) -> CompleteImport | None:
    if text is None:
        return None
    import_id = parse_id(text, "missing_from")
    try:
        found = await run_query(
            app,
            partial(listing.find_complete_import, client_id=caller.client_id, import_id=import_id),
        )
    except IncompleteImport as exc:
        raise Conflict(str(exc)) from None
    if found is None:
        raise NotFound("There is no such import")
    return found
