"""Sends one file, or one piece of a file, until its outcomes are known.

nothing under the key   ─▶ send ─▶ 207 ─────────────────────────▶ outcomes
the connection broke    ─▶ pause, then look for the key's import:
    it is running       ─▶ wait for its end
    it is complete      ─▶ read its outcomes; nothing is sent again
    otherwise           ─▶ send again: the service continues that import
408, 429, 502 to 504    ─▶ pause as long as the service asks for, send again
anything else           ─▶ Refused
"""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import aiohttp

from service.cli.client import ApiClient, Backoff
from service.cli.output import CommandError, UploadBar, print_error
from service.cli.response import (
    MALFORMED,
    RETRY_STATUSES,
    ApiResponse,
    TemporaryFailure,
    read_members,
    read_response,
)
from service.cli.upload.piece_file import FileStamp, PieceFile, SizedPayload
from service.cli.upload.report import PieceReport
from service.cli.upload.split import Piece

MAX_SILENCE: Final = 300.0
"""Seconds without a byte in either direction after which the command drops a connection. The limit
is long, because a proxy that buffers a complete request is silent while it forwards it."""
_PROGRESS_INTERVAL: Final = 2.0
"""Seconds between two requests for the number of projects done, as between heartbeats."""
_IN_PROGRESS: Final = "Import in progress"
_UPLOAD_TIMEOUT: Final = aiohttp.ClientTimeout(total=None, sock_connect=30)
_UNDO_TIMEOUT: Final = aiohttp.ClientTimeout(total=None, sock_connect=30, sock_read=MAX_SILENCE)


class Refused(Exception):
    """The service refuses a file, and another attempt would not change that."""


@dataclass(frozen=True)
class UploadOptions:
    """The options of the user, for every file.

    Attributes:
        notes: a comment, or None.
        query: parameters of the request.
        retry_for: total time in seconds of the pauses between attempts.
    """

    notes: str | None
    query: Mapping[str, str]
    retry_for: float


@dataclass(frozen=True)
class PieceUpload:
    """A piece to send.

    Attributes:
        path: of the file.
        piece: of the file.
        stamp: of the file when it was split.
        key: idempotency key.
        may_recover: whether a completed import with this key is this upload. The command then reads
            its outcomes instead of sending the piece again.
        is_resumed: whether an earlier run may have sent the piece.
    """

    path: Path
    piece: Piece
    stamp: FileStamp
    key: str
    may_recover: bool
    is_resumed: bool


async def send_piece(
    api: ApiClient, upload: PieceUpload, options: UploadOptions, into: PieceReport, bar: UploadBar
) -> None:
    """Send a piece until its outcomes are known.

    Raises:
        Refused: the service refuses the piece.
        CommandError: the piece could not be sent within the time for retries.
        OSError: the file can no longer be read.
    """
    was_sent = upload.is_resumed

    async def attempt() -> ApiResponse | None:
        nonlocal was_sent
        if was_sent and upload.may_recover and await _recover(api, upload.key, into, bar):
            return None
        was_sent = True
        return await _attempt(api, upload, options, into, bar)

    backoff = Backoff(upload.path.name, options.retry_for)
    refusal = await retry_until_outcomes(api, backoff, attempt, into, bar)
    if refusal is not None:
        piece = upload.piece
        where = "" if piece.is_whole_file else f" (piece from line {piece.first_line} on)"
        raise Refused(f"{refusal}{where}")


async def retry_until_outcomes(
    api: ApiClient,
    backoff: Backoff,
    attempt: Callable[[], Awaitable[ApiResponse | None]],
    into: PieceReport,
    bar: UploadBar | None = None,
) -> ApiResponse | None:
    """Repeat an attempt until its outcomes are read, or the service refuses the request.

    Args:
        attempt: returns the response, or None if it has read the outcomes.
        bar: shows the progress of an import that already runs with the key.

    Returns:
        The refusal, or None if the outcomes are read.

    Raises:
        CommandError: no attempt succeeded within the time for retries.
    """
    while True:
        try:
            response = await attempt()
            if response is None:
                return None
            if _is_in_progress(response):
                import_id = response.body["import_id"]
                message = f"import {import_id} is running: waiting for its end"
                print_error(f"{backoff.name}: {message}")
                if await api.wait_for_import(import_id, _show_progress(bar)) is None:
                    await backoff.pause(response, response.retry_after)
                continue
        except TemporaryFailure as error:
            await backoff.pause(error)
            continue
        if response.status in RETRY_STATUSES:
            await backoff.pause(response, response.retry_after)
        elif "errors" in response.body:
            await _read_conflicts(api, response, into)
            return None
        else:
            return response


def _is_in_progress(response: ApiResponse) -> bool:
    """Whether another import, such as one with the same key, excludes this one while it runs."""
    return response.status == 409 and response.body.get("details") == _IN_PROGRESS


async def _recover(api: ApiClient, key: str, into: PieceReport, bar: UploadBar) -> bool:
    """Read the outcomes of the import with the key, if it is completed or completes now."""
    found = await api.find_import(key)
    if found is not None and found["state"] == "running":
        found = await api.wait_for_import(found["import_id"], _show_progress(bar))
    if found is None:
        return False
    if found["state"] == "cancelled":
        raise Refused(f"import {found['import_id']} was cancelled: use another key to upload it")
    if found["state"] != "completed":
        return False
    bar.set_done(sum((found["counts"] or {}).values()))
    await read_stored_outcomes(api, found, into)
    return True


