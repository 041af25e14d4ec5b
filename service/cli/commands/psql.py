"""``bulk-import psql``: the PostgreSQL shell."""

import os
import shutil
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import unquote, urlsplit, urlunsplit

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
        address, password = split_password(dsn)
        done = subprocess.run(
            [_find_psql(settings), *(arguments or []), address], env=os.environ | password
        )
    raise typer.Exit(done.returncode)


def split_password(dsn: str) -> tuple[str, dict[str, str]]:
    """Return a URL without its password, and the variable of psql that has it.

    Every user can read a command line.
    """
    parts = urlsplit(dsn)
    login, at, hosts = parts.netloc.rpartition("@")
    role, colon, password = login.partition(":")
    if not colon:
        return dsn, {}
    address = urlunsplit(parts._replace(netloc=f"{role}{at}{hosts}"))
    return address, {"PGPASSWORD": unquote(password)}


def _find_psql(settings: "Settings") -> Path | str:
    if settings.database_url is None:
        from service.storage.embedded import program_files

        root = data_dir(settings)
        return program_files.find_programs(settings.embedded_version, root).folder / "psql"
    path = shutil.which("psql")
    if path is None:
        raise CommandError("psql is not installed")
    return path
