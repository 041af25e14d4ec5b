"""Files on their way: what of each is sent, under which key, and what became of it.

files ─▶ scanning: pieces, hash ─▶ keys ─▶ sending, piece by piece ─▶ failures: what is shown
"""

import asyncio
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Final

from rich.progress import Progress

from service.cli import keys, parts, scanning, sending
from service.cli.connecting import Service, Unanswered, at_service
from service.cli.failures import REFUSED, Piecewise, Report, Rows, csv_at
from service.cli.progress import Bar, bars
from service.cli.screen import Failure, command, console
from service.cli.sending import Asked, Refused, Watch
from service.cli.splitting import Cut

KINDS: Final = (".xml", ".xml.gz", ".zip")
"""What is taken of a folder."""


@dataclass
class Run:
    """What one call of the command is about.

    Attributes:
        asked: for every file.
        client: whom it is for.
        size: of pieces, or None where files are not cut.
        key: given for the one file, or None.
        as_json: how files are told of.
        latest: what was imported before, where a file's upload may have begun already.
        at_work: the file that is being sent, and its key.
    """

    asked: Asked
    client: int
    size: int | None
    key: str | None
    as_json: bool
    latest: list[keys.Import] = field(default_factory=list)
    at_work: tuple[str, str] | None = None


def found(files: Sequence[Path]) -> list[Path]:
    """The files named, and those in the folders named.

    Raises:
        Failure: one is not there, or a folder has none.
    """
    paths: list[Path] = []
    for file in files:
        if not file.exists():
            raise Failure(f"{file}: there is no such file")
        if not file.is_dir():
            paths.append(file)
            continue
        inside = sorted(path for path in file.rglob("*") if path.name.lower().endswith(KINDS))
        if not inside:
            raise Failure(f"{file}: there is no {', '.join(KINDS)} in this folder")
        paths += inside
    return paths


def check_key(key: str, files: int) -> None:
    """See whether a key can be one.

    Raises:
        Failure: it cannot.
    """
    if files > 1:
        raise Failure("--key is for one file, as each has a key of its own")
    if not key.isascii() or not key.isprintable() or not 0 < len(key) <= keys.LONGEST:
        raise Failure(f"--key must have 1 to {keys.LONGEST} characters of printable ASCII")


def upload(
    run: Run, paths: Sequence[Path], url: str | None, token: str | None, csv: Path | None
) -> int:
    """Send files one after the other, and tell of each.

    Returns:
        The code to end with.

    Raises:
        Failure: there is no service, or ``csv`` cannot be written.
    """
    try:
        with csv_at(csv) as rows:
            code = at_service(partial(_send_all, run, paths, rows), run.client, url, token)
    except KeyboardInterrupt:
        if run.at_work is not None:
            file, key = run.at_work
            print(
                f"Interrupted at {file}. The same command goes on with that import, or name its "
                f"key: --key {shlex.quote(key)}",
                file=sys.stderr,
            )
        raise
    if url is None and code < REFUSED and not run.as_json:
        _say_where(run.client)
    return code


async def _send_all(run: Run, paths: Sequence[Path], rows: Rows | None, service: Service) -> int:
    if run.key is None:
        try:
            run.latest = await keys.latest(service)
        except (Unanswered, Failure):
            run.latest = []  # sending says what is wrong, and tries again
    code = 0
    for done, path in enumerate(paths, 1):
        report = Report(str(path), rows)
        with bars() as progress:
            await _send(run, path, service, report, progress)
        if run.as_json:
            print(report.as_json(), flush=True)
        else:
            report.show()
        code = max(code, report.code)
        if report.unsent:
            if left := len(paths) - done:
                print(f"The service cannot be used: {left} more not sent", file=sys.stderr)
            break
    return code


async def _send(run: Run, path: Path, service: Service, report: Report, progress: Progress) -> None:
    """Send one file, whatever comes of it."""
    try:
        stamp = parts.stamp_of(path)
        report.bytes = stamp.size
        bar = Bar(progress, path.name, stamp.size)
        digest = blake2b(digest_size=32)
        cut = await asyncio.to_thread(_cut, run, path, digest, bar)
        report.pieces = len(cut.pieces)
        for duplicate in cut.duplicates:
            report.fail(duplicate.told())
        report.counts["failed"] += len(cut.duplicates)
        if cut.unused:
            report.warn(scanning.unused(cut.unused))
        await _send_pieces(run, path, stamp, cut, digest.digest(), service, report, bar)
    except Refused as refused:
        report.refusals.append(str(refused))
    except Failure as failure:
        report.refusals.append(str(failure).removeprefix(f"{path.name}: "))
        report.unsent = True
    except OSError as error:
        report.refusals.append(f"it cannot be read: {error.strerror or error}")
    run.at_work = None


def _cut(run: Run, path: Path, digest: "blake2b", bar: Bar) -> Cut:
    def seen(data: bytes) -> None:
        digest.update(data)
        bar.read(data)

    return scanning.whole(path, seen) if run.size is None else scanning.cut(path, run.size, seen)


async def _send_pieces(
    run: Run,
    path: Path,
    stamp: parts.Stamp,
    cut: Cut,
    content: bytes,
    service: Service,
    report: Report,
    bar: Bar,
) -> None:
    asked = {"notes": run.asked.notes, "size": run.size, **run.asked.options}
    stem = keys.stem(content, run.client, asked)
    begun = run.key or await _begun(service, stem, len(cut.pieces), run.latest)
    report.key = begun or keys.new(stem)
    run.at_work = report.file, report.key
    bar.begin(sum(piece.size for piece in cut.pieces))
    whole = len(cut.pieces) == 1 and not cut.duplicates
    for piece in cut.pieces:
        key = report.key
        if not whole:
            inside = await asyncio.to_thread(parts.content_hash, path, piece, stamp)
            key = keys.of_piece(key, inside)
        parcel = sending.Parcel(
            path.name,
            path,
            piece,
            stamp,
            key,
            known=not whole or run.key is None,
            begun=begun is not None,
        )
        await sending.send(
            service, parcel, run.asked, Piecewise(report, piece), Watch(bar.sent, bar.done)
        )
        bar.complete(piece.size, sum(report.counts.values()))


async def _begun(service: Service, stem: str, pieces: int, latest: list[keys.Import]) -> str | None:
    try:
        return await keys.begun(service, stem, pieces, latest)
    except (Unanswered, Failure):
        return None


def _say_where(client: int) -> None:
    """Print how to see the rows."""
    query = (
        "SELECT external_id, version, name, start, finish FROM current_projects "
        f"WHERE client_id = {client}"
    )
    out = console()
    out.print("The rows are in current_projects, current_tasks and the other views:")
    out.print(f"  {command()} psql -c {shlex.quote(query)}", soft_wrap=True)
