"""One file, or one piece of it, on its way to a service, as often as it takes.

nothing under the key  ─▶ send ─▶ 207 ─────────────────────────▶ outcomes
the connection broke   ─▶ pause, then look for the key's import:
    it runs            ─▶ wait for its end
    it is complete     ─▶ read its outcomes; nothing is sent again
    else               ─▶ send again: the service goes on with that import
408, 429, 502 to 504   ─▶ pause as long as the service says, send again
anything else          ─▶ Refused
"""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import aiohttp

from service.cli.answers import Cut, members
from service.cli.asking import find, follow, take_outcomes
from service.cli.connecting import LATER, Answer, Service, Unanswered, reached, whole
from service.cli.failures import Piecewise
from service.cli.parts import PieceFile, Sized, Stamp
from service.cli.patience import Patience
from service.cli.screen import Failure
from service.cli.splitting import Piece

SILENCE: Final = 300.0
"""Seconds without a byte in either direction after which a connection is given up: as a proxy that
gathers a whole request first says nothing while it hands it on."""
_LOOK: Final = 2.0
"""Seconds between two looks at how many projects are done: a heartbeat of the service."""
_UPLOADING: Final = aiohttp.ClientTimeout(total=None, sock_connect=30)


class Refused(Exception):
    """The service does not want it; a second try changes nothing."""


@dataclass(frozen=True)
class Asked:
    """What is asked for beside a file.

    Attributes:
        notes: a comment, or None.
        options: of the query.
        retry_for: seconds of pauses between tries.
    """

    notes: str | None
    options: Mapping[str, str]
    retry_for: float


@dataclass(frozen=True)
class Watch:
    """Who is told how far a piece is.

    Attributes:
        sent: of how many of its bytes were sent, by this try.
        done: of how many of its projects are done.
    """

    sent: Callable[[int], None]
    done: Callable[[int], None]


@dataclass(frozen=True)
class Parcel:
    """A piece that is to be sent.

    Attributes:
        name: of the file, for people.
        path: of the file.
        piece: of it.
        stamp: see ``PieceFile``.
        key: the idempotency key.
        known: the key stands for this content and no other.
        begun: an import under the key may be there already.
    """

    name: str
    path: Path
    piece: Piece
    stamp: Stamp
    key: str
    known: bool
    begun: bool


async def send(
    service: Service, parcel: Parcel, asked: Asked, into: Piecewise, watch: Watch
) -> None:
    """Send a piece until its outcomes are there.

    Args:
        into: takes the outcomes.

    Raises:
        Refused: the service does not want it.
        Failure: it could not be sent in the time that there is.
        OSError: the file cannot be read any more.
    """
    begun = parcel.begun

    async def attempt() -> Answer | None:
        nonlocal begun
        if begun and parcel.known and await _recover(service, parcel.key, into, watch):
            return None
        begun = True
        return await _attempt(service, parcel, asked, into, watch)

    patience = Patience(parcel.name, asked.retry_for)
    answer = await until_told(service, patience, attempt, into, _told(watch))
    if answer is not None:
        raise Refused(into.placed(str(answer)))


async def until_told(
    service: Service,
    patience: Patience,
    attempt: Callable[[], Awaitable[Answer | None]],
    into: Piecewise,
    told: Callable[[Mapping[str, Any]], None] = lambda _: None,
) -> Answer | None:
    """Try until the outcomes are there, or there can be none.

    Args:
        patience: how long, and what it is about.
        attempt: one try; gives the answer that is no 207, or None where the outcomes came.
        into: takes the outcomes.
        told: how far an import is that runs under the same key.

    Returns:
        The refusal, or None where the outcomes are there.

    Raises:
        Failure: it did not succeed in the time that there is.
    """
    while True:
        try:
            answer = await attempt()
            if answer is None:
                return None
            if in_progress(answer):
                where = f"import {answer.body['import_id']}"
                print(f"{patience.what}: {where} runs under the same key: waiting", file=sys.stderr)
                if await follow(service, answer.body["import_id"], told) is None:
                    await patience.pause(answer, answer.retry_after)
                continue
        except Unanswered as error:
            await patience.pause(error)
            continue
        if answer.status in LATER:
            await patience.pause(answer, answer.retry_after)
        elif "errors" in answer.body:
            await take_conflicts(service, answer, into)
            return None
        else:
            return answer


