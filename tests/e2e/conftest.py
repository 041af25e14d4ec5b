"""The command line as users run it, with a separate embedded database for each test."""

import os
from pathlib import Path

import pytest

from tests.support.command_line import CommandLine


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """The tests' environment, without settings but for an embedded database of the test's own."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("BULK_IMPORT_") and name != "DATABASE_URL"
    }
    return kept | {
        "BULK_IMPORT_DATA_DIR": str(tmp_path / "data"),
        "BULK_IMPORT_PORT": "0",
    }


@pytest.fixture
def cli(environment: dict[str, str]) -> CommandLine:
    return CommandLine(environment)
