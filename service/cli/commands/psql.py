"""``bulk-import psql``: the PostgreSQL shell."""

import shutil
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from service.cli.database import data_dir, load_settings, open_database
from service.cli.output import CommandError

if TYPE_CHECKING:
    from service.settings import Settings


def psql(
    arguments: Annotated[
        list[str] | None, typer.Argument(help="Arguments for psql, such as -c 'SELECT …'.")
    ] = None,
) -> None:
    """Open psql on the database."""
    settings = load_settings()
    with open_database(settings) as dsn:
        # psql handles Ctrl-C itself: it cancels the running query.
        signal.signal(signal.SIGINT, lambda *_: None)
        done = subprocess.run([_find_psql(settings), *(arguments or []), dsn])
    raise typer.Exit(done.returncode)


def _find_psql(settings: "Settings") -> Path | str:
    if settings.database_url is None:
        from service.storage.embedded import program_files

        root = data_dir(settings)
        return program_files.find_programs(settings.embedded_version, root).folder / "psql"
    path = shutil.which("psql")
    if path is None:
        raise CommandError("psql is not installed")
    return path
