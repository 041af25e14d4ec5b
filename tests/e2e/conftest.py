"""The command line as users run it, with a separate embedded database for each test."""

import os
import subprocess
from pathlib import Path

import pytest

from service.storage import migrate
from service.storage.embedded import server
from tests.support.command_line import CommandLine


@pytest.fixture(scope="session")
def initialized_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data directory of a migrated embedded database: a copy is faster than a new one."""
    root = tmp_path_factory.mktemp("embedded")
    with server.run_server(root, "18") as dsn:
        migrate.migrate(dsn)
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
