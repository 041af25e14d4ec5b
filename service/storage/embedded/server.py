"""The embedded PostgreSQL server: initialise, start, share and stop it.

    home of one server version, mode 700, owned by the caller
     ├── data/           the cluster, with its UNIX socket; there is no TCP port
     ├── turn.lock       held while a process starts or stops the server
     ├── holders.lock    held (shared) by every process that uses the server
     ├── server.lock     inherited, and so held, by every process of the server itself
     └── server.log      the server's log since its last start; the one before is kept too

The locks are ``flock``s, which the kernel releases however a process ends. While ``server.lock`` is
taken, a process of the server is alive. Once it is free, no process is alive, even if the server's
own lock files exist, so these can be deleted. The last holder stops the server. If the holders are
killed, the server continues, and the next holder joins it.
"""

import contextlib
import fcntl
import os
import shutil
import signal
import socket
import struct
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

from service.storage.embedded import program_files
from service.storage.embedded.program_files import ROOT_HOME, EmbeddedError, Programs

DATABASE: Final = "bulk_import"
USER: Final = "postgres"

START_TIMEOUT: Final = 300.0
"""Seconds for a start, including crash recovery of a large database."""

STOP_TIMEOUT: Final = 120.0
"""Seconds for a fast stop; past them the server is killed and recovers at its next start."""

_POLL: Final = 0.03
_SOCKET: Final = ".s.PGSQL.5432"
_SOCKET_PATH_MAX: Final = 107

# There is memory for max_connections × max_locks_per_transaction = 25,600 advisory locks.
_OPTIONS: Final = {
    "listen_addresses": "",
    "unix_socket_directories": ".",
    "port": "5432",
    "max_connections": "200",
    "max_locks_per_transaction": "128",
    "shared_buffers": "256MB",
    "max_wal_size": "4GB",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


def default_data_dir() -> Path:
    """Return the directory of the embedded databases if no setting names one.

    A checkout has its own, so that two checkouts never share data. Otherwise, it belongs to the
    user; root has one for the machine.

    Raises:
        EmbeddedError: the user has no home, as in a container whose account has no name.
    """
    if (checkout := find_checkout()) is not None:
        return checkout / ".data"
    if os.geteuid() == 0:
        return ROOT_HOME / "data"
    share = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    try:
        return Path(share).expanduser() / "bulk-import"
    except RuntimeError as error:
        raise EmbeddedError(
            "no directory for a database: set DATABASE_URL to a PostgreSQL database, or "
            "BULK_IMPORT_DATA_DIR or HOME to a directory for the embedded server"
        ) from error


def find_checkout() -> Path | None:
    """Return the checkout whose code runs, or None if the package is installed elsewhere."""
    root = Path(__file__).parents[3]
    return root if (root / "Makefile").is_file() else None


@contextlib.contextmanager
def run_server(root: Path, version: str) -> Iterator[str]:
    """Start the embedded server or join it, and stop it if no other process uses it.

    Args:
        root: directory of the embedded databases, created if it is missing.
        version: "16" or "18"; each version has separate data below ``root``.

    Yields:
        URL of the database for asyncpg, dbmate and psql, valid in this process and its children.

    Raises:
        EmbeddedError: the server cannot be used.
    """
    with contextlib.ExitStack() as stack:
        try:
            server = _prepare(root.absolute() / f"pg{version}", version)
            holder = stack.enter_context(_open_file(server.home / "holders.lock"))
        except OSError as error:
            raise EmbeddedError(
                f"cannot use {root}: {error.strerror}; set BULK_IMPORT_DATA_DIR to another "
                "directory"
            ) from error
        try:
            with _hold_turn(server):
                fcntl.flock(holder, fcntl.LOCK_SH)
                _ensure_ready(server)
            data = stack.enter_context(_open_file(server.data, os.O_RDONLY | os.O_DIRECTORY))
            yield _dsn(server.data, data)
        finally:
            with _hold_turn(server):
                if _try_lock(holder):
                    _stop(server)


@dataclass
class _Server:
    home: Path
    programs: Programs
    child: subprocess.Popen[bytes] | None = None

    @property
    def data(self) -> Path:
        return self.home / "data"


def _prepare(home: Path, version: str) -> _Server:
    programs = program_files.find_programs(version, home / "data")
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    return _Server(home, programs)


def _ensure_ready(server: _Server) -> None:
    """Wait for the running server, or start it; the caller holds the turn."""
    deadline = time.monotonic() + START_TIMEOUT
    started = False
    while not _accepts_connections(server):
        with _open_file(server.home / "server.lock") as lock:
            if _try_lock(lock):
                if started:
                    raise EmbeddedError(_read_failure(server))
                _start(server, lock)
                started = True
        if time.monotonic() > deadline:
            raise EmbeddedError(
                f"the embedded PostgreSQL server does not answer: {_read_failure(server)}"
            )
        time.sleep(_POLL)


def _start(server: _Server, lock: int) -> None:
    if not server.data.exists():
        _initialise(server, lock)
    for stale in ("postmaster.pid", f"{_SOCKET}.lock"):
        (server.data / stale).unlink(missing_ok=True)
    log = server.home / "server.log"
    if log.exists():
        log.replace(log.with_suffix(".log.1"))
    options = [f"--{name}={value}" for name, value in _OPTIONS.items()]
    with _open_directory(server.data, server.programs) as (fd, path), log.open("wb") as output:
        command = ("postgres", "-D", path, *options)
        server.child = server.programs.start(*command, fds=(fd, lock), log=output)


def _initialise(server: _Server, lock: int) -> None:
    """Create the cluster and its database in another directory, and rename it once complete."""
    partial = server.home / "data.partial"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(mode=0o700)
    if (account := server.programs.account) is not None:
        os.chown(partial, account.uid, account.gid)
    run = server.programs.run
    with _open_directory(partial, server.programs) as (fd, path):
        fds = (fd, lock)
        options = ("--auth=trust", "--encoding=UTF8", "--locale=C")
        run("initdb", "-D", path, f"--username={USER}", *options, fds=fds)
        create = f"CREATE DATABASE {DATABASE}\n"
        run("postgres", "--single", "-D", path, "postgres", fds=fds, text=create)
    partial.rename(server.data)


def _stop(server: _Server) -> None:
    """Stop the server and wait until its processes have ended; the caller holds the turn."""
    deadline = time.monotonic() + STOP_TIMEOUT
    sent: signal.Signals | None = None
    with _open_file(server.home / "server.lock") as lock:
        while not _try_lock(lock):
            number = signal.SIGINT if time.monotonic() < deadline else signal.SIGQUIT
            pid = _postmaster_pid(server.data) if sent is not number else None
            if pid is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)
                sent = number
            time.sleep(_POLL)
    if server.child is not None:
        server.child.wait()


