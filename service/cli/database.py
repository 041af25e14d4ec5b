"""The database that a command uses, and the settings that choose it."""

import asyncio
import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from service.cli.environment import check_names, read_database_url
from service.cli.output import CommandError
from service.cli.progress import status

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

    from service.settings import Settings


def load_settings() -> "Settings":
    """Return the settings of the environment.

    Raises:
        CommandError: a setting has a bad value, or a variable is no setting; the message names it.
    """
    from pydantic import ValidationError

    from service.settings import Settings

    check_names(os.environ, {name.upper() for name in Settings.model_fields} - {"DATABASE_URL"})
    try:
        settings = Settings()
    except ValidationError as error:
        raise CommandError(_describe_value(error.errors()[0])) from error
    if settings.database_url is None:
        return settings
    url = read_database_url(settings.database_url)
    return settings.model_copy(update={"database_url": url})


def _describe_value(error: "ErrorDetails") -> str:
    """Return which setting has which bad value, and what it must be; no value of a secret."""
    name = str(error["loc"][0])
    variable = name.upper() if name.isupper() else f"BULK_IMPORT_{name.upper()}"
    if "ctx" in error and "error" in error["ctx"]:
        return f"{variable} {error['ctx']['error']}"
    problem = error["msg"][:1].lower() + error["msg"][1:]
    return f"{variable} is `{error['input']}`: {problem}"


def data_dir(settings: "Settings") -> Path:
    """Return the directory of the embedded database, which may not exist yet.

    Raises:
        CommandError: there is no default for this user.
    """
    from service.storage.embedded.program_files import EmbeddedError
    from service.storage.embedded.server import default_data_dir

    try:
        return settings.data_dir or default_data_dir()
    except EmbeddedError as error:
        raise CommandError(str(error)) from error


@contextlib.contextmanager
def open_database(settings: "Settings") -> Iterator[str]:
    """Yield the DSN of the database; start or join the embedded one, and migrate it.

    Raises:
        CommandError: the embedded database cannot be started or migrated.
    """
    if settings.database_url is not None:
        yield settings.database_url
        return
    from service.storage.embedded.program_files import EmbeddedError
    from service.storage.embedded.server import run_server
    from service.storage.migrate import MigrationError, migrate

    try:
        with contextlib.ExitStack() as stack:
            with status("Starting the database"):
                server = run_server(data_dir(settings), settings.embedded_version)
                dsn = stack.enter_context(server)
                migrate(dsn)
            yield dsn
    except (EmbeddedError, MigrationError) as error:
        raise CommandError(str(error)) from error


@contextlib.contextmanager
def database_errors() -> Iterator[None]:
    """Raise ``CommandError`` if the database is unreachable, or refuses or hides what is needed."""
    from service.cli.database_wait import describe_fault
    from service.errors import Unavailable
    from service.storage.db_errors import DATABASE_FAULTS

    try:
        yield
    except (Unavailable, *DATABASE_FAULTS) as error:
        remedy = "; check DATABASE_URL" if "DATABASE_URL" in os.environ else ""
        raise CommandError(
            f"the database cannot be used: {describe_fault(error)}{remedy}"
        ) from error


def await_database(
    settings: "Settings",
    dsn: str,
    *,
    within: float,
    report: Callable[[str, float], None],
    until_prepared: bool = False,
    until_migrated: bool = False,
) -> list[str]:
    """Wait for a database, as ``find_missing_migrations``; return the migrations that it lacks.

    Raises:
        CommandError: the database cannot be used in time, or waiting cannot help.
    """
    from service.cli.database_wait import find_missing_migrations

    with database_errors():
        return asyncio.run(
            find_missing_migrations(
                dsn,
                connect_timeout=settings.connect_timeout,
                within=within,
                until_prepared=until_prepared,
                until_migrated=until_migrated,
                report=report,
            )
        )


def require_current_schema(dsn: str) -> None:
    """Refuse a database that lacks migrations of this version.

    Raises:
        CommandError: migrations are missing, or the database does not answer.
    """
    from service.storage.migrate import pending_migrations

    with database_errors():
        refuse_missing(asyncio.run(pending_migrations(dsn)))


def refuse_missing(migrations: list[str]) -> None:
    """Raise ``CommandError`` if the database lacks migrations."""
    from service.cli.database_wait import describe_missing

    if migrations:
        raise CommandError(describe_missing(migrations))
