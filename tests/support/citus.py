"""Citus for tests: a coordinator, two workers, and databases that exist on all three.

``scripts/citus.sh`` installs Citus for Debian's PostgreSQL. Each test gets copies of one
distributed database, one on each node.
"""

import asyncio
import contextlib
import time
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from service.storage.citus import distribution
from service.storage.embedded import program_files
from service.storage.embedded.program_files import Programs
from tests.support.databases import execute

VERSION: Final = "citus"
"""Selects Citus where a version of PostgreSQL is expected."""
DISTRIBUTED: Final = "distributed"
"""The database that tests copy."""
WORKERS: Final = 2
SHARDS: Final = 4
"""Few, because a copy takes a file for each index of each shard."""
OPTIONS: Final = {
    "shared_preload_libraries": "citus",
    "max_connections": "300",
    "max_worker_processes": "64",
    "max_locks_per_transaction": "256",
    # The certificates that Citus makes need a home directory, which the account may not have.
    "citus.node_conninfo": "sslmode=disable",
    # citus.sql sets these for a database, but they are not copied with it.
    "citus.override_table_visibility": "off",
    "citus.propagate_set_commands": "local",
    "citus.node_connection_timeout": "5s",
}
NO_TRIGGERS: Final = "triggers are not supported on distributed tables"
_PROGRAMS: Final = Path("/usr/lib/postgresql/17/bin")
_nodes: Final[dict[int, list[int]]] = {}
"""The ports of the workers, by that of their coordinator."""


def find_programs(version: str, data: Path) -> Programs:
    """Return the programs of a server: the embedded ones, or those that have Citus."""
    if version == VERSION:
        return Programs(_PROGRAMS, program_files.server_account(data))
    return program_files.find_programs(version, data)


def options_for(version: str) -> dict[str, str]:
    """Return the settings that a server of a version needs."""
    return OPTIONS if version == VERSION else {}


@contextlib.contextmanager
def register_workers(coordinator: int, workers: list[int]) -> Iterator[None]:
    """Let ``nodes`` know the ports of a cluster while it runs."""
    _nodes[coordinator] = workers
    try:
        yield
    finally:
        del _nodes[coordinator]


def nodes(dsn: str) -> list[str]:
    """Return the DSNs of a database on the coordinator and the workers; one without Citus."""
    parts = urlsplit(dsn)
    workers = _nodes.get(parts.port or 0, [])
    return [
        dsn,
        *(urlunsplit(parts._replace(netloc=f"postgres@127.0.0.1:{port}")) for port in workers),
    ]


def distribute(dsn: str) -> None:
    """Create the database on the workers, and distribute the tables of the one that is migrated."""
    _run(join(dsn))
    _run(distribution.distribute_tables(dsn, SHARDS))


def create_template(dsn: str) -> None:
    """Distribute a migrated database of a coordinator, and let nobody into it from then on."""
    distribute(dsn)
    _run(_freeze(dsn))


def _run(work: Coroutine[Any, Any, object]) -> None:
    """Run a coroutine to its end, also where an event loop runs."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, work).result()


async def join(dsn: str) -> None:
    """Create the database of a coordinator on its workers, and have the nodes know each other."""
    for worker in nodes(dsn)[1:]:
        if (name := urlsplit(dsn).path[1:]) != "postgres":
            await execute(_server(worker), f"CREATE DATABASE {name}")
    for node in nodes(dsn):
        await execute(node, "CREATE EXTENSION citus")
    coordinator, *workers = (urlsplit(node).port for node in nodes(dsn))
    await execute(dsn, f"SELECT citus_set_coordinator_host('127.0.0.1', {coordinator})")
    for port in workers:
        await execute(dsn, f"SELECT citus_add_node('127.0.0.1', {port})")


async def _freeze(dsn: str) -> None:
    """End all sessions, also that of Citus' daemon: only an unused database can be copied."""
    name = urlsplit(dsn).path[1:]
    for node in nodes(dsn):
        server = _server(node)
        await execute(server, f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        end = f"""SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                   WHERE datname = '{name}'"""
        deadline = time.monotonic() + 30
        while await execute(server, end):
            if time.monotonic() > deadline:
                raise TimeoutError(f"sessions of {name} do not end")
            await asyncio.sleep(0.05)


async def create(server: str, name: str, template: str) -> None:
    """Create a copy of a database, on each node that has it."""
    # Copying files is the faster strategy for create and drop together.
    text = f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY"
    await _everywhere(server, template, text)


async def drop(server: str, name: str, template: str) -> None:
    """Drop the copies of ``create``."""
    while True:
        try:
            await _everywhere(server, template, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
            return
        except asyncpg.ObjectInUseError:  # Citus' daemon does not always end at the first signal
            await asyncio.sleep(0.1)


async def _everywhere(server: str, template: str, statement: str) -> None:
    on = nodes(server) if template == DISTRIBUTED else [server]
    await asyncio.gather(*(execute(node, statement) for node in on))


def _server(dsn: str) -> str:
    return urlunsplit(urlsplit(dsn)._replace(path="/postgres"))


async def citus_version(dsn: str) -> str:
    """Return what Citus says of itself."""
    connection = await asyncpg.connect(dsn)
    try:
        return str(await connection.fetchval("SELECT citus_version()"))
    finally:
        await connection.close()
