"""Send a mix of uploads and reads for a limited time.

    python -m tests.tools.load

Without ``--host`` it starts a service with default settings and its own PostgreSQL. It writes
``build/load/report.html`` and ``summary.json``. The exit code is 0 if every response was expected.
"""

import argparse
import asyncio
import contextlib
import json
import os
import subprocess
import sys
import tempfile
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

from tests.support.paths import CHECKOUT
from tests.tools.bench.database import add_clients, server
from tests.tools.bench.process import ends_all_on_sigterm, prepare, serving, sign

OUT: Final = CHECKOUT / "build" / "load"
SUMMARY: Final = OUT / "summary.json"
CLIENTS: Final = "1,2,3,4,5"
PROJECTS_PER_MB: Final = 250
MIX: Final = ("Integration", "Portfolio")
"""Classes of users in the mix."""
DEFAULTS: Final[dict[str, object]] = {"log_level": "info", "prune": True}
"""Settings for which the benchmark has other values."""


def main() -> int:
    """The code to end with."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.tools.load", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("--host", help="a service that runs, such as http://127.0.0.1:8080")
    parser.add_argument("--token", help="for it; by default one as `make run` prints it")
    parser.add_argument("--seconds", type=int, default=60, help="how long (default %(default)s)")
    add_options(parser)
    asked = parser.parse_args()
    ends_all_on_sigterm()
    if asked.host is None:
        return asyncio.run(serve_and_load(asked))
    if asked.token is None:
        asked.token = token(asked.clients)
    return asyncio.run(load(asked, asked.host, asked.token))


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that describe the users."""
    parser.add_argument("--clients", default=CLIENTS, help="that exist (default %(default)s)")
    parser.add_argument("--users", type=int, default=20, help="at a time (default %(default)s)")
    parser.add_argument("--large-mb", type=int, default=100, help="of a large upload")


def token(clients: str) -> str:
    """Create a token that this machine's service accepts at its default settings."""
    named = [word for client in clients.split(",") for word in ("--client", client)]
    command = [sys.executable, "-m", "service", "token", *named]
    return subprocess.check_output(command, cwd=CHECKOUT, text=True).strip()


async def serve_and_load(asked: argparse.Namespace) -> int:
    """Start a service with its own PostgreSQL, and run ``load`` on it."""
    OUT.mkdir(parents=True, exist_ok=True)
    # Not /tmp, which may be memory: there fsync costs nothing.
    with (
        tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR", "/var/tmp")) as name,
        (OUT / "service.log").open("wb") as log,
    ):
        async with server(Path(name) / "db") as database:
            await prepare(database)
            await add_clients(database)
            signed = await sign(database)
            async with serving(database, signed, log, **DEFAULTS) as service:
                return await load(asked, service.base, signed)


async def load(asked: argparse.Namespace, host: str, token: str) -> int:
    """Run locust for ``asked.seconds``, and return its exit code: 1 if anything failed."""
    async with users(asked, host, token, *MIX, f"--run-time={asked.seconds}s") as locust:
        code = await locust.wait()
    tell(summary())
    return code


@contextlib.asynccontextmanager
async def users(
    asked: argparse.Namespace,
    host: str,
    token: str,
    *arguments: str,
    told: Path = Path(os.devnull),
) -> AsyncIterator[Process]:
    """Run locust; the block waits for its end.

    It ends after its run time or at SIGUSR1, and waits two minutes for running requests.

    Args:
        asked: with how many users, as which clients.
        host: the service.
        token: good for the clients.
        arguments: classes of ``users.py``, and further ones of locust's command.
        told: file that receives a line for each project that a response reports as imported.
    """
    OUT.mkdir(parents=True, exist_ok=True)
    SUMMARY.unlink(missing_ok=True)
    environment = {
        "LOAD_TOKEN": token,
        "LOAD_CLIENTS": asked.clients,
        "LOAD_LARGE": str(asked.large_mb * PROJECTS_PER_MB),
        "LOAD_SUMMARY": str(SUMMARY),
        "LOAD_TOLD": str(told),
        "PYTHONPATH": str(CHECKOUT),
    }
    locust = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "locust", "--locustfile=tests/tools/load/users.py", *arguments),
        *("--headless", "--only-summary", "--stop-timeout=120", f"--html={OUT / 'report.html'}"),
        *(f"--host={host}", f"--users={asked.users}", f"--spawn-rate={asked.users}"),
        cwd=CHECKOUT,
        env=os.environ | environment,
    )
    try:
        yield locust
    finally:
        if locust.returncode is None:  # the block was cancelled
            locust.kill()
            await locust.wait()


def summary() -> dict[str, Any]:
    """Return the counts of the last run of locust."""
    counted: dict[str, Any] = json.loads(SUMMARY.read_text("utf-8"))
    return counted


def tell(counted: dict[str, Any]) -> None:
    """Print requests, responses and failures by kind."""
    print(f"requests: {counted['requests']} in {counted['seconds']:.0f} s")
    answers = sorted(counted["statuses"].items())
    print("answers:", ", ".join(f"{number} × {status}" for status, number in answers))
    if counted["left"]:
        print("cut off at the end:", *(f"{n} × {name}" for name, n in counted["left"].items()))
    print(f"unexpected responses: {counted['failures'] + len(counted['broken'])}")
    for error in counted["errors"]:
        print(f"  {error['occurrences']} × {error['name']}: {error['error']}")
    print(*counted["broken"], sep="\n", end="")


if __name__ == "__main__":
    sys.exit(main())
