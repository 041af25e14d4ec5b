"""Outcomes as CSV: all of them, made in a working file first, so that its length is known."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import orjson
from aiohttp import hdrs, web

from service.errors import Unavailable
from service.http import app_keys
from service.http.database import run_query
from service.http.streaming import IN_MEMORY, send_file
from service.imports import outcomes
from service.imports.conflict_rules import Outcome
from service.imports.ending import NO_ROOM
from service.imports.outcomes import PAGE, OutcomeQuery, format_outcome
from service.spool.spool import SpoolFile, TooLarge
from service.storage import Connection

CSV: Final = "text/csv"
COLUMNS: Final = (
    "index",
    "external_id",
    "name",
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
"""What a spreadsheet takes for the beginning of a formula."""


async def send_csv(
    request: web.Request, key: tuple[int, int, int], wanted: OutcomeQuery
) -> web.StreamResponse:
    """Answer with the outcomes of one attempt, given by client, import and attempt.

    Raises:
        Unavailable: the database stays away, or there is no room for the working file.
        ConnectionError: the answer broke off.
    """
    share = request.app[app_keys.MANAGER].spool.share()
    file = share.new_file(IN_MEMORY)
    try:
        await _write(request, key, wanted, file)
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


async def _write(
    request: web.Request, key: tuple[int, int, int], wanted: OutcomeQuery, file: SpoolFile
) -> None:
    file.write(_lines([COLUMNS]))
    after = -1

    async def read(conn: Connection) -> list[dict[str, Any]]:
        return await outcomes.list_outcomes(conn, *key, after=after, limit=PAGE, wanted=wanted)

    while rows := await run_query(request.app, read):
        file.write(_lines([format_cells(format_outcome(row)) for row in rows]))
        if len(rows) < PAGE:
            break
        after = rows[-1]["index"]


def _lines(rows: Iterable[Sequence[Any]]) -> bytes:
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
    extra = {name: value for name, value in outcome.items() if name not in COLUMNS}
    cells = {
        **dict.fromkeys(COLUMNS),
        **outcome,
        "outcome": Outcome.FAILED if failed else outcome["outcome"],
        "retryable": str(outcome["retryable"]).lower() if failed else None,
        "extra": orjson.dumps(extra).decode() if extra else None,
        "warnings": None if failed else warnings["count"],
        "first_warnings": "; ".join(map(_format_warning, warnings["first"])),
    }
    return [escape_cell(cells[name]) for name in COLUMNS]


def _format_warning(warning: Mapping[str, Any]) -> str:
    """A warning in one line."""
    value = "" if warning["value"] is None else f" {warning['value']}"
    return f"{warning['code']} line {warning['line']} {warning['element']}{value}"


def escape_cell(value: Any) -> Any:
    """A cell that no spreadsheet runs: with an apostrophe before what would be a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
