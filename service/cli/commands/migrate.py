"""``bulk-import migrate``: create the schema, or bring it up to date."""

import asyncio
from typing import Annotated

import typer

from service.cli.database import (
    database_errors,
    load_settings,
    open_database,
    require_current_schema,
)
from service.cli.output import CommandError, print_line


def migrate(
    check: Annotated[
        bool,
        typer.Option("--check", help="Change nothing; exit with 2 if migrations are missing."),
    ] = False,
    grant_to: Annotated[
        str | None,
        typer.Option(
            metavar="ROLE", help="Grant this role the privileges that `serve` needs, and no others."
        ),
    ] = None,
    partitions: Annotated[
        int | None,
        typer.Option(
            min=2, max=1024, help="Split every table into this many partitions; it must be empty."
        ),
    ] = None,
) -> None:
    """Bring the schema of the database up to date."""
    from service.storage import migrate as migrations

    if check and (grant_to is not None or partitions is not None):
        raise CommandError("--check changes nothing: leave out --grant-to and --partitions")
    settings = load_settings()
    if check and settings.database_url is not None:
        require_current_schema(settings.database_url)
    else:
        with open_database(settings) as dsn:
            if settings.database_url is not None:
                _apply(dsn)
            if partitions is not None:
                _partition(dsn, partitions)
            if grant_to is not None:
                with database_errors():
                    asyncio.run(migrations.grant_privileges(dsn, grant_to))
    print_line("The schema is up to date.")


def _apply(dsn: str) -> None:
    from service.storage.migrate import MigrationError, migrate

    try:
        for name in migrate(dsn):
            print_line(f"Applied {name}")
    except MigrationError as error:
        raise CommandError(str(error)) from error


def _partition(dsn: str, number: int) -> None:
    from service.storage.partitions import PartitionError, partition_tables

    try:
        with database_errors():
            tables = asyncio.run(partition_tables(dsn, number))
    except PartitionError as error:
        raise CommandError(f"cannot partition: {error}") from error
    if tables:
        print_line(f"Partitioned {', '.join(tables)}")
