"""The database that a command uses, and the settings that choose it."""

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from service.cli.output import CommandError

if TYPE_CHECKING:
    from service.settings import Settings


def load_settings() -> "Settings":
    """Return the settings of the environment.

    Raises:
        CommandError: a setting has a bad value; the message names it.
    """
    from pydantic import ValidationError

    from service.settings import Settings

    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        variable = name.upper() if name.isupper() else f"BULK_IMPORT_{name.upper()}"
        raise CommandError(f"{variable}: {first['msg']}") from error


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
        with run_server(data_dir(settings), settings.embedded_version) as dsn:
            migrate(dsn)
            yield dsn
    except (EmbeddedError, MigrationError) as error:
        raise CommandError(str(error)) from error


@contextlib.contextmanager
def database_errors() -> Iterator[None]:
    """Raise ``CommandError`` if the database is unreachable, or refuses or hides what is needed."""
    import asyncpg
    from asyncpg.exceptions import InternalClientError

    from service.errors import Unavailable

    try:
        yield
    except Unavailable as error:
        raise CommandError(f"the database cannot be used: {error}") from error
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, InternalClientError) as error:
        reason = str(error) or "no answer in time"
        raise CommandError(f"the database cannot be used: {reason}") from error


def require_current_schema(dsn: str) -> None:
    """Refuse a database that lacks migrations of this version.

    Raises:
        CommandError: migrations are missing, or the database does not answer.
    """
    from service.storage.migrate import pending_migrations

    with database_errors():
        missing = asyncio.run(pending_migrations(dsn))
    if missing:
        names = ", ".join(missing)
        raise CommandError(f"the database lacks {names}: run `bulk-import migrate` first")
