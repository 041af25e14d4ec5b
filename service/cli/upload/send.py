"""Sends one upload, a pack of files or a piece of a file, until its outcomes are known.

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
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

import aiohttp

from service.cli.client import ApiClient, Backoff
from service.cli.output import CommandError, print_error
from service.cli.progress import UploadBar
from service.cli.response import (
    MALFORMED,
    RETRY_STATUSES,
    ApiResponse,
    TemporaryFailure,
)
from service.cli.upload.answers import (
    MAX_SILENCE,
    post_for_outcomes,
    read_conflicts,
    read_stored_outcomes,
    show_done,
)
from service.cli.upload.form import UploadForm, UploadOptions, UploadPart
from service.cli.upload.sinks import OutcomeSink

_PROGRESS_INTERVAL: Final = 2.0
"""Seconds between two requests for the number of projects done, as between heartbeats."""
_IN_PROGRESS: Final = "Import in progress"
_UPLOAD_TIMEOUT: Final = aiohttp.ClientTimeout(total=None, sock_connect=30)


class Refused(Exception):
    """The service refuses an upload, and another attempt would not change that."""


@dataclass(frozen=True)
class Upload:
    """An upload to send.

    Attributes:
        title: its name for messages.
        parts: the files, or one piece of a file.
        key: idempotency key.
        may_recover: whether a completed import with this key is this upload. The command then reads
            its outcomes instead of sending it again.
        is_resumed: whether an earlier run may have sent it.
    """

    title: str
    parts: Sequence[UploadPart]
    key: str
    may_recover: bool
    is_resumed: bool

    @property
    def size(self) -> int:
        """The size of its files in bytes."""
        return sum(part.piece.size for part in self.parts)


async def send_upload(
    api: ApiClient, upload: Upload, options: UploadOptions, into: OutcomeSink, bar: UploadBar
) -> None:
    """Send an upload until its outcomes are known.

    Raises:
        Refused: the service refuses the upload.
        CommandError: it could not be sent within the time for retries.
        UnreadableFile: a file can no longer be read.
    """
    was_sent = upload.is_resumed

    async def attempt() -> ApiResponse | None:
        nonlocal was_sent
        if was_sent and upload.may_recover and await _recover(api, upload.key, into, bar):
            return None
        was_sent = True
        return await _attempt(api, upload, options, into, bar)

    backoff = Backoff(upload.title, options.retry_for)
    refusal = await retry_until_outcomes(api, backoff, attempt, into, bar)
    if refusal is not None:
        piece = upload.parts[0].piece
        where = "" if piece.is_whole_file else f" (piece from line {piece.first_line} on)"
        raise Refused(f"{refusal}{where}")


async def retry_until_outcomes(
    api: ApiClient,
    backoff: Backoff,
    attempt: Callable[[], Awaitable[ApiResponse | None]],
    into: OutcomeSink,
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
                if await api.wait_for_import(import_id, show_done(bar)) is None:
                    await backoff.pause(response, response.retry_after)
                continue
        except TemporaryFailure as error:
            await backoff.pause(error)
            continue
        if response.status in RETRY_STATUSES:
            await backoff.pause(response, response.retry_after)
        elif "errors" in response.body:
            await read_conflicts(api, response, into)
            return None
        else:
            return response


def _is_in_progress(response: ApiResponse) -> bool:
    """Whether another import, such as one with the same key, excludes this one while it runs."""
    return response.status == 409 and response.body.get("details") == _IN_PROGRESS


async def _recover(api: ApiClient, key: str, into: OutcomeSink, bar: UploadBar) -> bool:
    """Read the outcomes of the import with the key, if it is completed or completes now."""
    found = await api.find_import(key)
    if found is not None and found["state"] == "running":
        found = await api.wait_for_import(found["import_id"], show_done(bar))
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
    api: ApiClient, upload: Upload, options: UploadOptions, into: OutcomeSink, bar: UploadBar
) -> ApiResponse | None:
    """Send an upload once; return the refusal, or None if the outcomes are read.

    Raises:
        TemporaryFailure: the connection or the response broke off.
        UnreadableFile: a file cannot be read.
    """
    with (
        contextlib.closing(UploadForm(upload.parts, options.notes)) as form,
        bar.following(form),
    ):
        try:
            async with _silence_timeout() as extend:
                watching = asyncio.create_task(_watch(api, upload.key, form, bar, extend))
                try:
                    return await post_for_outcomes(
                        api,
                        "projects/bulk",
                        upload.key,
                        into,
                        on_block=extend,
                        params=options.query,
                        data=form.body,
                        expect100=True,
                        timeout=_UPLOAD_TIMEOUT,
                    )
                finally:
                    watching.cancel()
                    into.add_sent(form.count_by_name())
        except (TemporaryFailure, TimeoutError) as error:
            form.check_files()
            if isinstance(error, TimeoutError):
                raise TemporaryFailure(f"no byte for {MAX_SILENCE:.0f} seconds") from error
            raise


@contextlib.asynccontextmanager
async def _silence_timeout() -> AsyncIterator[Callable[[], None]]:
    """Raise TimeoutError after ``MAX_SILENCE``; yield a function that restarts the time."""
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(MAX_SILENCE) as limit:

        def extend() -> None:
            if not limit.expired():
                limit.reschedule(loop.time() + MAX_SILENCE)

        yield extend


async def _watch(
    api: ApiClient, key: str, form: UploadForm, bar: UploadBar, extend: Callable[[], None]
) -> None:
    """Show the progress, and extend the time limit while bytes are sent or the import runs."""
    before = -1
    while True:
        if form.bytes_read != before:
            before = form.bytes_read
            extend()
        with contextlib.suppress(TemporaryFailure, CommandError, *MALFORMED):
            found = await api.find_import(key)
            if found is not None:
                show_done(bar)(found)
                if found["state"] == "running":
                    extend()
        await asyncio.sleep(_PROGRESS_INTERVAL)