async def _attempt(
    api: ApiClient, upload: PieceUpload, options: UploadOptions, into: PieceReport, bar: UploadBar
) -> ApiResponse | None:
    """Send a piece once; return the refusal, or None if the outcomes are read.

    Raises:
        TemporaryFailure: the connection or the response broke off.
        OSError: the file cannot be read.
    """
    with contextlib.closing(PieceFile(upload.path, upload.piece, upload.stamp)) as file:
        form = _make_form(file, upload, options)
        try:
            async with _silence_timeout() as extend:
                watching = asyncio.create_task(_watch(api, upload.key, file, bar, extend))
                try:
                    return await post_for_outcomes(
                        api,
                        "projects/bulk",
                        upload.key,
                        into,
                        on_block=extend,
                        params=options.query,
                        data=form,
                        expect100=True,
                        timeout=_UPLOAD_TIMEOUT,
                    )
                finally:
                    watching.cancel()
                    into.file.bytes_sent += file.bytes_read
        except (TemporaryFailure, TimeoutError) as error:
            if file.changed:
                raise OSError("the file was changed while it was sent: send it again") from None
            if isinstance(error, TimeoutError):
                raise TemporaryFailure(f"no byte for {MAX_SILENCE:.0f} seconds") from error
            raise


def _make_form(
    file: PieceFile, upload: PieceUpload, options: UploadOptions
) -> aiohttp.MultipartWriter:
    form = aiohttp.MultipartWriter("form-data")
    if options.notes is not None:
        notes = form.append(options.notes)
        notes.set_content_disposition("form-data", name="notes")
    name = os.fsencode(upload.path.name).decode("utf-8", "replace")
    kind = "application/xml" if upload.path.suffix == ".xml" else "application/octet-stream"
    body = SizedPayload(file, upload.piece.size, filename=name, content_type=kind)
    body.set_content_disposition("form-data", name="file", filename=name)
    form.append_payload(body)
    return form


@contextlib.asynccontextmanager
async def _silence_timeout() -> AsyncIterator[Callable[[], None]]:
    """Raise TimeoutError after ``MAX_SILENCE``; yield a function that restarts the time."""
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(MAX_SILENCE) as limit:

        def extend() -> None:
            if not limit.expired():
                limit.reschedule(loop.time() + MAX_SILENCE)

        yield extend


async def post_for_outcomes(
    api: ApiClient,
    path: str,
    key: str,
    into: PieceReport,
    on_block: Callable[[], None] = lambda: None,
    **request: Any,
) -> ApiResponse | None:
    """Send a request whose response has outcomes, and read them.

    Args:
        key: idempotency key.
        on_block: called for each block of the response.
        request: arguments of aiohttp's ``request``.

    Returns:
        The response, or None if it was a 207 and its outcomes are read.

    Raises:
        TemporaryFailure: the connection or the response broke off.
    """
    request = {"timeout": _UNDO_TIMEOUT, **request}
    async with api.send("POST", path, headers={"Idempotency-Key": key}, **request) as response:
        if response.status != 207:
            return await read_response(response)
        await _read_outcomes(response, into, on_block)
        return None


async def _read_outcomes(
    response: aiohttp.ClientResponse, into: PieceReport, on_block: Callable[[], None]
) -> None:
    head: dict[str, Any] = {}
    warnings = []
    async for name, value in read_members(response, on_block):
        if name == "successes":
            into.add_success(value)
        elif name == "errors":
            into.add_failure(value)
        elif name == "warnings":
            if into.file.take_room(value):
                warnings.append(value)
        elif name in ("import_id", "counts", "dry_run"):
            head[name] = value
    for warning in warnings:
        into.add_file_warning(warning)
    into.file.add_import(head["import_id"], head["counts"], dry_run="dry_run" in head)


async def read_stored_outcomes(api: ApiClient, ended: Mapping[str, Any], into: PieceReport) -> None:
    """Read the stored outcomes of an import that has ended.

    Args:
        ended: the import, as the service describes it.
    """
    async for item in api.list_items(f"imports/{ended['import_id']}/results", {}, "results"):
        if "error" in item:
            into.add_failure(item)
        else:
            into.add_success(item)
    for warning in ended["warnings"]:
        into.add_file_warning(warning)
    dry_run = bool(ended["options"].get("dry_run"))
    into.file.add_import(ended["import_id"], ended["counts"] or {}, dry_run=dry_run)


async def _watch(
    api: ApiClient, key: str, file: PieceFile, bar: UploadBar, extend: Callable[[], None]
) -> None:
    """Show the progress, and extend the time limit while bytes are sent or the import runs."""
    before = -1
    while True:
        bar.set_sent(file.bytes_read)
        if file.bytes_read != before:
            before = file.bytes_read
            extend()
        with contextlib.suppress(TemporaryFailure, CommandError, *MALFORMED):
            found = await api.find_import(key)
            if found is not None:
                _show_progress(bar)(found)
                if found["state"] == "running":
                    extend()
        await asyncio.sleep(_PROGRESS_INTERVAL)


def _show_progress(bar: UploadBar | None) -> Callable[[Mapping[str, Any]], None]:
    def show(state: Mapping[str, Any]) -> None:
        if bar is not None:
            bar.set_done(state["projects_done"] or 0)

    return show


async def _read_conflicts(api: ApiClient, response: ApiResponse, into: PieceReport) -> None:
    """Read a 409 in which locks or versions refused every project; it lists the first of them."""
    counts, errors = response.body["counts"], response.body["errors"]
    for item in errors:
        into.add_failure(item)
    import_id = response.body.get("import_id")
    if counts["failed"] > len(errors) and import_id is not None:
        found = await api.wait_for_import(import_id, _show_progress(None))
        if found is not None:
            await read_stored_outcomes(api, found, into)
            return
        listed = f"the response lists {len(errors)} of {counts['failed']} failures"
        message = f"{into.file.file}: {listed}, and the token may not read the others"
        print_error(message)
    into.file.add_import(import_id, counts, dry_run=False)
