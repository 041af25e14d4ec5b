"""What all measurements share: where they run, and one import from a known state."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.bench import native
from tests.bench.database import Database
from tests.bench.process import Server, serving
from tests.bench.report import Report
from tests.bench.upload import Answer, upload

WARM_UP_CLIENT: Final = 400
PROJECTS: Final = 20_000
"""In the native file: 400,000 tasks, about 80 MB."""


@dataclass(frozen=True)
class Bench:
    """Where measurements run.

    Attributes:
        database: migrated, with clients 1 to ``database.CLIENTS``.
        token: good for all of them.
        directory: for files; it is removed at the end.
        report: takes the figures.
        runs: of each measurement that is not very long.
    """

    database: Database
    token: str
    directory: Path
    report: Report
    runs: int = 3

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

    def progress(self, what: str, run: int, runs: int | None = None) -> None:
        """Say which run of a measurement begins, counted from 0."""
        self.report.progress(f"{what} {run + 1}/{runs or self.runs}")
