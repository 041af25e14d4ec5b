"""Two replicas of the service, ``serve`` processes that are killed, stopped and woken."""

import asyncio
import contextlib
import os
import signal
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import IO, Final

import aiohttp

from tests.support.service import SECRET
from tests.tools.bench.database import Database
from tests.tools.bench.process import serves, start_serving

BEAT: Final = 0.2
EXPIRY: Final = 1.5
SETTINGS: Final[dict[str, object]] = {
    "heartbeat_every": BEAT,
    "heartbeat_expiry": EXPIRY,
    "lock_timeout": 5,
    "retry_timeout": 20,
    "connect_timeout": 5,
    "drain_timeout": 10,
    "status_after": 0.5,
    "keepalive_every": 0.5,
    "batch_projects": 10,
    "spill_bytes": 300_000,
    "pool_size": 12,
    "max_imports_per_client": 16,
    "jwt_secret": SECRET,
}
_TRIES: Final = 20
_END: Final = 30.0


class Replica:
    """One ``serve`` process after another.

    Args:
        name: tells it from the other.
        directory: for its log and its working files.
        variables: of its environment.
        settings: beside those of all replicas.

    Attributes:
        base: where it answers.
        serving: set while it does.
        stopped: set while it is stopped.
        threads_at_start: how many it had once it served.
    """

    def __init__(
        self,
        name: str,
        database: Database,
        directory: Path,
        settings: Mapping[str, object],
        variables: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self.base = ""
        self.serving = asyncio.Event()
        self.stopped = asyncio.Event()
        self.threads_at_start = 0
        self.spool = directory / f"spool-{name}"
        self.spool.mkdir(exist_ok=True)
        self._database = database
        self._variables = variables
        self._settings = SETTINGS | {"spool_dir": self.spool} | dict(settings)
        self._log: IO[bytes] = (directory / f"{name}.log").open("ab")
        self._process: Process | None = None
        self._said: asyncio.Task[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    async def start(self, **settings: object) -> None:
        """Start it; the database may be away for a while."""
        for _ in range(_TRIES):
            changed = self._settings | settings
            self._process = await start_serving(
                self._database, log=self._log, variables=self._variables, **changed
            )
            with contextlib.suppress(RuntimeError):
                self.base = await serves(self._process)
                assert self._process.stdout is not None
                self._said = asyncio.create_task(self._process.stdout.read())
                self.threads_at_start = self.threads()
                self.serving.set()
                return
            await self._process.wait()
        said = Path(self._log.name).read_text("utf-8", "replace")  # noqa: ASYNC240
        raise RuntimeError(f"replica {self.name} does not start: {said[-500:]}")

    async def kill(self) -> None:
        """SIGKILL, and wait until it has ended."""
        self.serving.clear()
        self.stopped.clear()
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()
        if self._said is not None:
            await self._said

    def stop(self) -> None:
        """SIGSTOP."""
        os.kill(self.pid, signal.SIGSTOP)

    def wake(self) -> None:
        """SIGCONT."""
        os.kill(self.pid, signal.SIGCONT)

    async def end(self) -> int:
        """SIGTERM; the code that it ends with."""
        assert self._process is not None
        self.serving.clear()
        self._process.terminate()
        async with asyncio.timeout(_END):
            return await self._process.wait()

    def close(self) -> None:
        self._log.close()

    def threads(self) -> int:
        """Its threads now."""
        return len(os.listdir(f"/proc/{self.pid}/task"))

    def working_files(self) -> int:
        """Files that it has open and that have no name any more."""
        folder = f"/proc/{self.pid}/fd"
        held = 0
        for descriptor in os.listdir(folder):
            with contextlib.suppress(OSError):
                held += os.readlink(f"{folder}/{descriptor}").endswith(" (deleted)")
        return held

    async def imports_running(self) -> int:
        """The number of running imports that it reports."""
        async with aiohttp.ClientSession() as http, http.get(f"{self.base}/metrics") as answer:
            for line in (await answer.text()).splitlines():
                if line.startswith("bulk_import_imports_running "):
                    return int(float(line.split()[1]))
        raise RuntimeError("it does not say how many imports it runs")


@contextlib.asynccontextmanager
async def two_replicas(
    database: Database,
    directory: Path,
    variables: Mapping[str, str] | None = None,
    **settings: object,
) -> AsyncIterator[list[Replica]]:
    """Two on one database, serving, until the block ends; then none of their processes lives."""
    replicas = [Replica(name, database, directory, settings, variables) for name in ("a", "b")]
    try:
        await asyncio.gather(*(replica.start() for replica in replicas))
        yield replicas
    finally:
        for replica in replicas:
            await replica.kill()
            replica.close()
