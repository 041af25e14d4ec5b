"""``bulk-import migrate``: create the schema, or bring it up to date."""

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from service.cli.database import (
    await_database,
    database_errors,
    load_settings,
    open_database,
    refuse_missing,
)
from service.cli.output import CommandError, print_error, print_line
from service.cli.progress import status

if TYPE_CHECKING:
    from service.settings import Settings


def migrate(
    check: Annotated[
        bool,
        typer.Option("--check", help="Change nothing; exit with 2 if migrations are missing."),
    ] = False,
    wait: Annotated[
        float,
        typer.Option(
            min=0,
            metavar="SECONDS",
            help="Wait for a database that cannot be used yet, and with --check for migrations.",
        ),
    ] = 0,
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
    distribute: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=1024,
            metavar="SHARDS",
            help="Distribute every table over the nodes of a Citus cluster.",
        ),
    ] = None,
    grant_reader: Annotated[
        str | None,
        typer.Option(
            metavar="ROLE", help="Let this role read the schema `report`, limited to --client."
        ),
    ] = None,
    revoke_reader: Annotated[
        str | None,
        typer.Option(
            metavar="ROLE", help="Stop this role from reading --client, or all without it."
        ),
    ] = None,
    client: Annotated[
        list[int] | None,
        typer.Option(min=0, max=10**18 - 1, metavar="ID", help="Client of the reader; repeatable."),
    ] = None,
) -> None:
    """Bring the schema of the database up to date."""
    readers = (grant_reader, revoke_reader)
    if check and any(each is not None for each in (grant_to, partitions, distribute, *readers)):
        raise CommandError("--check changes nothing: leave out the options that change something")
    if partitions is not None and distribute is not None:
        raise CommandError("use either --partitions or --distribute")
    if client and not any(readers):
        raise CommandError("--client belongs to --grant-reader or --revoke-reader")
    if grant_reader is not None and not client:
        raise CommandError("--grant-reader needs --client: a reader sees only the clients it names")
    settings = load_settings()
    if distribute is not None and settings.database_url is None:
        raise CommandError("--distribute needs a Citus cluster: set DATABASE_URL")
    if check and settings.database_url is not None:
        refuse_missing(_await_database(settings, settings.database_url, wait, until_migrated=True))
    else:
        with open_database(settings) as dsn:
            if settings.database_url is not None:
                if wait:
                    _await_database(settings, dsn, wait, until_migrated=False)
                _apply(dsn, distribute)
            if partitions is not None:
                _partition(dsn, partitions)
            if grant_to is not None:
                _grant(dsn, grant_to, wait)
            _change_readers(dsn, grant_reader, revoke_reader, client)
    print_line("The schema is up to date.")


def _await_database(
    settings: "Settings", dsn: str, wait: float, *, until_migrated: bool
) -> list[str]:
    return await_database(
        settings,
        dsn,
        within=wait,
        until_prepared=True,
        until_migrated=until_migrated,
        report=_report,
    )


def _report(reason: str, left: float) -> None:
    print_error(f"Waiting for the database, up to {left:.0f} s: {reason}")


def _apply(dsn: str, shards: int | None) -> None:
    """Apply the migrations, and distribute the tables, if they shall be or are distributed."""
    from service.storage.citus import distribution
    from service.storage.migrate import MigrationError, migrate

    try:
        with database_errors():
            has_citus, distributed = asyncio.run(distribution.read_state(dsn))
        with status("Applying migrations"):
            applied = migrate(dsn, citus=has_citus)
        for name in applied:
            print_line(f"Applied {name}")
        if distributed or shards is not None:
            with database_errors():
                shards = shards or distribution.DEFAULT_SHARDS
                with status("Distributing tables"):
                    tables = asyncio.run(distribution.distribute_tables(dsn, shards))
                for table in tables:
                    print_line(f"Distributed {table}")
    except (MigrationError, distribution.DistributionError) as error:
        raise CommandError(str(error)) from error


def _grant(dsn: str, role: str, wait: float) -> None:
    """Grant the role of the service its rights; an operator may create it after the database."""
    from service.cli.database_wait import grant_when_role_exists

    with database_errors():
        asyncio.run(grant_when_role_exists(dsn, role, within=wait, report=_report))


def _change_readers(
    dsn: str, granted: str | None, revoked: str | None, clients: list[int] | None
) -> None:
    from service.storage.readers import ReaderError, grant_reader, revoke_reader

    try:
        with database_errors():
            if revoked is not None:
                asyncio.run(revoke_reader(dsn, revoked, clients or None))
            if granted is not None:
                asyncio.run(grant_reader(dsn, granted, clients or []))
    except ReaderError as error:
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
