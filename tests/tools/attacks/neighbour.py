"""Another tenant, as a process: what its small uploads take while the service is attacked.

    python -m tests.tools.attacks.neighbour BASE

A line with a number and a pause starts a series of uploads. It ends after that number of uploads,
at the next line, and is printed as a list of seconds. The generator of an attack keeps its own
process busy; a client in that process would count those delays as the service's.
"""

import asyncio
import contextlib
import json
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from service.settings import Settings
from tests.support.paths import CHECKOUT
from tests.support.raw_http import XML, form, part, upload
from tests.support.service import Service, token

CLIENT: Final = 2
PATIENCE: Final = 5.0
"""Seconds after which an upload is not tried again."""
_FILE: Final = form(part("file", XML))
_LONGEST_PAUSE: Final = 0.5


@dataclass
class Neighbour:
    """The process, from outside."""

    process: Process

    async def start(self, least: int = 1, pause: float = 0.1) -> None:
        """Begin a series of uploads.

        Args:
            least: number of uploads.
            pause: seconds between the first ones; it grows with the series.
        """
        assert self.process.stdin is not None
        self.process.stdin.write(f"{least} {pause}\n".encode())

    async def stop(self) -> list[float]:
        """End the series; the seconds of each upload."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(b"\n")
        line = await self.process.stdout.readline()
        if not line:
            raise RuntimeError("the neighbour ended; see standard error")
        seconds: list[float] = json.loads(line)
        return seconds


@contextlib.asynccontextmanager
async def neighbour(service: Service) -> AsyncIterator[Neighbour]:
    """Start the process, and end it with the block."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", __name__, service.base), cwd=CHECKOUT, stdin=PIPE, stdout=PIPE
    )
    try:
        yield Neighbour(process)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()


async def _main(base: str) -> None:
    service = Service(base, "", Settings())
    lines = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while line := await lines.readline():
        least, pause = line.split()
        stopped = asyncio.create_task(lines.readline())
        print(json.dumps(await _series(service, int(least), float(pause), stopped)), flush=True)


async def _series(
    service: Service, least: int, pause: float, stopped: asyncio.Task[bytes]
) -> list[float]:
    began = time.monotonic()
    seconds: list[float] = []
    while len(seconds) < least or not stopped.done():
        if seconds:
            since = time.monotonic() - began
            await asyncio.wait({stopped}, timeout=min(pause * (1 + since), _LONGEST_PAUSE))
        seconds.append(await upload_small(service))
    return seconds


async def upload_small(service: Service, client: int = CLIENT) -> float:
    """Upload, and again if the service ends the connection; the seconds until it is imported."""
    began = time.monotonic()
    while time.monotonic() - began <= PATIENCE:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, ValueError):
            answer = await upload(
                service,
                _FILE,
                path=f"/api/v2/clients/{client}/projects/bulk",
                token=token(clients=[client], iss="issuer", aud="import"),
            )
            assert answer.status in (207, 408), answer.body
            if answer.status == 207:
                break
    return time.monotonic() - began


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1]))
