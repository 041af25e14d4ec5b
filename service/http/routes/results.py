"""Outcomes of an import: in pages as JSON, or all of them as CSV."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from typing import Any, Final, TypeVar

import orjson
from aiohttp import hdrs, web
from multidict import MultiMapping

from service.codes import ErrorCode, WarningCode
from service.errors import BadRequest, Conflict, Unavailable
from service.http import app_keys, pagination
from service.http.app_keys import run_query
from service.http.auth.permissions import authorise
from service.http.negotiation import choose
from service.http.responses import JSON, respond, retry_after
from service.http.routes.imports import find_import
from service.http.streaming import IN_MEMORY, send_file
from service.imports import outcomes
from service.imports.cause_groups import CauseFilter, parse_cause
from service.imports.conflict_rules import Outcome
from service.imports.ending import NO_ROOM
from service.imports.outcomes import PAGE, OutcomeQuery, format_outcome
from service.spool.spool import SpoolFile, TooLarge
from service.storage import Connection

FILTERS: Final = ("outcome", "error", "warning", "cause", "text")
EXAMINED: Final = 10_000
"""Outcomes that a page with ``cause`` examines, after the other filters."""
_STEP: Final = 100
"""Of these, those examined at once: the event loop serves nobody meanwhile."""
_RUNNING: Final = "running"
CSV: Final = "text/csv"
COLUMNS: Final = (
    "index",
    "kind",
    "external_id",
    "name",
    "file",
    "outcome",
    "project_id",
    "version",
    "tasks",
    "line",
    "code",
    "error",
    "message",
    "retryable",
    "extra",
    "warnings",
    "first_warnings",
)
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
"""First characters of a formula in spreadsheets."""

E = TypeVar("E", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class ResultFilter:
    """Which outcomes to list.

    Attributes:
        query: the filters of the database.
        cause: a cause that the outcomes must have, or None.
    """

    query: OutcomeQuery
    cause: CauseFilter | None


async def list_results(request: web.Request) -> web.StreamResponse:
    """Answer with outcomes in the order of the file.

    While the import runs, pages end before the first missing outcome, ``complete`` is false, and
    the client can request ``next`` again.
    """
    caller = await authorise(request, request.app[app_keys.SETTINGS].read_scope)
    kind = choose(request, (JSON, CSV))
    filters = _parse_filters(request.query)
    if kind == CSV:
        pagination.check_parameters(request.query, *FILTERS)
        details = await find_import(request, caller)
        if details["state"] == _RUNNING:
            later: dict[str, str] = {hdrs.RETRY_AFTER: retry_after()}
            raise Conflict(
                "The import is running; its CSV exists after it has ended", headers=later
            )
        key = (caller.client_id, details["import_id"], details["attempt"])
        return await _send_csv(request, key, filters)
    pagination.check_parameters(request.query, "limit", "cursor", *FILTERS)
    details = await find_import(request, caller)
    key = (caller.client_id, details["import_id"], details["attempt"])
    return await _page(request, key, filters, running=details["state"] == _RUNNING)


async def _page(
    request: web.Request, key: tuple[int, int, int], filters: ResultFilter, *, running: bool
) -> web.Response:
    limit, after = pagination.parse_limit(request.query), pagination.parse_cursor(request.query)
    if running:
        upto = await run_query(request.app, partial(_last_contiguous, key=key, after=after))
        filters = replace(filters, query=replace(filters.query, upto=upto))
    async with request.app[app_keys.READ_SLOTS].of(key[0]):
        found, last = await _read(request, key, filters, after, limit)
    complete = not running and last is None
    following = None
    if not complete:
        last = max(after, filters.query.upto) if last is None else last
        following = pagination.next_page_url(request, FILTERS, limit, last)
    details = {"results": found, "complete": complete, "next": following}
    return respond(200, "Results", details, headers={"Vary": "Accept"})


async def _last_contiguous(conn: Connection, key: tuple[int, int, int], after: int) -> int:
    return await outcomes.last_contiguous(conn, *key, after=after)


async def _read(
    request: web.Request, key: tuple[int, int, int], filters: ResultFilter, after: int, limit: int
) -> tuple[list[dict[str, Any]], int | None]:
    """Return a page of outcomes, and the index after which others follow, or None."""
    found: list[dict[str, Any]] = []
    at_once = limit if filters.cause is None else _STEP
    for _ in range(EXAMINED // _STEP):
        rows = await run_query(
            request.app, partial(_rows, key=key, after=after, limit=at_once, query=filters.query)
        )
        for row in rows:
            outcome = format_outcome(row)
            if filters.cause is None or filters.cause.matches(outcome):
                found.append(outcome)
                if len(found) == limit:
                    return found, row["index"]
        if len(rows) < at_once:
            return found, None
        after = rows[-1]["index"]
    return found, after


async def _rows(
    conn: Connection, key: tuple[int, int, int], after: int, limit: int, query: OutcomeQuery
) -> list[dict[str, Any]]:
    return await outcomes.list_outcomes(conn, *key, after=after, limit=limit, query=query)


def _parse_filters(query: MultiMapping[str]) -> ResultFilter:
    kind, text = _one_of(Outcome, query, "outcome"), query.get("cause")
    error, warning = _one_of(ErrorCode, query, "error"), _one_of(WarningCode, query, "warning")
    cause = None if text is None else parse_cause(text)
    if text is not None and cause is None:
        raise BadRequest("cause must be the `cause` of a group of the import's causes")
    kinds = outcomes.ALL if kind is None else (kind,)
    match cause:
        case CauseFilter(code=ErrorCode() as code):
            error = error or code
        case CauseFilter(code=WarningCode() as code):
            warning = warning or code
        case CauseFilter():
            kinds = ()
    found = OutcomeQuery(kinds, error, warning, pagination.parse_text(query))
    return ResultFilter(found, cause)


def _one_of(kind: type[E], query: MultiMapping[str], name: str) -> E | None:
    value = pagination.parse_word(query, name, kind)
    return None if value is None else kind(value)


async def _send_csv(
    request: web.Request, key: tuple[int, int, int], filters: ResultFilter
) -> web.StreamResponse:
    """Answer with the outcomes of one attempt as CSV.

    They are written to a spool file first, so that the length of the answer is known.

    Args:
        request: the request to answer.
        key: ids of client and import, and the attempt.
        filters: which outcomes to send.

    Raises:
        Unavailable: the database stays unreachable, or there is no room for the spool file.
        ConnectionError: the answer broke off.
    """
    share = request.app[app_keys.MANAGER].spool.share()
    file = share.new_file(IN_MEMORY)
    try:
        async with request.app[app_keys.READ_SLOTS].of(key[0]):
            await _write_csv(request, key, filters, file)
        headers: dict[str, str] = {
            hdrs.CONTENT_TYPE: f"{CSV}; charset=utf-8; header=present",
            hdrs.CONTENT_DISPOSITION: f'attachment; filename="import-{key[1]}-results.csv"',
            hdrs.VARY: hdrs.ACCEPT,
        }
        return await send_file(request, file, headers)
    except ConnectionError:
        raise
    except (OSError, TooLarge) as exc:
        raise Unavailable(NO_ROOM) from exc
    finally:
        share.close()


async def _write_csv(
    request: web.Request, key: tuple[int, int, int], filters: ResultFilter, file: SpoolFile
) -> None:
    file.write(_format_lines([COLUMNS]))
    after: int | None = -1
    while after is not None:
        found, after = await _read(request, key, filters, after, PAGE)
        file.write(_format_lines(map(format_cells, found)))


def _format_lines(rows: Iterable[Sequence[Any]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def format_cells(outcome: Mapping[str, Any]) -> list[Any]:
    """Return the cells of an outcome, in the order of ``COLUMNS``.

    Args:
        outcome: as ``format_outcome`` returns it.
    """
    failed = "error" in outcome
    warnings = outcome.get("warnings") or {"count": 0, "first": []}
    extra = {name: value for name, value in outcome.items() if name not in (*COLUMNS, "project")}
    cells = {
        **dict.fromkeys(COLUMNS),
        "kind": "project",
        **outcome,
        "outcome": Outcome.FAILED if failed else outcome["outcome"],
        "retryable": str(outcome["retryable"]).lower() if failed else None,
        "extra": orjson.dumps(extra).decode() if extra else None,
        "warnings": None if failed else warnings["count"],
        "first_warnings": "; ".join(map(_format_warning, warnings["first"])),
    }
    return [escape_cell(cells[name]) for name in COLUMNS]


def _format_warning(warning: Mapping[str, Any]) -> str:
    """Format a warning in one line."""
    value = "" if warning["value"] is None else f" {warning['value']}"
    return f"{warning['code']} line {warning['line']} {warning['element']}{value}"


def escape_cell(value: Any) -> Any:
    """Return a cell that no spreadsheet executes: an apostrophe precedes a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
