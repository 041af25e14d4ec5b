"""The installed program as users run it."""

import contextlib
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from tempfile import TemporaryFile
from typing import Final

from tests.support.fork_server import can_fork, fork_server

_LONGEST: Final = 180
"""Seconds that a command may run."""


@dataclass(frozen=True)
class CommandLine:
    """``bulk-import`` in a given environment; extra settings by keyword."""

    environment: dict[str, str]

    def __call__(self, *arguments: object, **settings: str) -> subprocess.CompletedProcess[str]:
        environment = self.environment | settings
        words = [*map(str, arguments)]
        if can_fork(words, environment):
            return _run_copy(words, environment)
        return subprocess.run(
            self._command(arguments),
            env=environment,
            capture_output=True,
            text=True,
            timeout=_LONGEST,
        )

    def ok(self, *arguments: object, **settings: str) -> str:
        """Run a command that must end with 0, and return its output."""
        done = self(*arguments, **settings)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def begin(self, *arguments: object, **settings: str) -> subprocess.Popen[str]:
        """Start a command, with pipes for its output."""
        return subprocess.Popen(
            self._command(arguments),
            env=self.environment | settings,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def refuses(self, *arguments: object, **settings: str) -> str:
        """Run a command that must end with 2, and return its one line of error."""
        done = self(*arguments, **settings)
        assert done.returncode == 2, done.stdout
        *progress, line = done.stderr.splitlines()
        assert "Traceback" not in progress
        assert line.startswith("bulk-import: ")
        return line.removeprefix("bulk-import: ")

    @contextlib.contextmanager
    def serving(self, **settings: str) -> Iterator[str]:
        """``serve`` on a free port until the block ends; then it must end with 0 by SIGTERM."""
        with self.serving_process(**settings) as (process, base):
            yield base
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0

    @contextlib.contextmanager
    def serving_process(self, **settings: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
        """``serve`` on a free port, and its address; it must not print a traceback.

        It leads its own process group, as under a terminal.
        """
        with subprocess.Popen(
            self._command(["serve"]),
            env=self.environment | {"BULK_IMPORT_PORT": "0"} | settings,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        ) as process:
            assert process.stdout is not None
            line = process.stdout.readline()
            try:
                assert line.startswith("Serving on "), line
                yield process, line.split()[2]
            finally:
                process.terminate()
                _, said = process.communicate()
                assert "Traceback" not in said, said

    @staticmethod
    def _command(arguments: object) -> list[str]:
        assert isinstance(arguments, (list, tuple))
        return [sys.executable, "-m", "service", *map(str, arguments)]


def _run_copy(
    arguments: list[str], environment: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    with TemporaryFile("w+") as output, TemporaryFile("w+") as errors:
        descriptor = fork_server().start(arguments, environment, output.fileno(), errors.fileno())
        with open(descriptor) as report:
            pid = int(report.readline())
            if not select.select([report], [], [], _LONGEST)[0]:
                os.kill(pid, signal.SIGKILL)
                raise subprocess.TimeoutExpired(arguments, _LONGEST)
            code = int(report.readline())
        output.seek(0)
        errors.seek(0)
        return subprocess.CompletedProcess(arguments, code, output.read(), errors.read())
