"""Uploads files: packs them, sends one pack after another, and prints the results."""

import shlex
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from service.cli.client import ApiClient
from service.cli.connection import run_at_service
from service.cli.output import (
    REFUSED,
    CommandError,
    print_error,
    print_line,
    program_name,
)
from service.cli.progress import UploadBar
from service.cli.response import TemporaryFailure
from service.cli.upload import resume
from service.cli.upload.failures import FailureRows
from service.cli.upload.find import XER_SUFFIXES, SourceFile
from service.cli.upload.pack_upload import PackUpload
from service.cli.upload.packs import Pack, PackFile, make_packs
from service.cli.upload.report import write_failures
from service.cli.upload.run import UploadRun
from service.cli.upload.splitting.piece_file import FileStamp, read_stamp
from service.cli.upload.splitting.pieces import MIB
from service.cli.upload.summary import RunResults
from service.formats.encoding import FILE_ENCODINGS_SHOWN, charset_name

PACK_SIZE: Final = 64 * MIB
"""Default size of a pack or a piece in bytes. A broken connection costs at most one of them."""


def check_key(key: str) -> None:
    """Check a key that the user gives.

    Raises:
        CommandError: the key cannot be used.
    """
    if not key.isascii() or not key.isprintable() or not 0 < len(key) <= resume.MAX_KEY:
        raise CommandError(f"--key must have 1 to {resume.MAX_KEY} characters of printable ASCII")


def check_charset(charset: str, files: Iterable[SourceFile]) -> None:
    """Check the name of an encoding that the user gives, and warn if files do not get it.

    Raises:
        CommandError: the service does not support it, or no file gets it.
    """
    if charset_name(charset) is None:
        raise CommandError(f"--charset {charset!r} is not supported; use {FILE_ENCODINGS_SHOWN}")
    names = [each.path.name.lower() for each in files]
    if not any(name.endswith(XER_SUFFIXES) for name in names):
        raise CommandError("--charset is for files that end in .xer or .xer.gz, and there are none")
    if any(name.endswith(".zip") for name in names):
        print_error("--charset does not apply to the files in a ZIP: unpack it to name theirs")


def plan_packs(run: UploadRun, files: Iterable[SourceFile]) -> list[Pack]:
    """Pack the files. One that cannot be read fails when its pack is sent.

    Raises:
        CommandError: there is a key, and the files need several uploads.
    """

    def stamp(path: Path) -> FileStamp:
        try:
            return read_stamp(path)
        except OSError:
            return FileStamp(0, 0)

    stamped = (PackFile(path, name, stamp(path)) for path, name in files)
    packs = [*make_packs(stamped, run.piece_size or PACK_SIZE, one=run.atomic)]
    if run.key is not None and len(packs) > 1:
        raise CommandError(f"--key is for one upload, and these files need {len(packs)}")
    return packs


def upload_packs(
    run: UploadRun, packs: Sequence[Pack], url: str | None, token: str | None, csv: Path | None
) -> int:
    """Send packs one after another, and print the result of each file.

    Returns:
        The exit code.

    Raises:
        CommandError: there is no service, or ``csv`` cannot be written.
    """
    try:
        with write_failures(csv) as rows:
            code = run_at_service(partial(_upload_all, run, packs, rows), run.client, url, token)
    except KeyboardInterrupt:
        _print_interruption(run, packs)
        raise
    code = code or 0
    is_dry = "dry_run" in run.options.query
    if url is None and code < REFUSED and not run.as_json and not is_dry:
        _print_query(run.client)
    return code


def _print_interruption(run: UploadRun, packs: Sequence[Pack]) -> None:
    """Print what was kept, and how to continue."""
    done = f"What was imported stays{run.bar.describe_done()}."
    if run.current is None and run.bar.files_done:
        print_error(f"Interrupted between two uploads. {done}")
        print_error("Run the same command again to send the others")
        return
    if run.current is None:
        print_error("Interrupted before anything was sent. Run the same command again to send it")
        return
    title, key = run.current
    print_error(f"Interrupted at {title}. {done}")
    named = f", or name its key: --key {shlex.quote(key)}" if len(packs) == 1 else ""
    print_error(f"Run the same command again to continue this import{named}")


async def _upload_all(
    run: UploadRun, packs: Sequence[Pack], rows: FailureRows | None, api: ApiClient
) -> int:
    if run.key is None:
        try:
            run.recent = await resume.list_recent(api)
        except (TemporaryFailure, CommandError):
            run.recent = []  # the upload itself reports the problem, and tries again
    left = sum(len(pack.files) for pack in packs)
    results = RunResults(as_json=run.as_json, is_single=left == 1, rows=rows)
    run.bar = bar = UploadBar(left, sum(pack.size for pack in packs))
    try:
        with bar.shown():
            for pack in packs:
                left -= len(pack.files)
                reports = await PackUpload(run, api, results.failures, bar).upload(pack)
                with bar.hidden():
                    results.add(reports)
                if any(report.unsent for report in reports):
                    if left:
                        print_error(f"The service cannot be used: {left} more not sent")
                    break
    finally:
        results.print()  # of what was done, also after Ctrl-C
    return results.exit_code


def _print_query(client: int) -> None:
    """Print a command that queries the imported rows."""
    query = f"SELECT name, start, finish FROM current_projects WHERE client_id = {client}"
    print_line("The rows are in current_projects, current_tasks and the other views:")
    print_line(f"  {program_name()} psql -c {shlex.quote(query)}")
