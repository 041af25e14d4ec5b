"""The command line as users run it, with a separate embedded database for each test.

The database has client 1, Demo.
"""

import asyncio
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.storage import migrate
from service.storage.embedded import server
from tests.support.command_line import CommandLine
from tests.support.databases import ADD_CLIENT, execute


@pytest.fixture(scope="session")
def initialized_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data directory of a migrated embedded database: a copy is faster than a new one."""
    root = tmp_path_factory.mktemp("embedded")
    with server.run_server(root, "18") as dsn:
        migrate.migrate(dsn)
        asyncio.run(execute(dsn, ADD_CLIENT))
    return root


@pytest.fixture
def environment(tmp_path: Path, initialized_database: Path) -> dict[str, str]:
    """The environment of the tests with no settings but those of a separate embedded database."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("BULK_IMPORT_") and name != "DATABASE_URL"
    }
    data = tmp_path / "data"
    subprocess.run(["cp", "-a", initialized_database, data], check=True)  # keeps the owner
    return kept | {"BULK_IMPORT_DATA_DIR": str(data), "BULK_IMPORT_PORT": "0"}


@pytest.fixture
def cli(environment: dict[str, str]) -> CommandLine:
    return CommandLine(environment)


@pytest.fixture
def joined(cli: CommandLine) -> Iterator[CommandLine]:
    """Commands join a running server, so that not each of them starts and stops it."""
    with server.run_server(Path(cli.environment["BULK_IMPORT_DATA_DIR"]), "18"):
        yield cli
