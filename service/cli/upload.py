"""``bulk-import upload``: what can be asked for. ``uploading`` does it."""

from pathlib import Path
from typing import Annotated, Final, Literal

import typer

from service.cli.around import RetryFor, Token, Url
from service.cli.screen import Failure

DEFAULT_SIZE: Final = 64 * 1024 * 1024
"""Bytes of a piece: what is sent again where a connection breaks."""


def upload(
    files: Annotated[list[Path], typer.Argument(help="XML files, or folders of them.")],
    client: Annotated[int, typer.Option(min=0, help="Client to import for.")],
    url: Url = None,
    token: Token = None,
    notes: Annotated[str | None, typer.Option(help="A comment on the import.")] = None,
    mode: Annotated[
        Literal["upsert", "create", "update"], typer.Option(help="Which projects may land.")
    ] = "upsert",
    atomic: Annotated[bool, typer.Option("--atomic", help="All of a file, or nothing.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Everything but the commit: nothing changes.")
    ] = False,
    split: Annotated[
        bool, typer.Option("--split", help="Cut files between projects, and send the pieces.")
    ] = False,
    split_size: Annotated[
        int | None, typer.Option(min=1, metavar="BYTES", help="About how large; implies --split.")
    ] = None,
    key: Annotated[str | None, typer.Option(help="Idempotency key, for one file.")] = None,
    retry_for: RetryFor = 300,
    as_json: Annotated[bool, typer.Option("--json", help="Print a line of JSON a file.")] = False,
    csv: Annotated[
        Path | None, typer.Option(dir_okay=False, help="Write the failures of all files there.")
    ] = None,
) -> None:
    """Import files and print what became of each project.

    Without --url: into the service that answers at the settings' address, or if none does into a
    service of its own on a free port, for as long as it takes. Ends with 0 where all landed, 1
    where projects failed, 2 where a file was refused or could not be sent.
    """
    # Here, as it takes longer to import than most other commands take in all.
    from service.cli import sending, uploading

    size = split_size or (DEFAULT_SIZE if split else None)
    if size is not None and atomic:
        raise Failure("--split and --atomic exclude each other: pieces land one by one")
    paths = uploading.found(files)
    if key is not None:
        uploading.check_key(key, len(paths))
    chosen = {"atomic": atomic, "dry_run": dry_run}
    options = {name: "true" for name, wanted in chosen.items() if wanted}
    if mode != "upsert":
        options["mode"] = mode
    asked = sending.Asked(notes, options, retry_for)
    run = uploading.Run(asked, client, size, key, as_json)
    raise typer.Exit(uploading.upload(run, paths, url, token, csv))
