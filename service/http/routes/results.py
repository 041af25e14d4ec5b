"""An import's outcomes, read again: by pages as JSON, or all of them as CSV."""

from dataclasses import replace
from enum import StrEnum
from functools import partial
from typing import Any, Final, TypeVar

from aiohttp import hdrs, web
from multidict import MultiMapping

from service.codes import ErrorCode, WarningCode
from service.errors import BadRequest, Conflict
from service.http import app_keys, pagination
from service.http.auth.permissions import authorise
from service.http.database import run_query
from service.http.negotiation import choose
from service.http.responses import JSON, respond, retry_after
from service.http.routes import results_csv
from service.http.routes.imports import find_import
from service.imports import outcomes
from service.imports.conflict_rules import Outcome
from service.imports.outcomes import OutcomeQuery, format_outcome
from service.storage import Connection

FILTERS: Final = ("outcome", "error", "warning", "text")
_RUNNING: Final = "running"

E = TypeVar("E", bound=StrEnum)


async def list_results(request: web.Request) -> web.StreamResponse:
    """Outcomes in the file's order.

    While the import runs, pages reach as far as every outcome is there; ``complete`` is false then,
    and ``next`` can be asked again.
    """
    caller = await authorise(request, request.app[app_keys.SETTINGS].read_scope)
    kind = choose(request, (JSON, results_csv.CSV))
    wanted = _wanted(request.query)
    if kind == results_csv.CSV:
        pagination.check_parameters(request.query, *FILTERS)
        found = await find_import(request, caller)
        if found["state"] == _RUNNING:
            later: dict[str, str] = {hdrs.RETRY_AFTER: retry_after()}
            raise Conflict(
                "The import is running; its CSV is there once it has ended", headers=later
            )
        key = (caller.client_id, found["import_id"], found["attempt"])
        return await results_csv.send_csv(request, key, wanted)
    pagination.check_parameters(request.query, "limit", "cursor", *FILTERS)
    found = await find_import(request, caller)
    key = (caller.client_id, found["import_id"], found["attempt"])
    return await _page(request, key, wanted, running=found["state"] == _RUNNING)


async def _page(
    request: web.Request, key: tuple[int, int, int], wanted: OutcomeQuery, *, running: bool
) -> web.Response:
    limit, after = pagination.parse_limit(request.query), pagination.parse_cursor(request.query)
    if running:
        upto = await run_query(request.app, partial(_contiguous, key=key, after=after))
        wanted = replace(wanted, upto=upto)
    rows = await run_query(
        request.app, partial(_rows, key=key, after=after, limit=limit, wanted=wanted)
    )
    full = len(rows) == limit
    complete = not running and not full
    following = None
    if not complete:
        last = rows[-1]["index"] if full else max(after, wanted.upto)
        following = pagination.next_page_url(request, FILTERS, limit, last)
    details = {"results": list(map(format_outcome, rows)), "complete": complete, "next": following}
    return respond(200, "Results", details, headers={"Vary": "Accept"})


async def _contiguous(conn: Connection, key: tuple[int, int, int], after: int) -> int:
    return await outcomes.last_contiguous(conn, *key, after=after)


async def _rows(
    conn: Connection, key: tuple[int, int, int], after: int, limit: int, wanted: OutcomeQuery
) -> list[dict[str, Any]]:
    return await outcomes.list_outcomes(conn, *key, after=after, limit=limit, wanted=wanted)


def _wanted(query: MultiMapping[str]) -> OutcomeQuery:
    kind = _one_of(Outcome, query, "outcome")
    return OutcomeQuery(
        kinds=outcomes.ALL if kind is None else (kind,),
        error=_one_of(ErrorCode, query, "error"),
        warning=_one_of(WarningCode, query, "warning"),
        text=pagination.parse_text(query),
    )


def _one_of(kind: type[E], query: MultiMapping[str], name: str) -> E | None:
    given = query.get(name)
    if given is not None and given not in list(kind):
        raise BadRequest(f"{name} must be one of {', '.join(kind)}")
    return None if given is None else kind(given)
