"""A PostgreSQL of a test's own, to be killed, filled up, made read-only or replaced."""

import atexit
import contextlib
import functools
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, TypeVar

import asyncpg

from service.storage import migrate
from service.storage.embedded.program_files import Programs
from tests.support import citus
from tests.support.faults.ports import kept_port

TEMPORARY: Final = tempfile.gettempdir()
"""Where the data that later servers copy is kept, even if a test changes the directory."""
_START_TIMEOUT: Final = 60.0

T = TypeVar("T")


class Cluster:
    """One server, on a TCP port of 127.0.0.1 that stays its own; see ``cluster``.

    Args:
        folder: holds its data and its log; its programs' account can enter it.
        programs: of the server's version.
        variables: of its environment, as ``NAME=value``.
        options: server settings beside those that every one here has.
    """

    def __init__(
        self,
        folder: Path,
        programs: Programs,
        variables: Sequence[str] = (),
        **options: str,
    ) -> None:
        self.folder = folder
        self._variables = variables
        self._kept = kept_port()
        self.port: int = self._kept.getsockname()[1]
        self._programs = programs
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None
        self.workers: list[Cluster] = []

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def dsn(self, database: str = "postgres") -> str:
        """Address of a database, by TCP."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}?sslmode=disable"

    @property
    def running(self) -> bool:
        """Whether its postmaster lives."""
        return self._process is not None and self._process.poll() is None

    def make(self) -> None:
        """Make it, empty."""
        how = ("--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C")
        self._programs.run("initdb", "-D", str(self.data), "--no-sync", *how, fds=())

    def restore(self, folder: Path) -> None:
        """Make it a copy of the data of a server that was stopped in order."""
        subprocess.run(["cp", "-a", folder, self.data], check=True)  # keeps the owner

    def copy_of(self, primary: "Cluster", slot: str, port: int | None = None) -> None:
        """Make it a standby that follows a server, at another port if one is given."""
        where = f"host=127.0.0.1 port={port or primary.port} user=postgres"
        self._programs.run(
            "pg_basebackup",
            f"--dbname={where} application_name={slot}",
            f"--pgdata={self.data}",
            "--write-recovery-conf",
            "--wal-method=stream",
            "--checkpoint=fast",
            "--no-sync",
            "--create-slot",
            f"--slot={slot}",
            fds=(),
        )

    def start(self, **options: str) -> None:
        """Start it and wait until it answers.

        Raises:
            RuntimeError: it does not; with the end of its log.
        """
        always = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",
            "shared_buffers": "64MB",
            "fsync": "off",
        }
        given = [
            f"--{name}={value}" for name, value in {**always, **self._options, **options}.items()
        ]
        log = self.folder / "server.log"
        with log.open("ab") as words:
            program = str(self._programs.folder / "postgres")
            command = (*self._variables, program, "-D", str(self.data), *given)
            self._process = self._programs.start("/usr/bin/env", *command, fds=(), log=words)
        deadline = time.monotonic() + _START_TIMEOUT
        where = ("-h", "127.0.0.1", "-p", str(self.port))
        ready: list[str | Path] = [self._programs.folder / "pg_isready", "-q", *where]
        while subprocess.run(ready).returncode:
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(log.read_text("utf-8", "replace")[-2000:])
            time.sleep(0.03)

    def kill(self) -> None:
        """Kill all of its processes at once, as a power cut does."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGSTOP)  # so that it starts no further ones
        listed = subprocess.run(["pgrep", "-P", str(self._process.pid)], capture_output=True)
        backends = [int(pid) for pid in listed.stdout.split()]
        for pid in backends:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._end(signal.SIGKILL)
        while any(map(_lives, backends)):  # they hold its shared memory
            time.sleep(0.01)

    def stop(self, how: signal.Signals = signal.SIGQUIT) -> None:
        """End it: SIGQUIT at once, SIGINT in order, SIGKILL as ``kill``."""
        if how is signal.SIGKILL:
            self.kill()
        else:
            self._end(how)

    def close(self) -> None:
        """Stop the server, and release its port."""
        self.stop()
        self._kept.close()

    def use_port(self, kept: socket.socket) -> None:
        """Listen on the port that ``keep_port`` of another server kept."""
        self._kept.close()
        self._kept = kept.dup()
        self.port = kept.getsockname()[1]

    def keep_port(self) -> socket.socket:
        """Keep its port after it is closed, for another server."""
        return self._kept.dup()

    def promote(self) -> None:
        """Make a standby the primary."""
        self._programs.run("pg_ctl", "promote", "-D", str(self.data), fds=())

    def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        self._process.send_signal(how)
        self._process.wait()
        self._process = None
        (self.data / "postmaster.pid").unlink(missing_ok=True)


