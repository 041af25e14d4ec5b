"""The PostgreSQL that the service works on, which can be killed whole and comes back at once."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

from service.storage.embedded.server import run_server
from tests.support.databases import embedded_pid
from tests.tools.bench.database import VERSION, Database, server
from tests.tools.bench.process import family, prepare

SERVICE: Final = "bulk-import"
"""What the service's connections call themselves."""


class Killable:
    """A server with fsync and a migrated database; see ``killable``."""

    def __init__(self, root: Path, database: Database) -> None:
        self.database = database
        self._root = root

    async def kill(self) -> None:
        """Kill every process of it at once, and return when it has recovered."""
        postmaster = embedded_pid(self._root, VERSION)
        assert postmaster is not None
        for pid in family(postmaster):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        starting = asyncio.get_running_loop().run_in_executor(None, self._start)
        try:
            await asyncio.shield(starting)
        finally:  # whoever is interrupted here leaves nothing half started
            await asyncio.wait({starting})

    def _start(self) -> None:
        with run_server(self._root, VERSION):
            """It goes on afterwards: ``killable`` holds it too."""

    async def value(self, query: str, *arguments: Any) -> Any:
        async with self.database.connected() as connection:
            return await connection.fetchval(query, *arguments)


@contextlib.asynccontextmanager
async def killable(root: Path) -> AsyncIterator[Killable]:
    """A server of one's own below a directory, until the block ends."""
    async with server(root) as database:
        await prepare(database)
        yield Killable(root, database)
