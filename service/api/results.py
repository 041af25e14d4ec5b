"""An import's outcomes, read again: by pages as JSON, or all of them as CSV."""

from dataclasses import replace
from enum import StrEnum
from functools import partial
from typing import Any, Final, TypeVar

from aiohttp import hdrs, web
from multidict import MultiMapping

from service.api import keys, paging, spreadsheet
from service.api.auth import authorise
from service.api.database import ask
from service.api.envelope import JSON, respond, retry_after
from service.api.imports import find
from service.api.negotiation import choose
from service.db import Connection
from service.errors import BadRequest, Conflict
from service.importer import outcomes
from service.importer.decisions import Outcome
from service.importer.outcomes import Wanted, shown
from service.model import ErrorCode, WarningCode

FILTERS: Final = ("outcome", "error", "warning", "text")
_RUNNING: Final = "running"

E = TypeVar("E", bound=StrEnum)


async def results(request: web.Request) -> web.StreamResponse:
    """Outcomes in the file's order.

    While the import runs, pages reach as far as every outcome is there; ``complete`` is false then,
    and ``next`` can be asked again.
    """
    caller = await authorise(request, request.app[keys.SETTINGS].read_scope)
    kind = choose(request, (JSON, spreadsheet.CSV))
    wanted = _wanted(request.query)
    if kind == spreadsheet.CSV:
        paging.only(request.query, *FILTERS)
        found = await find(request, caller)
        if found["state"] == _RUNNING:
            later: dict[str, str] = {hdrs.RETRY_AFTER: retry_after()}
            raise Conflict(
                "The import is running; its CSV is there once it has ended", headers=later
            )
        key = (caller.client_id, found["import_id"], found["attempt"])
        return await spreadsheet.send(request, key, wanted)
    paging.only(request.query, "limit", "cursor", *FILTERS)
    found = await find(request, caller)
    key = (caller.client_id, found["import_id"], found["attempt"])
    return await _page(request, key, wanted, running=found["state"] == _RUNNING)


async def _page(
    request: web.Request, key: tuple[int, int, int], wanted: Wanted, *, running: bool
) -> web.Response:
    limit, after = paging.limit(request.query), paging.after(request.query)
    if running:
        upto = await ask(request.app, partial(_contiguous, key=key, after=after))
        wanted = replace(wanted, upto=upto)
    rows = await ask(request.app, partial(_rows, key=key, after=after, limit=limit, wanted=wanted))
    full = len(rows) == limit
    complete = not running and not full
    following = None
    if not complete:
        last = rows[-1]["index"] if full else max(after, wanted.upto)
        following = paging.following(request, FILTERS, limit, last)
    details = {"results": list(map(shown, rows)), "complete": complete, "next": following}
    return respond(200, "Results", details, headers={"Vary": "Accept"})


async def _contiguous(conn: Connection, key: tuple[int, int, int], after: int) -> int:
    return await outcomes.contiguous(conn, *key, after=after)


async def _rows(
    conn: Connection, key: tuple[int, int, int], after: int, limit: int, wanted: Wanted
) -> list[dict[str, Any]]:
    return await outcomes.page(conn, *key, after=after, limit=limit, wanted=wanted)


def _wanted(query: MultiMapping[str]) -> Wanted:
    kind = _one_of(Outcome, query, "outcome")
    return Wanted(
        kinds=outcomes.ALL if kind is None else (kind,),
        error=_one_of(ErrorCode, query, "error"),
        warning=_one_of(WarningCode, query, "warning"),
        text=paging.text(query),
    )


def _one_of(kind: type[E], query: MultiMapping[str], name: str) -> E | None:
    given = query.get(name)
    if given is not None and given not in list(kind):
        raise BadRequest(f"{name} must be one of {', '.join(kind)}")
    return None if given is None else kind(given)
