"""``bulk-import upload``: its options; ``service.cli.upload`` does the work."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from service.cli.commands.options import ClientId, RetryFor, Token, Url
from service.cli.output import CommandError, print_error
from service.control_characters import find_excluded


def upload(
    files: Annotated[
        list[Path], typer.Argument(help="Files to import, or folders to search for them.")
    ],
    client: ClientId,
    url: Url = None,
    token: Token = None,
    notes: Annotated[
        str | None, typer.Option(help="Comment that is stored with the import.")
    ] = None,
    mode: Annotated[
        Literal["upsert", "create", "update"],
        typer.Option(help="Import all projects, only new ones, or only known ones."),
    ] = "upsert",
    atomic: Annotated[
        bool, typer.Option("--atomic", help="Import all projects of all files, or none.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Report what would happen, and change nothing.")
    ] = False,
    if_newer: Annotated[
        bool,
        typer.Option("--if-newer", help="Refuse projects that are older than the stored version."),
    ] = False,
    split: Annotated[
        bool, typer.Option("--split", help="Split files between projects, and send the pieces.")
    ] = False,
    split_size: Annotated[
        int | None,
        typer.Option(min=1, metavar="BYTES", help="Approximate size of a piece; implies --split."),
    ] = None,
    charset: Annotated[
        str | None,
        typer.Option(help="Encoding of .xer and .xer.gz files, such as windows-1251."),
    ] = None,
    key: Annotated[
        str | None, typer.Option(help="Idempotency key, if all files fit in one upload.")
    ] = None,
    retry_for: RetryFor = 300,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one line of JSON for each file.")
    ] = False,
    csv: Annotated[
        Path | None,
        typer.Option(dir_okay=False, help="Write the failures of all files to this CSV file."),
    ] = None,
) -> None:
    """Import files and print their outcomes. Small files go together in few uploads.

    Without --url, the files go to the service that answers at BULK_IMPORT_HOST and
    BULK_IMPORT_PORT. If none answers, the command starts a service for the time of the upload.

    Exit codes: 0 if all projects were imported, 1 if projects failed, 2 if a file was refused or
    could not be sent.
    """
    from service.cli.upload import files as uploads
    from service.cli.upload.find import describe_left_out, find_files
    from service.cli.upload.form import UploadOptions
    from service.cli.upload.run import UploadRun

    piece_size = split_size or (uploads.PACK_SIZE if split else None)
    if piece_size is not None and atomic:
        raise CommandError("--split and --atomic exclude each other: each piece is one import")
    if notes is not None and (excluded := find_excluded(notes)):
        raise CommandError(f"--notes has the control character {excluded}")
    if key is not None:
        uploads.check_key(key)
    flags = {"atomic": atomic, "dry_run": dry_run, "if_newer": if_newer}
    query = {name: "true" for name, is_set in flags.items() if is_set}
    if mode != "upsert":
        query["mode"] = mode
    run = UploadRun(
        UploadOptions(notes, query, retry_for, charset),
        client,
        piece_size,
        key,
        atomic,
        as_json=as_json,
    )
    found = find_files(files)
    if charset is not None:
        uploads.check_charset(charset, found.files)
    packs = uploads.plan_packs(run, found.files)
    if found.left_out:
        print_error(describe_left_out(found.left_out))
    raise typer.Exit(uploads.upload_packs(run, packs, url, token, csv))