async def _recover(service: Service, key: str, into: Piecewise, watch: Watch) -> bool:
    """Take the outcomes of the key's import, if it has come to its end without us."""
    found = await find(service, key)
    if found is not None and found["state"] == "running":
        found = await follow(service, found["import_id"], _told(watch))
    if found is None:
        return False
    if found["state"] == "cancelled":
        raise Refused(f"import {found['import_id']} was cancelled: send it again with another key")
    if found["state"] != "completed":
        return False
    watch.done(sum((found["counts"] or {}).values()))
    await take_outcomes(service, found, into)
    return True


async def _attempt(
    service: Service, parcel: Parcel, asked: Asked, into: Piecewise, watch: Watch
) -> Answer | None:
    """Send it once; None where the outcomes came.

    Raises:
        Unanswered: the connection or the answer broke off.
        OSError: the file cannot be read.
    """
    with contextlib.closing(PieceFile(parcel.path, parcel.piece, parcel.stamp)) as file:
        form = _form(file, parcel, asked)
        try:
            with reached(service.root):
                async with asyncio.timeout(SILENCE) as limit:
                    watching = asyncio.create_task(_watch(service, parcel.key, file, watch, limit))
                    try:
                        return await _post(service, parcel.key, form, asked, into)
                    finally:
                        watching.cancel()
                        into.report.bytes_sent += file.given
        except Unanswered:
            if file.changed:
                raise OSError("the file was changed while it was sent: send it again") from None
            raise


def _form(file: PieceFile, parcel: Parcel, asked: Asked) -> aiohttp.MultipartWriter:
    form = aiohttp.MultipartWriter("form-data")
    if asked.notes is not None:
        notes = form.append(asked.notes)
        notes.set_content_disposition("form-data", name="notes")
    kind = "application/xml" if parcel.path.suffix == ".xml" else "application/octet-stream"
    body = Sized(file, parcel.piece.size, filename=parcel.path.name, content_type=kind)
    body.set_content_disposition("form-data", name="file", filename=parcel.path.name)
    form.append_payload(body)
    return form


async def _post(
    service: Service, key: str, form: aiohttp.MultipartWriter, asked: Asked, into: Piecewise
) -> Answer | None:
    async with service.session.post(
        service.address("projects/bulk"),
        params=asked.options,
        data=form,
        headers={"Idempotency-Key": key},
        expect100=True,
        timeout=_UPLOADING,
    ) as response:
        if response.status != 207:
            return await whole(response)
        await take(response.content.iter_any(), into)
        return None


async def take(chunks: AsyncIterator[bytes], into: Piecewise) -> None:
    """Take a 207 as it comes.

    Raises:
        Unanswered: it broke off.
    """
    head: dict[str, Any] = {}
    warnings = []
    try:
        async for name, value in members(chunks):
            if name == "successes":
                into.land(value)
            elif name == "errors":
                into.fail(value)
            elif name == "warnings":
                warnings.append(value)
            else:
                head[name] = value
    except Cut as error:
        raise Unanswered(str(error)) from error
    if head.get("complete") is not True:
        raise Unanswered("the answer broke off")
    for warning in warnings:
        into.warn(warning)
    into.report.end(head["import_id"], head["counts"], dry_run="dry_run" in head)


async def _watch(
    service: Service, key: str, file: PieceFile, watch: Watch, limit: asyncio.Timeout
) -> None:
    """Tell how far it is, and give the connection time while something goes on."""
    before = -1
    loop = asyncio.get_running_loop()
    while True:
        watch.sent(file.given)
        if file.given != before:
            before = file.given
            limit.reschedule(loop.time() + SILENCE)
        with contextlib.suppress(Unanswered, Failure):
            found = await find(service, key)
            if found is not None:
                _told(watch)(found)
                if found["state"] == "running":
                    limit.reschedule(loop.time() + SILENCE)
        await asyncio.sleep(_LOOK)


def _told(watch: Watch) -> Callable[[Mapping[str, Any]], None]:
    return lambda found: watch.done(found["projects_done"] or 0)


def in_progress(answer: Answer) -> bool:
    """Whether an import under the same key is running."""
    return answer.status == 409 and answer.details == "Import in progress"


async def take_conflicts(service: Service, answer: Answer, into: Piecewise) -> None:
    """Every project was refused by a lock or its version; the answer has the first of them."""
    counts = answer.body["counts"]
    for item in answer.body["errors"]:
        into.fail(item)
    import_id = answer.body.get("import_id")
    if counts["failed"] > len(answer.body["errors"]) and import_id is not None:
        found = await follow(service, import_id)
        if found is not None:
            await take_outcomes(service, found, into)
            return
    into.report.end(import_id, counts, dry_run=False)
