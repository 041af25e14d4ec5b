"""What all measurements share: where they run, and one import from a known state."""

import asyncio
import contextlib
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.tools.bench import native
from tests.tools.bench.database import Database, add_clients, server
from tests.tools.bench.process import Server, ends_all_on_sigterm, prepare, serving, sign
from tests.tools.bench.report import Report
from tests.tools.bench.upload import Answer, upload

WARM_UP_CLIENT: Final = 400
PROJECTS: Final = 20_000
"""In the native file: 400,000 tasks, about 80 MB."""
_INTERRUPTED: Final = 130


@dataclass(frozen=True)
class Bench:
    """Where measurements run.

    Attributes:
        database: migrated, with clients 1 to ``database.CLIENTS``.
        token: good for all of them.
        directory: for files; it is removed at the end.
        report: takes the figures.
        runs: of each measurement.
    """

    database: Database
    token: str
    directory: Path
    report: Report
    runs: int

    @contextlib.asynccontextmanager
    async def fresh(
        self, database: Database | None = None, **settings: object
    ) -> AsyncIterator[tuple[Server, float]]:
        """A fresh service that has imported one project, and its memory before it did, in MiB."""
        used = database or self.database
        async with serving(used, self.token, **settings) as server:
            idle = server.memory()
            answer = await upload(server.bulk(WARM_UP_CLIENT), self.token, native.single(0))
            answer.expect()
            yield server, idle

    async def send(self, server: Server, file: Path, client: int = 1) -> Answer:
        """Import a file as a client, once what was done before has settled."""
        await self.database.settle()
        return await upload(server.bulk(client), self.token, file)

    def progress(self, what: str, run: int) -> None:
        """Say which run of a measurement begins, counted from 0."""
        self.report.progress(f"{what} {run + 1}/{self.runs}")


def run(measure: Callable[[Bench], Awaitable[None]], *, json: bool = False, runs: int = 3) -> int:
    """Start PostgreSQL, measure, and print what was found.

    A SIGTERM ends it as Ctrl-C does: with everything that it started.

    Args:
        measure: what to do.
        json: whether the bars' line of JSON is printed, last.
        runs: of each measurement.

    Returns:
        An exit status: 1 where something could not be measured.
    """
    ends_all_on_sigterm()
    report = Report()
    try:
        asyncio.run(_measured(report, measure, runs))
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return _INTERRUPTED
    report.print(json=json)
    return 1 if report.failures else 0


async def _measured(report: Report, measure: Callable[[Bench], Awaitable[None]], runs: int) -> None:
    report.progress("starting PostgreSQL")
    # Not /tmp, which may be memory: there fsync costs nothing.
    with tempfile.TemporaryDirectory(
        prefix="bulk-import-bench-", dir=os.environ.get("TMPDIR", "/var/tmp")
    ) as name:
        directory = Path(name)
        async with server(directory / "db") as database:
            await prepare(database)
            await add_clients(database)
            bench = Bench(database, await sign(database), directory, report, runs)
            await report.attempt("all", measure(bench))
