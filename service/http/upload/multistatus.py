"""The 207 response, streamed from the stored outcomes, so that it needs little memory at any size.

Its members have a fixed order, and ``"complete": true`` is the last one. A client that receives it
knows that the response is complete, even through a proxy.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from functools import partial
from typing import Any, Final

import orjson
import structlog
from aiohttp import hdrs, web

from service.errors import Conflict, ServiceError, Unavailable
from service.http import app_keys
from service.http.app_keys import run_query
from service.http.prefer import PREFER, PREFERENCE_APPLIED, parse_async_wait
from service.http.responses import JSON, respond, retry_after
from service.http.streaming import reset_on_failure, send_block
from service.http.upload.job import JOBS, ImportJob, import_location
from service.imports import outcomes
from service.imports.conflict_rules import Outcome
from service.imports.ending import COMMITS_LOST
from service.imports.lease import Lease
from service.imports.options import OutcomeFilter
from service.imports.outcomes import OutcomeQuery, Tally, format_outcome, summarize

MULTI_STATUS: Final = 207
_SUGGESTED_WAIT: Final = 30
"""Seconds, fewer than the time-outs of most proxies."""
MAX_LISTED_CONFLICTS: Final = 1000
"""Most errors in a 409; its ``Location`` has all of them."""


async def respond_to_import(request: web.Request, job: ImportJob[Any]) -> web.StreamResponse:
    """Run an import and answer with its outcomes, or with 202 if the request prefers that.

    Raises:
        ServiceError: the import failed, and nothing was sent.
        ConnectionError: the answer broke off, or the client closed the connection.
    """
    settings = request.app[app_keys.SETTINGS]
    wait = parse_async_wait(request)
    running = request.app[JOBS].begin(job)
    await job.received.wait()
    if job.lease is not None:  # the job bound it in its own task only
        structlog.contextvars.bind_contextvars(import_id=job.lease.import_id)
    if not running.done() and (limit := _time_to_wait(job, wait, settings.status_after)) != 0:
        await asyncio.wait({running}, timeout=limit)
    tally = running.result() if running.done() else None
    assert job.lease is not None  # else ``result`` has raised
    if wait is not None and (tally is None or not wait):
        return _accept(job.lease, wait)
    headers: dict[str, str] = {} if wait is None else {hdrs.VARY: PREFER}
    multistatus = MultiStatusResponse(request, job.lease, headers, job.outcomes)
    if tally is not None:
        return await multistatus.send(tally)
    return await multistatus.send_while_running(running, settings.keepalive_every)


def _time_to_wait(job: ImportJob[Any], wait: int | None, status_after: float) -> float | None:
    """Return how many seconds the answer waits for the end of the import; None is without limit."""
    if wait is None:
        return status_after
    # A replay ends soon, and refuses an upload that differs: no import would show that.
    return None if job.is_replay else wait


def _accept(lease: Lease, wait: int) -> web.Response:
    """Return the answer to a request that prefers not to wait for the import any longer."""
    location = import_location(lease.client_id, lease.import_id)
    fields = {"import_id": lease.import_id}
    applied = f"respond-async, wait={wait}" if wait else "respond-async"
    return respond(
        202,
        "Import accepted",
        f"The request is complete. `GET {location}?wait={_SUGGESTED_WAIT}` returns the import once "
        "it has ended",
        status="accepted",
        fields=fields | {"dry_run": True} if lease.options.dry_run else fields,
        headers={
            hdrs.LOCATION: location,
            hdrs.RETRY_AFTER: retry_after(),
            PREFERENCE_APPLIED: applied,
            hdrs.VARY: PREFER,
        },
    )


class MultiStatusResponse:
    """The answer to an upload whose body has been read.

    Args:
        request: the request to answer.
        lease: lease of the import.
        headers: headers in addition to ``Location``.
        known: the stored outcomes, in the order of the file; None to read them.
    """

    def __init__(
        self,
        request: web.Request,
        lease: Lease,
        headers: Mapping[str, str],
        known: Sequence[Mapping[str, Any]] | None = None,
    ) -> None:
        self._request = request
        self._app = request.app
        self._lease = lease
        location = import_location(lease.client_id, lease.import_id)
        self._headers = {hdrs.LOCATION: location, **headers}
        self._known = known

    async def send(self, tally: Tally) -> web.StreamResponse:
        """Answer for an import that has ended.

        Raises:
            Conflict: a lock or a version conflict refused every project.
            Unavailable: the outcomes cannot be read.
            ConnectionError: the answer broke off, and the connection was reset.
        """
        blocks = self._blocks(tally)
        try:
            if tally.conflict:
                raise await self._conflict(tally.conflict, tally.counts)
            first = await anext(blocks)
            if self._known is not None:
                body = first + b"".join([block async for block in blocks])
                return web.Response(
                    body=body,
                    status=MULTI_STATUS,
                    content_type=JSON,
                    charset="utf-8",
                    headers=self._headers,
                )
        except ServiceError as exc:
            exc.fields["import_id"] = self._lease.import_id
            exc.headers[hdrs.LOCATION] = self._headers[hdrs.LOCATION]
            raise
        with reset_on_failure(self._request):
            response = await self._begin()
            await send_block(self._request, response, first)
            await self._send_all(response, blocks)
        return response

    async def send_while_running(
        self, running: asyncio.Task[Tally], pause: float
    ) -> web.StreamResponse:
        """Begin the answer while the import runs, and send spaces until it ends.

        The status is 207 in every case, even if every project is refused.

        Args:
            running: the import.
            pause: seconds between two spaces.

        Raises:
            ConnectionError: as from ``send``; also if the import fails.
        """
        with reset_on_failure(self._request):
            response = await self._begin()
            while not running.done():
                await send_block(self._request, response, b" ")
                await asyncio.wait({running}, timeout=pause)
            await self._send_all(response, self._blocks(running.result()))
        return response

    async def _begin(self) -> web.StreamResponse:
        response = web.StreamResponse(
            status=MULTI_STATUS,
            headers=self._headers | {hdrs.CONTENT_TYPE: f"{JSON}; charset=utf-8"},
        )
        await response.prepare(self._request)
        return response

    async def _send_all(self, response: web.StreamResponse, blocks: AsyncIterator[bytes]) -> None:
        async for block in blocks:
            await send_block(self._request, response, block)
        await response.write_eof()

    async def _blocks(self, tally: Tally) -> AsyncIterator[bytes]:
        """Yield the JSON, a page of outcomes at a time; nothing precedes the first page."""
        opening = orjson.dumps(_head(tally, self._lease))[:-1] + b',"details":{"successes":['
        if self._lease.options.outcomes is OutcomeFilter.ALL:
            imported = sum(tally.counts[kind] for kind in outcomes.IMPORTED)
            async for items in self._items(outcomes.IMPORTED, imported):
                yield opening + items
                opening = b""
        opening += b'],"errors":['
        failed = tally.counts[Outcome.FAILED] + tally.refused_files
        async for items in self._items(outcomes.FAILED, failed):
            yield opening + items
            opening = b""
        yield opening + b'],"warnings":' + orjson.dumps(tally.warnings) + b'},"complete":true}'

    async def _items(self, kinds: tuple[Outcome, ...], number: int) -> AsyncIterator[bytes]:
        after, left = -1, number
        while left:
            if not (page := await self._page(kinds, after, outcomes.PAGE)):
                raise Unavailable(COMMITS_LOST)  # since they were counted
            yield (b"," if after >= 0 else b"") + orjson.dumps(page)[1:-1]
            after = page[-1]["index"]
            left -= len(page)

    async def _page(
        self, kinds: tuple[Outcome, ...], after: int, limit: int
    ) -> list[dict[str, Any]]:
        if self._known is not None:
            return [format_outcome(row) for row in self._known if row["outcome"] in kinds]
        lease = self._lease
        rows = await run_query(
            self._app,
            partial(
                outcomes.list_outcomes,
                client_id=lease.client_id,
                import_id=lease.import_id,
                attempt=lease.attempt,
                after=after,
                limit=limit,
                query=OutcomeQuery(kinds),
            ),
        )
        return list(map(format_outcome, rows))

    async def _conflict(self, details: str, counts: Mapping[str, int]) -> Conflict:
        errors = await self._page(outcomes.FAILED, -1, MAX_LISTED_CONFLICTS)
        return Conflict(details, fields={"counts": counts, "errors": errors})


def _head(tally: Tally, lease: Lease) -> dict[str, Any]:
    options = lease.options
    status, message = summarize(
        tally.counts, tally.files, dry_run=options.dry_run, undo=options.undo is not None
    )
    head = {
        "status": status,
        "code": MULTI_STATUS,
        "message": message,
        "counts": tally.counts,
        "files": None if tally.files is None else tally.files.as_dict(),
        "import_id": lease.import_id,
    }
    return head | {"dry_run": True} if options.dry_run else head
