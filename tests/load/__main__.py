"""``python -m tests.load``: a mix of uploads and questions for a bounded time.

Without a host it serves by itself, on a PostgreSQL of its own. It writes ``build/load/report.html``
and ``summary.json``, and ends with 0 where no answer was other than it should be.
"""

import argparse
import asyncio
import os
import sys
import tempfile
from pathlib import Path
from typing import Final

from tests.bench.database import add_clients, server
from tests.bench.process import CHECKOUT, prepare, serving, sign

OUT: Final = CHECKOUT / "build" / "load"
CLIENTS: Final = "1,2,3,4,5"
PROJECTS_PER_MB: Final = 250


def main() -> int:
    """The code to end with."""
    asked = options("tests.load", __doc__)
    OUT.mkdir(parents=True, exist_ok=True)
    if asked.host is not None:
        return asyncio.run(load(asked, asked.host, asked.token))
    return asyncio.run(serve_and_load(asked))


def options(module: str, what: str | None) -> argparse.Namespace:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(prog=f"python -m {module}", description=what)
    parser.add_argument("--host", help="a service that runs, such as http://127.0.0.1:8080")
    parser.add_argument("--token", help="for it, good for all its clients that are named")
    parser.add_argument("--clients", default=CLIENTS, help="that exist there (default %(default)s)")
    parser.add_argument("--seconds", type=int, default=60, help="how long (default %(default)s)")
    parser.add_argument("--users", type=int, default=20, help="at a time (default %(default)s)")
    parser.add_argument("--large-mb", type=int, default=100, help="of a large upload")
    asked = parser.parse_args()
    if (asked.host is None) != (asked.token is None):
        parser.error("--host and --token go together")
    return asked


async def serve_and_load(asked: argparse.Namespace) -> int:
    """As ``load``, on a service and a PostgreSQL of its own."""
    # Not /tmp, which may be memory: there fsync costs nothing.
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR", "/var/tmp")) as name:
        async with server(Path(name) / "db") as database:
            await prepare(database)
            await add_clients(database)
            token = await sign(database)
            async with serving(database, token) as service:
                return await load(asked, service.base, token)


async def load(
    asked: argparse.Namespace, host: str, token: str, told: Path = Path(os.devnull)
) -> int:
    """Run locust; its exit code, which is 1 where anything failed.

    Args:
        asked: for how long, with how many users, as which clients.
        host: the service.
        token: good for the clients.
        told: takes a line for each project that an answer calls landed.
    """
    environment = os.environ | {
        "LOAD_TOKEN": token,
        "LOAD_CLIENTS": asked.clients,
        "LOAD_LARGE": str(asked.large_mb * PROJECTS_PER_MB),
        "LOAD_SUMMARY": str(OUT / "summary.json"),
        "LOAD_TOLD": str(told),
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "locust", "--locustfile=tests/load/users.py", "--headless", "--only-summary"),
        *(f"--host={host}", f"--users={asked.users}", f"--spawn-rate={asked.users}"),
        *(f"--run-time={asked.seconds}s", "--stop-timeout=60", f"--html={OUT / 'report.html'}"),
        cwd=CHECKOUT,
        env=environment | {"PYTHONPATH": str(CHECKOUT)},
    )
    return await process.wait()


if __name__ == "__main__":
    sys.exit(main())
