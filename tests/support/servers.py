"""A PostgreSQL server for tests."""

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from service.storage import migrate
from service.storage.embedded.server import run_server
from service.storage.partitions import partition_tables
from tests.support.databases import execute

PLAIN: Final = "migrated"
PARTITIONED: Final = "partitioned"
_PARTITIONS: Final = 4


@contextlib.contextmanager
def run_migrated_server(folder: Path, version: str) -> Iterator[str]:
    """Run a server whose databases ``migrated`` and ``partitioned`` are up to date.

    Yields:
        The DSN of the server.
    """
    with run_server(folder, version) as dsn:
        asyncio.run(execute(dsn, f"CREATE DATABASE {PLAIN}"))
        # No test cuts the power, and what a killed server has written is there without.
        asyncio.run(execute(dsn, "ALTER SYSTEM SET fsync = off"))
        asyncio.run(execute(dsn, "SELECT pg_reload_conf()"))
        migrate.migrate(database_dsn(dsn, PLAIN))
        asyncio.run(execute(dsn, f"CREATE DATABASE {PARTITIONED} TEMPLATE {PLAIN}"))
        asyncio.run(partition_tables(database_dsn(dsn, PARTITIONED), _PARTITIONS))
        yield dsn


def database_dsn(dsn: str, name: str) -> str:
    """Return the DSN of another database of the same server."""
    return urlunsplit(urlsplit(dsn)._replace(path=f"/{name}"))
