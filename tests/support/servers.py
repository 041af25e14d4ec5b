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
from tests.support import citus
from tests.support.databases import execute
from tests.support.faults.cluster import citus_nodes

PLAIN: Final = "migrated"
PARTITIONED: Final = "partitioned"
_PARTITIONS: Final = 4


@contextlib.contextmanager
def run_migrated_server(folder: Path, version: str) -> Iterator[str]:
    """Run a server whose databases ``migrated`` and ``partitioned`` are up to date.

    With Citus, ``distributed`` is the second one.

    Yields:
        The DSN of the server.
    """
    with _run_server(folder, version) as dsn:
        asyncio.run(execute(dsn, f"CREATE DATABASE {PLAIN}"))
        # No test cuts the power, and what a killed server has written is there without.
        asyncio.run(execute(dsn, "ALTER SYSTEM SET fsync = off"))
        asyncio.run(execute(dsn, "SELECT pg_reload_conf()"))
        migrate.migrate(database_dsn(dsn, PLAIN))
        if version == citus.VERSION:
            asyncio.run(execute(dsn, f"CREATE DATABASE {citus.DISTRIBUTED} TEMPLATE {PLAIN}"))
            citus.create_template(database_dsn(dsn, citus.DISTRIBUTED))
        else:
            asyncio.run(execute(dsn, f"CREATE DATABASE {PARTITIONED} TEMPLATE {PLAIN}"))
            asyncio.run(partition_tables(database_dsn(dsn, PARTITIONED), _PARTITIONS))
        yield dsn


@contextlib.contextmanager
def _run_server(folder: Path, version: str) -> Iterator[str]:
    if version != citus.VERSION:
        with run_server(folder, version) as dsn:
            yield dsn
        return
    with citus_nodes() as coordinator:
        yield coordinator.dsn()


def database_dsn(dsn: str, name: str) -> str:
    """Return the DSN of another database of the same server."""
    return urlunsplit(urlsplit(dsn)._replace(path=f"/{name}"))
