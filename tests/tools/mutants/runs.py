"""Runs tests in a copy of the checkout."""

import asyncio
import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import asyncpg

from tests.support.paths import CHECKOUT
from tests.tools.mutants.mutant import Mutant

HANG: Final = 90
"""Seconds after which a test counts as hanging."""
LONGEST: Final = 600
"""Seconds for all tests of a mutant."""
TRACING: Final = 3600
"""Seconds for all tests without a mutant."""

_PYTEST: Final = (
    *("-x", "-p", "no:cacheprovider", "-p", "no:randomly", "--tb=no", "--no-header"),
    *("-o", f"faulthandler_timeout={HANG}", "-o", "faulthandler_exit_on_timeout=true"),
)
_FAILED: Final = re.compile(r"^(?:FAILED|ERROR) (tests/\S+?::.+?)(?: - .*)?$", re.MULTILINE)
_TESTS_FAILED: Final = 1


@dataclass(frozen=True)
class Copy:
    """A copy of the checkout, with its compiled engine.

    Attributes:
        folder: the copy.
        server: DSN of the server for its tests.
    """

    folder: Path
    server: str

    @classmethod
    def make(cls, folder: Path, server: str) -> "Copy":
        """Copy all files that Git knows or would add, as they are now."""
        listing = ("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
        listed = subprocess.run(listing, cwd=CHECKOUT, stdout=subprocess.PIPE, check=True).stdout
        compiled = [path.relative_to(CHECKOUT) for path in (CHECKOUT / "service").rglob("*.so")]
        for path in {*map(Path, filter(None, listed.decode().split("\0"))), *compiled}:
            if (CHECKOUT / path).is_file():
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(CHECKOUT / path, folder / path)
        (folder / ".venv").symlink_to(CHECKOUT / ".venv")
        return cls(folder, server)

    @contextlib.contextmanager
    def mutated(self, mutant: Mutant) -> Iterator[None]:
        """Hold a mutant in the copy."""
        path = self.folder / mutant.path
        original = path.read_text()
        path.write_text(mutant.text)
        try:
            yield
        finally:
            path.write_text(original)

    def trace(self, tests: Sequence[str], file: Path) -> None:
        """Run tests without a mutant, and write to a file what those that pass enter."""
        plugin = (
            "-p",
            "tests.tools.mutants.tracing",
            f"--traces={file}",
            f"--traced={self.folder}",
        )
        hang = ("-o", f"faulthandler_timeout={LONGEST}", "--maxfail=1000")
        self._run(*plugin, *hang, *tests, longest=TRACING)

    def find_failure(self, tests: Sequence[str]) -> str | None:
        """Run tests up to the first that fails, also when it runs alone; return its name."""
        flaky: list[str] = []
        while True:
            code, output = self._run(*tests, *(f"--deselect={test}" for test in flaky))
            if code == 0:
                return None
            failed = _FAILED.search(output)
            if code != _TESTS_FAILED or failed is None:  # cannot be imported, or hangs
                return f"exit {code}"
            if self._run(failed[1])[0] != 0:
                return failed[1]
            flaky.append(failed[1])

    def _run(self, *arguments: str, longest: float = LONGEST) -> tuple[int, str]:
        """Run pytest; return its exit code, and what it printed."""
        environment = os.environ | {"PYTHONPATH": str(self.folder), "PYTHONDONTWRITEBYTECODE": "1"}
        process = subprocess.Popen(
            [sys.executable, "-m", "pytest", f"--server={self.server}", *_PYTEST, *arguments],
            cwd=self.folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        try:
            output, _ = process.communicate(timeout=longest)
        except subprocess.TimeoutExpired:
            output = "timed out"
        finally:
            with contextlib.suppress(ProcessLookupError):  # servers that the tests started
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            asyncio.run(_drop_databases(self.server, process.pid))
        return process.returncode, output


async def _drop_databases(server: str, pid: int) -> None:
    """Drop the databases that a process of tests left."""
    connection = await asyncpg.connect(server)
    try:
        left = "SELECT datname FROM pg_database WHERE starts_with(datname, $1)"
        for row in await connection.fetch(left, f"test_{pid}_"):
            await connection.execute(f"DROP DATABASE {row['datname']} WITH (FORCE)")
    finally:
        await connection.close()
