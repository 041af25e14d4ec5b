"""``bulk-import upload``: send files, wait for their outcomes, show them."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from service.cli import summary
from service.cli.database import load_settings, opened, require_current_schema
from service.cli.tokens import sign


def upload(
    files: Annotated[list[Path], typer.Argument(exists=True, dir_okay=False, help="XML files.")],
    client: Annotated[int, typer.Option(min=0, help="Client to import for.")],
    notes: Annotated[str | None, typer.Option(help="A comment on the import.")] = None,
    url: Annotated[str | None, typer.Option(help="The service, such as http://host:8080.")] = None,
    token: Annotated[
        str | None, typer.Option(envvar="BULK_IMPORT_TOKEN", help="By default one is made.")
    ] = None,
) -> None:
    """Import files and print what became of each project.

    Without --url: into the service that answers at the settings' address, or if none does into a
    service of its own on a free port, for as long as it takes. Ends with 0 where all landed, 1
    where projects failed, 2 where a file was refused.
    """
    # Here, as it takes longer to import than most other commands take in all.
    from service.cli import sending

    settings = load_settings()
    key = token or sign(settings, [client])
    base = url or asyncio.run(sending.running(settings))
    form = {} if notes is None else {"notes": notes}
    if base is not None:
        codes = asyncio.run(sending.send_all(base, client, key, files, form))
    else:
        with opened(settings) as dsn:
            require_current_schema(dsn)
            codes = asyncio.run(sending.send_to_own(settings, dsn, client, key, files, form))
    if url is None and min(codes) < summary.REFUSED:
        summary.where(client)
    raise typer.Exit(max(codes))