def _accepts_connections(server: _Server) -> bool:
    """Check whether the server accepts connections, which it does some time after it listens."""
    if not server.data.exists():
        return False
    with _open_file(server.data, os.O_RDONLY | os.O_DIRECTORY) as fd:
        address = ("-h", f"/proc/self/fd/{fd}", "-p", "5432", "-U", USER, "-d", DATABASE)
        command: list[str | Path] = [server.programs.folder / "pg_isready", "-q", *address]
        done = subprocess.run(command, pass_fds=(fd,), env=program_files.clean_environment())
    return done.returncode == 0


def _postmaster_pid(data: Path) -> int | None:
    """Ask the kernel for the process that listens on the cluster's socket, or return None."""
    with contextlib.ExitStack() as stack:
        try:
            fd = stack.enter_context(_open_file(data, os.O_RDONLY | os.O_DIRECTORY))
            client = stack.enter_context(socket.socket(socket.AF_UNIX))
            client.connect(f"/proc/self/fd/{fd}/{_SOCKET}")
        except OSError:
            return None
        peer = client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    pid: int = struct.unpack("3i", peer)[0]
    return pid


def _dsn(data: Path, fd: int) -> str:
    """Name the socket's directory by its path, or by our descriptor if the path is too long."""
    short = len(os.fsencode(data / _SOCKET)) <= _SOCKET_PATH_MAX
    host = str(data) if short else f"/proc/{os.getpid()}/fd/{fd}"
    return f"postgresql://{USER}@/{DATABASE}?host={quote(host, safe='/')}&port=5432"


def _read_failure(server: _Server) -> str:
    """Return the last line of the server's log."""
    log = server.home / "server.log"
    text = log.read_text("utf-8", "replace") if log.exists() else ""
    return f"{program_files.last_line(text)} (more in {log})"


@contextlib.contextmanager
def _hold_turn(server: _Server) -> Iterator[None]:
    """Hold the right to start or stop the server."""
    with _open_file(server.home / "turn.lock") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def _open_directory(directory: Path, programs: Programs) -> Iterator[tuple[int, str]]:
    """Open a directory, and yield the path by which the server's account can enter it."""
    with _open_file(directory, os.O_RDONLY | os.O_DIRECTORY) as fd:
        yield fd, str(directory) if programs.account is None else f"/proc/self/fd/{fd}"


@contextlib.contextmanager
def _open_file(path: Path, flags: int = os.O_RDWR | os.O_CREAT) -> Iterator[int]:
    fd = os.open(path, flags | os.O_CLOEXEC, 0o600)
    try:
        yield fd
    finally:
        os.close(fd)


def _try_lock(fd: int) -> bool:
    """Take the exclusive lock of a file if it is free."""
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
