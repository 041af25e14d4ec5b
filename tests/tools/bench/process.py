"""Servers as processes of their own, and their memory as the kernel counts it."""

import asyncio
import contextlib
import os
import re
import secrets
import signal
import socket
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from tests.support.paths import CHECKOUT
from tests.tools.bench.database import CLIENTS, Database

_SECRET: Final = secrets.token_urlsafe(48)
_START_TIMEOUT: Final = 60.0
_STOP_TIMEOUT: Final = 20.0
_MIB: Final = 1024


@dataclass(frozen=True)
class Server:
    """A server that answers at ``base``, as process ``pid``; ``token`` is good for all clients.

    What is counted is counted over that process and all that it has started.
    """

    base: str
    pid: int
    token: str

    def bulk(self, client: int) -> str:
        """The address that a client uploads to."""
        return f"{self.base}/api/v2/clients/{client}/projects/bulk"

    def memory(self) -> float:
        """Resident memory now, in MiB."""
        return sum(_status(pid, "VmRSS") for pid in family(self.pid)) / _MIB

    def peak(self) -> float:
        """The highest resident memory since ``forget_peak``, in MiB.

        For several processes, the sum of their peaks, which can be at different times.
        """
        return sum(_status(pid, "VmHWM") for pid in family(self.pid)) / _MIB

    def forget_peak(self) -> None:
        """Set the peak back to what is resident now (proc(5), clear_refs)."""
        for pid in family(self.pid):
            Path(f"/proc/{pid}/clear_refs").write_text("5")

    def cpu(self) -> float:
        """Seconds of CPU used so far, all threads together."""
        return sum(map(_cpu, family(self.pid)))

    def threads(self) -> int:
        """Threads now."""
        return sum(_status(pid, "Threads") for pid in family(self.pid))

    def descriptors(self) -> int:
        """Open descriptors now: files, sockets, pipes."""
        return sum(len(os.listdir(f"/proc/{pid}/fd")) for pid in family(self.pid))


async def prepare(
    database: Database, checkout: Path = CHECKOUT, options: Sequence[str] = ()
) -> None:
    """Migrate a database by the program's own command, or that of another checkout of it."""
    process = await _start(database, "-m", "service", "migrate", *options, checkout=checkout)
    said, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"migrate failed: {said.decode()}")


async def sign(database: Database) -> str:
    """A token of the program's own, good for all clients."""
    clients = [word for client in range(1, CLIENTS + 1) for word in ("--client", str(client))]
    scopes = "projects:import projects:read projects:undo"
    process = await _start(database, "-m", "service", "token", "--scope", scopes, *clients)
    said, _ = await process.communicate()
    return said.decode().strip()


@contextlib.asynccontextmanager
async def serving(
    database: Database,
    token: str,
    log: IO[bytes] | None = None,
    variables: Mapping[str, str] | None = None,
    /,
    **settings: object,
) -> AsyncIterator[Server]:
    """``bulk-import serve`` as its users run it, fresh, until the block ends.

    Args:
        database: migrated.
        token: for the ``Server``.
        log: takes what it logs; by default our own standard error does.
        variables: further ones of the environment.
        settings: beyond the defaults, by their variables' names without the prefix, in lower case.
    """
    process = await start_serving(database, log=log, variables=variables, **settings)
    async with stopping(process):
        base = await serves(process)
        # Print its further output: a full pipe would block it.
        assert process.stdout is not None
        shown = asyncio.create_task(_show(process.stdout))
        yield Server(base, process.pid, token)
    await shown


def ends_all_on_sigterm() -> None:
    """Have a SIGTERM end this as Ctrl-C does: with everything that it started."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


async def start_serving(
    database: Database,
    checkout: Path = CHECKOUT,
    module: str = "service",
    /,
    *,
    log: IO[bytes] | None = None,
    variables: Mapping[str, str] | None = None,
    **settings: object,
) -> Process:
    """Begin ``bulk-import serve``; the caller ends it.

    Args:
        database: migrated.
        checkout: whose code serves.
        module: whose command line serves.
        log: as for ``serving``, and so are ``settings``.
        variables: further ones of the environment.
    """
    changed = {f"BULK_IMPORT_{name.upper()}": str(value) for name, value in settings.items()}
    changed |= variables or {}
    return await _start(database, "-m", module, "serve", log=log, checkout=checkout, **changed)


async def serves(process: Process) -> str:
    """Wait until it does; the address.

    Raises:
        RuntimeError: it printed something else, or ended.
    """
    assert process.stdout is not None
    async with asyncio.timeout(_START_TIMEOUT):
        line = (await process.stdout.readline()).decode()
    if not line.startswith("Serving on "):
        raise RuntimeError(f"serve printed {line!r}")
    return line.split()[2]


@contextlib.asynccontextmanager
async def usual_way(database: Database) -> AsyncIterator[Server]:
    """The usual way under uvicorn, fresh, until the block ends."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    arguments = ("tests.tools.bench.usual_way:app", "--port", str(port), "--log-level", "warning")
    process = await _start(database, "-m", "uvicorn", *arguments)
    async with stopping(process):
        deadline = time.monotonic() + _START_TIMEOUT
        while not _listens(port):
            if process.returncode is not None or time.monotonic() > deadline:
                raise RuntimeError("uvicorn did not start")
            await asyncio.sleep(0.1)
        yield Server(f"http://127.0.0.1:{port}", process.pid, "")


async def _start(
    database: Database,
    *arguments: str,
    log: IO[bytes] | None = None,
    checkout: Path = CHECKOUT,
    **settings: str,
) -> Process:
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith("BULK_IMPORT_")
    }
    environment = {
        **kept,
        "DATABASE_URL": database.dsn,
        "BULK_IMPORT_JWT_SECRET": _SECRET,
        "BULK_IMPORT_PORT": "0",
        "BULK_IMPORT_LOG_LEVEL": "error",
        "BULK_IMPORT_PRUNE": "false",
        **settings,
    }
    # Out of reach of the terminal's Ctrl-C: the bench stops it.
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *arguments,
        cwd=checkout,
        env=environment,
        stdout=PIPE,
        stderr=log,
        start_new_session=True,
    )


@contextlib.asynccontextmanager
async def stopping(process: Process) -> AsyncIterator[None]:
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            async with asyncio.timeout(_STOP_TIMEOUT):
                await process.wait()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()


async def _show(said: asyncio.StreamReader) -> None:
    async for line in said:
        sys.stderr.buffer.write(line)
        sys.stderr.flush()


def family(pid: int) -> list[int]:
    """A process, what it has started, and what they have."""
    children: defaultdict[int, list[int]] = defaultdict(list)
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has just ended
            children[int(_stat(int(entry.name))[1])].append(int(entry.name))
    family = [pid]
    for parent in family:
        family += children[parent]
    return family


def _stat(pid: int) -> list[str]:
    """The fields of proc(5)'s ``stat`` from the third on, the state."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def _status(pid: int, name: str) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(rf"^{name}:\s*(\d+)", status, re.MULTILINE)
    assert found is not None
    return int(found[1])


def _cpu(pid: int) -> float:
    """Seconds on the CPU clock of a process, as ``clock_getcpuclockid(3)`` names it."""
    return time.clock_gettime(~pid << 3 | 2)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