async def set_synchronous(server: Cluster, name: str) -> None:
    """Make commits wait for a standby of that name; none waits for an empty one."""
    connection = await asyncpg.connect(server.dsn())
    try:
        # The commits of this session must not wait.
        await connection.execute("SET synchronous_commit = local")
        await connection.execute(f"ALTER SYSTEM SET synchronous_standby_names = '{name}'")
        await connection.execute("SELECT pg_reload_conf()")
    finally:
        await connection.close()


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@contextlib.contextmanager
def folder_for(version: str, directory: str | None = None) -> Iterator[tuple[Path, Programs]]:
    """A folder in a directory where a server's account can work, and the programs."""
    folder = Path(tempfile.mkdtemp(prefix="cluster-", dir=directory))
    programs = citus.find_programs(version, folder / "data")
    if programs.account is not None:
        os.chown(folder, programs.account.uid, programs.account.gid)
    try:
        yield folder, programs
    finally:
        shutil.rmtree(folder)


@contextlib.contextmanager
def small_disk(folder: Path, mib: int) -> Iterator[None]:
    """A disk of its own for what comes into a folder; only root can have one, and not everywhere.

    Raises:
        OSError: it cannot be had; says why.
    """
    owner = folder.stat()
    who = f"uid={owner.st_uid},gid={owner.st_gid},mode=700"
    command = ["mount", "-t", "tmpfs", "-o", f"size={mib}m,{who}", "tmpfs", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise OSError(done.stderr.strip())
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@functools.cache
def _initial_data(version: str) -> Path:
    """The data of a server with an empty current schema, until the process ends.

    A copy takes a tenth of the time of ``initdb`` and all migrations. On a node of Citus, the
    database has no schema yet.
    """
    folder, programs = _until_exit(folder_for(version, TEMPORARY))
    with contextlib.closing(Cluster(folder, programs)) as server:
        server.make()
        server.start()
        if version != citus.VERSION:
            migrate.migrate(server.dsn())
        server.stop(signal.SIGINT)
        return server.data


@functools.cache
def _distributed_data() -> Sequence[tuple[Path, socket.socket | None]]:
    """The data of the coordinator and the workers of a Citus cluster, as ``_initial_data``.

    Their ports are part of the data, so the process runs one cluster at a time.
    """
    with citus_nodes() as coordinator:
        migrate.migrate(coordinator.dsn())
        citus.distribute(coordinator.dsn())
        folder, _ = _until_exit(folder_for(citus.VERSION, TEMPORARY))
        data: list[tuple[Path, socket.socket | None]] = []
        for number, server in enumerate([coordinator, *coordinator.workers]):
            server.stop(signal.SIGINT)
            copy = folder / str(number)
            subprocess.run(["cp", "-a", server.data, copy], check=True)
            data.append((copy, server.keep_port()))
        return data


def _until_exit(manager: contextlib.AbstractContextManager[T]) -> T:
    stack = contextlib.ExitStack()
    atexit.register(stack.close)
    return stack.enter_context(manager)


@contextlib.contextmanager
def cluster(
    version: str, *, disk_mib: int = 0, variables: Sequence[str] = (), **options: str
) -> Iterator[Cluster]:
    """A server that runs, with an empty current schema in its database ``postgres``.

    Args:
        version: as ``citus.find_programs`` takes it; that of Citus has workers too.
        disk_mib: gives it a disk of that size.
        variables: of its environment, as ``NAME=value``.
        options: server settings.

    Raises:
        OSError: a disk of its own cannot be had.
    """
    with _servers(version, prepare(version), disk_mib, variables, options) as server:
        yield server


def prepare(version: str) -> Sequence[tuple[Path, socket.socket | None]]:
    """Make the data from which ``cluster`` starts; for Citus, no event loop may run.

    Returns:
        That of each server, and its port if it is part of the data.
    """
    return _distributed_data() if version == citus.VERSION else [(_initial_data(version), None)]


@contextlib.contextmanager
def citus_nodes(
    *, workers: int = citus.WORKERS, variables: Sequence[str] = (), **options: str
) -> Iterator[Cluster]:
    """The nodes of a Citus cluster that do not know each other yet; yields the coordinator.

    Args:
        workers: their number.
        variables: of the environment of each.
        options: server settings of each.
    """
    data = [(_initial_data(citus.VERSION), None)] * (workers + 1)
    with _servers(citus.VERSION, data, 0, variables, options) as server:
        yield server


@contextlib.contextmanager
def _servers(
    version: str,
    data: Sequence[tuple[Path, socket.socket | None]],
    disk_mib: int,
    variables: Sequence[str],
    options: Mapping[str, str],
) -> Iterator[Cluster]:
    """Run copies of servers, and yield the first; the others are its workers."""
    options = {**citus.options_for(version), **options}
    servers: list[Cluster] = []
    with contextlib.ExitStack() as stack:
        for initial, kept in data:
            folder, programs = stack.enter_context(folder_for(version))
            if disk_mib and not servers:
                stack.enter_context(small_disk(folder, disk_mib))
            server = Cluster(folder, programs, variables, **options)
            servers.append(stack.enter_context(contextlib.closing(server)))
            if kept is not None:
                server.use_port(kept)
            server.restore(initial)
            server.start()
        first, *first.workers = servers
        ports = [worker.port for worker in first.workers]
        stack.enter_context(citus.register_workers(first.port, ports))
        yield first
