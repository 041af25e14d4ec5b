"""Imports: the history, one import, and its cancellation."""

import re
from datetime import timedelta
from functools import partial
from typing import Any, Final

from aiohttp import hdrs, web
from multidict import MultiMapping

from service.errors import BadRequest, Conflict, no_import
from service.http import app_keys, pagination
from service.http.app_keys import run_query
from service.http.auth.permissions import Caller, authorise, parse_id
from service.http.prefer import MAX_WAIT
from service.http.responses import respond, retry_after
from service.http.upload.job import import_location
from service.http.upload.options import parse_key
from service.imports import history, record
from service.imports.history import ImportQuery
from service.model import FileCounts

STATES: Final = ("running", "completed", "failed", "interrupted", "cancelled")
FILTERS: Final = ("state", "result", "text", "idempotency_key")
_LATEST: Final = 2**63 - 1
_WAIT: Final = re.compile(r"[0-9]{1,2}", re.ASCII)


async def list_imports(request: web.Request) -> web.Response:
    """Answer with a page of the client's imports, the latest first.

    An uploader finds a running import by its ``idempotency_key``.
    """
    caller = await authorise(request, request.app[app_keys.SETTINGS].read_scope)
    query = request.query
    pagination.check_parameters(query, "limit", "cursor", *FILTERS)
    limit, cursor = pagination.parse_limit(query), pagination.parse_cursor(query)
    key = query.get("idempotency_key")
    import_query = ImportQuery(
        state=pagination.parse_word(query, "state", STATES),
        result=pagination.parse_word(query, "result", history.RESULTS),
        text=pagination.parse_text(query),
        key=None if key is None else (caller.subject, parse_key(key, "idempotency_key")),
    )
    rows, last = await run_query(
        request.app,
        partial(
            history.list_imports,
            client_id=caller.client_id,
            query=import_query,
            before=_LATEST if cursor < 0 else cursor,
            limit=limit,
        ),
    )
    following = None
    if last is not None:
        following = pagination.next_page_url(request, FILTERS, limit, last)
    imports = [_format_import(request, row) for row in rows]
    return respond(200, "Imports", {"imports": imports, "next": following})


async def read_import(request: web.Request) -> web.Response:
    """Answer with one import; with ``wait``, once it has ended or the time is over.

    A request that had to be answered early has ``Retry-After``, so that its client does not repeat
    it without a pause. While the service shuts down, it closes the connection too: the next request
    may reach another process.

    Raises:
        ConnectionError: the client closed the connection.
    """
    app = request.app
    caller = await authorise(request, app[app_keys.SETTINGS].read_scope)
    pagination.check_parameters(request.query, "wait")
    wait = _parse_wait(request.query)
    details = await find_import(request, caller)
    waited = True
    if wait and details["state"] == "running":
        waited = await app[app_keys.END_WATCH].wait(
            caller.client_id, details["import_id"], wait, lambda: request.transport is None
        )
        if request.transport is None:
            raise ConnectionError("the client is gone")
        details = await find_import(request, caller)
    early = not waited and details["state"] == "running"
    headers: dict[str, str] = {hdrs.RETRY_AFTER: retry_after()} if early else {}
    return respond(200, "Import", details, headers=headers)


async def cancel_import(request: web.Request) -> web.Response:
    """Cancel a running import: its process reads the request with its next heartbeat.

    Committed projects stay. A repeated request has the same answer.
    """
    caller = await authorise(request, request.app[app_keys.SETTINGS].import_scope)
    pagination.check_parameters(request.query)
    import_id = _parse_import_id(request)
    request_cancel = partial(
        record.request_cancel,
        client_id=caller.client_id,
        import_id=import_id,
        by=caller.subject,
    )
    was_running = await run_query(request.app, request_cancel)
    details = await find_import(request, caller)
    if not was_running and details["state"] != "cancelled":
        raise Conflict(f"The import has ended: it is {details['state']}")
    headers: dict[str, str] = {hdrs.LOCATION: import_location(caller.client_id, import_id)}
    return respond(202, "Import is being cancelled", details, headers=headers)


async def find_import(request: web.Request, caller: Caller) -> dict[str, Any]:
    """Return the import in the request's path.

    Raises:
        NotFound: the client has no such import.
    """
    find = partial(
        history.find_import,
        client_id=caller.client_id,
        import_id=_parse_import_id(request),
    )
    details = await run_query(request.app, find)
    if details is None:
        raise no_import(_parse_import_id(request))
    return _format_import(request, details)


def _format_import(request: web.Request, row: dict[str, Any]) -> dict[str, Any]:
    """Return the import as the API does."""
    read, failed = row.pop("files_read"), row.pop("files_failed")
    files = None if read is None else FileCounts(read, failed).as_dict()
    settings = request.app[app_keys.SETTINGS]
    claimed, resumable = row.pop("key_claimed_at"), None
    if row["state"] == "interrupted" and claimed is not None:
        resumable = claimed + timedelta(hours=settings.keep_keys_hours)
    until = row["ended_at"]
    if row.pop("outcomes_pruned_at") is not None or row["options"].get("dry_run"):
        until = None
    if until is not None:
        until += timedelta(days=settings.keep_results_days)
    times = {"undoable_until": until, "resumable_until": resumable}
    return {**row, "files": files, **times}


def _parse_import_id(request: web.Request) -> int:
    return parse_id(request.match_info["import_id"], "import_id")


def _parse_wait(query: MultiMapping[str]) -> int:
    """Return how many seconds the request waits for the end of the import."""
    text = query.get("wait", "0")
    if not _WAIT.fullmatch(text) or int(text) > MAX_WAIT:
        raise BadRequest(f"wait must be an integer from 0 to {MAX_WAIT}, in seconds")
    return int(text)
