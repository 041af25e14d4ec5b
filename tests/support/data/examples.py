"""Run the examples of the documents on data as readers do: psql and Python, as their role."""

import csv
import io
import os
import platform
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import distribution, version
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from tests.support.data.document import Part
from tests.support.data.samples import TODAY
from tests.tools.reference.markdown import table

DATABASE: Final = "//portfolio@db.example.com/plans"
"""The address in the examples in Python, after its scheme."""


@dataclass(frozen=True, slots=True)
class Examples:
    """Where examples run.

    Attributes:
        dsn: URL of the database with the samples.
        role: role of the reader.
        programs: folder with psql.
        home: home directory of the examples in Python.
    """

    dsn: str
    role: str
    programs: Path
    home: Path

    def run(self, part: Part) -> str:
        """Return the result of the example of a part, as the document shows it."""
        return {"sql": self._query, "python": self._run_python}[part.language](part.code)

    def _query(self, query: str) -> str:
        psql = (self.programs / "psql", "--no-psqlrc", "--quiet", "--csv", self._address())
        variables = f"--set=today={TODAY:%Y-%m-%d}"
        done = subprocess.run(
            [*psql, "--set=ON_ERROR_STOP=1", variables],
            input=query,
            env=os.environ | {"PGTZ": "UTC"},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        head, *rows = csv.reader(io.StringIO(done.stdout))
        return table(head, ([cell.replace("|", "\\|") for cell in row] for row in rows))

    def _run_python(self, code: str) -> str:
        address = self._address().removeprefix("postgresql:")
        done = subprocess.run(
            [sys.executable, "-c", code.replace(DATABASE, address)],
            env=os.environ | {"HOME": str(self.home), "PGTZ": "UTC"},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return f"```text\n{done.stdout.rstrip()}\n```\n"

    def _address(self) -> str:
        parts = urlsplit(self.dsn)
        host = parts.netloc.rpartition("@")[2]
        return urlunsplit(parts._replace(netloc=f"{self.role}@{host}"))


def install_duckdb_extension(home: Path) -> None:
    """Put DuckDB's extension where INSTALL would download it to, from its package."""
    number = f"v{version('duckdb')}"
    package = distribution("duckdb-extension-postgres").locate_file("duckdb_extension_postgres")
    file = Path(str(package), "extensions", number, "postgres.duckdb_extension")
    machine = {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]
    folder = home / ".duckdb" / "extensions" / number / f"linux_{machine}"
    folder.mkdir(parents=True)
    (folder / "postgres_scanner.duckdb_extension").symlink_to(file)
