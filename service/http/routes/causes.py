"""The failures or the warnings of an import, grouped by their causes."""

from dataclasses import replace
from functools import partial
from typing import Any, Final

from aiohttp import hdrs, web

from service.errors import Conflict
from service.http import app_keys, pagination
from service.http.app_keys import run_query
from service.http.auth.permissions import authorise
from service.http.pagination import parse_word
from service.http.responses import respond, retry_after
from service.http.routes.imports import find_import
from service.imports import outcomes
from service.imports.cause_groups import CauseGroups, Subject
from service.imports.outcomes import OutcomeQuery, format_outcome
from service.storage import Connection

FILTERS: Final = ("of",)
EXAMINED: Final = 10_000
"""Failures, or projects with warnings, that a page groups."""
SPAN: Final = 100_000
"""Outcomes among which a page looks for them."""
GROUPS: Final = 1_000
"""Groups at which a page ends, give or take those of one outcome."""
_STEP: Final = 100
"""Outcomes that are grouped at once: the event loop serves nobody meanwhile."""


async def list_causes(request: web.Request) -> web.Response:
    """Answer with the groups of a page of outcomes, the largest first.

    A cause can be on several pages; its numbers add up.

    Raises:
        Conflict: the import is running.
    """
    caller = await authorise(request, request.app[app_keys.SETTINGS].read_scope)
    pagination.check_parameters(request.query, "cursor", *FILTERS)
    subject = Subject(parse_word(request.query, "of", Subject) or Subject.FAILURES)
    after = pagination.parse_cursor(request.query)
    details = await find_import(request, caller)
    if details["state"] == "running":
        later: dict[str, str] = {hdrs.RETRY_AFTER: retry_after()}
        raise Conflict("The import is running; its causes exist after it has ended", headers=later)
    key = (caller.client_id, details["import_id"], details["attempt"])
    groups = CauseGroups(subject)
    async with request.app[app_keys.READ_SLOTS].of(caller.client_id):
        last = await _group(request, key, groups, subject, after)
    following = None
    if last is not None:
        following = pagination.next_page_url(request, FILTERS, None, last)
    return respond(200, "Causes", {**groups.as_dict(), "next": following})


async def _group(
    request: web.Request,
    key: tuple[int, int, int],
    groups: CauseGroups,
    subject: Subject,
    after: int,
) -> int | None:
    """Add the outcomes of a page to the groups.

    Returns:
        The index of the last outcome, or None if no others follow.
    """
    end = await run_query(request.app, lambda conn: outcomes.last_index(conn, *key))
    upto = min(after + SPAN, end)
    query = replace(subject.query(), upto=upto)
    for _ in range(EXAMINED // _STEP):
        rows: list[dict[str, Any]] = await run_query(
            request.app, partial(_read, key=key, after=after, query=query)
        )
        for row in rows:
            groups.add(format_outcome(row))
        if len(rows) < _STEP:
            return upto if upto < end else None
        after = rows[-1]["index"]
        if len(groups) >= GROUPS:
            break
    return after if after < end else None


async def _read(
    conn: Connection, *, key: tuple[int, int, int], after: int, query: OutcomeQuery
) -> list[dict[str, Any]]:
    return await outcomes.list_outcomes(conn, *key, after=after, limit=_STEP, query=query)
