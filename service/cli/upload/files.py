"""Uploads files one after another: splits, resumes, sends and reports."""

import asyncio
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Final

from service.cli.client import ApiClient
from service.cli.connection import run_at_service
from service.cli.output import (
    REFUSED,
    CommandError,
    UploadBar,
    print_error,
    print_line,
    program_name,
    progress_bars,
)
from service.cli.response import TemporaryFailure
from service.cli.upload import resume
from service.cli.upload.piece_file import FileStamp, hash_piece, read_stamp
from service.cli.upload.report import FailureRows, FileReport, PieceReport, write_failures
from service.cli.upload.scan import keep_whole, split_file
from service.cli.upload.send import PieceUpload, Refused, UploadOptions, send_piece
from service.cli.upload.split import SplitFile
from service.formats.p6.shared_objects import unused_objects
from service.imports.outcomes import format_refusal

if TYPE_CHECKING:
    from rich.progress import Progress

SUFFIXES: Final = (".xml", ".xml.gz", ".zip")
"""Endings of the files in a folder that are uploaded."""


@dataclass
class UploadRun:
    """One run of the command.

    Attributes:
        options: for every file.
        client: id of the client.
        piece_size: approximate size of a piece in bytes, or None if files are not split.
        key: of the only file, if the user gives one.
        as_json: whether results are printed as JSON.
        recent: imports that can include an unfinished upload of a file.
        current: the file that is sent now, and its key.
    """

    options: UploadOptions
    client: int
    piece_size: int | None
    key: str | None
    as_json: bool
    recent: list[resume.RecentImport] = field(default_factory=list)
    current: tuple[str, str] | None = None


def find_files(paths: Sequence[Path]) -> list[Path]:
    """Return the files in ``paths``, and the files in its folders.

    Raises:
        CommandError: a path does not exist, or a folder has no file to upload.
    """
    files: list[Path] = []
    for path in paths:
        if not path.exists():
            raise CommandError(f"{path}: there is no such file")
        if not path.is_dir():
            files.append(path)
            continue
        inside = sorted(file for file in path.rglob("*") if file.name.lower().endswith(SUFFIXES))
        if not inside:
            raise CommandError(f"{path}: there is no {', '.join(SUFFIXES)} in this folder")
        files += inside
    return files


def check_key(key: str, files: int) -> None:
    """Check a key that the user gives for ``files`` files.

    Raises:
        CommandError: the key cannot be used.
    """
    if files > 1:
        raise CommandError("--key is for one file, because each file has its own key")
    if not key.isascii() or not key.isprintable() or not 0 < len(key) <= resume.MAX_KEY:
        raise CommandError(f"--key must have 1 to {resume.MAX_KEY} characters of printable ASCII")


def upload_files(
    run: UploadRun, paths: Sequence[Path], url: str | None, token: str | None, csv: Path | None
) -> int:
    """Send files one after another, and print the result of each.

    Returns:
        The exit code.

    Raises:
        CommandError: there is no service, or ``csv`` cannot be written.
    """
    try:
        with write_failures(csv) as rows:
            code = run_at_service(partial(_upload_all, run, paths, rows), run.client, url, token)
    except KeyboardInterrupt:
        if run.current is not None:
            file, key = run.current
            print_error(
                f"Interrupted at {file}. Run the same command again to continue this import, or "
                f"name its key: --key {shlex.quote(key)}"
            )
        raise
    code = code or 0
    if url is None and code < REFUSED and not run.as_json:
        _print_query(run.client)
    return code


async def _upload_all(
    run: UploadRun, paths: Sequence[Path], rows: FailureRows | None, api: ApiClient
) -> int:
    if run.key is None:
        try:
            run.recent = await resume.list_recent(api)
        except (TemporaryFailure, CommandError):
            run.recent = []  # the upload itself reports the problem, and tries again
    code = 0
    for number, path in enumerate(paths, 1):
        report = FileReport(str(path), rows)
        with progress_bars() as progress:
            await _upload_file(run, path, api, report, progress)
        report.print(as_json=run.as_json)
        code = max(code, report.exit_code)
        if report.unsent:
            if left := len(paths) - number:
                print_error(f"The service cannot be used: {left} more not sent")
            break
    return code


async def _upload_file(
    run: UploadRun, path: Path, api: ApiClient, report: FileReport, progress: "Progress"
) -> None:
    """Upload one file. The report has the result, even if the upload fails."""
    try:
        stamp = read_stamp(path)
        report.bytes = stamp.size
        bar = UploadBar(progress, path.name, stamp.size)
        digest = blake2b(digest_size=32)
        split = await asyncio.to_thread(_split, run, path, digest, bar)
        report.pieces = len(split.pieces)
        for duplicate in split.duplicates:
            report.add_failure(format_refusal(duplicate))
        report.counts["failed"] += len(split.duplicates)
        if split.unused:
            report.add_file_warning(unused_objects(split.unused).as_dict())
        await _send_pieces(run, path, stamp, split, digest.digest(), api, report, bar)
    except Refused as refused:
        report.refusals.append(str(refused))
    except CommandError as error:
        report.refusals.append(str(error).removeprefix(f"{path.name}: "))
        report.unsent = True
    except OSError as error:
        report.refusals.append(f"it cannot be read: {error.strerror or error}")
    run.current = None


def _split(run: UploadRun, path: Path, digest: "blake2b", bar: UploadBar) -> SplitFile:
    def on_read(data: bytes) -> None:
        digest.update(data)
        bar.add_read(data)

    if run.piece_size is None:
        return keep_whole(path, on_read)
    return split_file(path, run.piece_size, on_read)


async def _send_pieces(
    run: UploadRun,
    path: Path,
    stamp: FileStamp,
    split: SplitFile,
    content: bytes,
    api: ApiClient,
    report: FileReport,
    bar: UploadBar,
) -> None:
    request = {"notes": run.options.notes, "size": run.piece_size, **run.options.query}
    prefix = resume.key_prefix(content, run.client, request)
    resumed = run.key or await _find_unfinished(api, prefix, len(split.pieces), run.recent)
    report.key = resumed or resume.new_key(prefix)
    run.current = report.file, report.key
    bar.begin_sending(sum(piece.size for piece in split.pieces))
    is_whole = len(split.pieces) == 1 and not split.duplicates
    for piece in split.pieces:
        key = report.key
        if not is_whole:
            piece_hash = await asyncio.to_thread(hash_piece, path, piece, stamp)
            key = resume.piece_key(key, piece_hash)
        upload = PieceUpload(
            path,
            piece,
            stamp,
            key,
            may_recover=not is_whole or run.key is None,
            is_resumed=resumed is not None,
        )
        await send_piece(api, upload, run.options, PieceReport(report, piece), bar)
        bar.end_piece(piece.size, sum(report.counts.values()))


async def _find_unfinished(
    api: ApiClient, prefix: str, pieces: int, recent: list[resume.RecentImport]
) -> str | None:
    try:
        return await resume.find_unfinished(api, prefix, pieces, recent)
    except (TemporaryFailure, CommandError):
        return None


def _print_query(client: int) -> None:
    """Print a command that queries the imported rows."""
    query = (
        "SELECT external_id, version, name, start, finish FROM current_projects "
        f"WHERE client_id = {client}"
    )
    print_line("The rows are in current_projects, current_tasks and the other views:")
    print_line(f"  {program_name()} psql -c {shlex.quote(query)}")
