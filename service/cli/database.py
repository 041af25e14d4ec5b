"""Which database a command uses, and the commands about it."""

import asyncio
import contextlib
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import asyncpg
import typer
from asyncpg.exceptions import InternalClientError
from pydantic import ValidationError

from service.cli.screen import Failure
from service.settings import Settings
from service.storage import migrate as migrations
from service.storage.embedded import program_files
from service.storage.embedded import server as embedded
from service.storage.partitions import PartitionError, partition_tables


def load_settings() -> Settings:
    """The settings of the environment.

    Raises:
        Failure: one of them cannot be read; says which.
    """
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        variable = name.upper() if name.isupper() else f"BULK_IMPORT_{name.upper()}"
        raise Failure(f"{variable}: {first['msg']}") from error


def data_dir(settings: Settings) -> Path:
    """Where the embedded database is, or would be."""
    return settings.data_dir or embedded.default_data_dir()


@contextlib.contextmanager
def opened(settings: Settings) -> Iterator[str]:
    """The DSN of the database to use; the embedded one is started or joined, and migrated.

    Raises:
        EmbeddedError, MigrationError: the embedded one cannot be had.
    """
    if settings.database_url is not None:
        yield settings.database_url
        return
    with embedded.run_server(data_dir(settings), settings.embedded_version) as dsn:
        migrations.migrate(dsn)
        yield dsn


@contextlib.contextmanager
def reaching() -> Iterator[None]:
    """Say what could not be reached, where the database does not answer.

    Raises:
        Failure: in the place of asyncpg's and the system's own errors.
    """
    try:
        yield
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, InternalClientError) as error:
        reason = str(error) or "no answer in time"
        raise Failure(f"the database cannot be used: {reason}") from error


def require_current_schema(dsn: str) -> None:
    """Stop where the database is not what this version works with.

    Raises:
        Failure: it lacks migrations, or does not answer.
    """
    with reaching():
        missing = asyncio.run(migrations.pending_migrations(dsn))
    if missing:
        raise Failure(f"the database lacks {', '.join(missing)}: run `bulk-import migrate` first")


def migrate(
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; fail where migrations are missing.")
    ] = False,
    grant_to: Annotated[
        str | None,
        typer.Option(metavar="ROLE", help="Let this role do what `serve` needs, and no more."),
    ] = None,
    partitions: Annotated[
        int | None,
        typer.Option(min=2, max=1024, help="Have each table in so many; it must be empty yet."),
    ] = None,
) -> None:
    """Bring the database's schema up to date."""
    if check and (grant_to is not None or partitions is not None):
        raise Failure("--check changes nothing: leave out --grant-to and --partitions")
    settings = load_settings()
    if check and settings.database_url is not None:
        require_current_schema(settings.database_url)
    else:
        with opened(settings) as dsn:
            if settings.database_url is not None:
                for name in migrations.migrate(dsn):
                    typer.echo(f"Applied {name}")
            if partitions is not None:
                _partition(dsn, partitions)
            if grant_to is not None:
                with reaching():
                    asyncio.run(migrations.grant_privileges(dsn, grant_to))
    typer.echo("The schema is up to date.")


def _partition(dsn: str, number: int) -> None:
    try:
        with reaching():
            done = asyncio.run(partition_tables(dsn, number))
    except PartitionError as error:
        raise Failure(f"cannot partition: {error}") from error
    if done:
        typer.echo(f"Partitioned {', '.join(done)}")


def psql(
    arguments: Annotated[
        list[str] | None, typer.Argument(help="Arguments of psql, such as -c 'SELECT …'.")
    ] = None,
) -> None:
    """Open psql on the database."""
    settings = load_settings()
    with opened(settings) as dsn:
        # Ctrl-C is psql's, which cancels a query by it; we wait.
        signal.signal(signal.SIGINT, lambda *_: None)
        done = subprocess.run([_psql(settings), *(arguments or []), dsn])
    raise typer.Exit(done.returncode)


def _psql(settings: Settings) -> Path | str:
    if settings.database_url is None:
        root = data_dir(settings)
        return program_files.find_programs(settings.embedded_version, root).folder / "psql"
    found = shutil.which("psql")
    if found is None:
        raise Failure("psql is not installed")
    return found
