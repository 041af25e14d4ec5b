"""The embedded PostgreSQL: initialised, started, shared and stopped here.

    home of one server version, mode 700, its owner the caller
     ├── data/           the cluster; its UNIX socket is in it, and there is no TCP port
     ├── turn.lock       held while somebody starts or stops the server
     ├── holders.lock    held (shared) by every process that uses the server
     ├── server.lock     held by every process of the server itself, as it was inherited
     └── server.log      the server's own words since its last start, with one file before

Locks are ``flock``s: the kernel lets go of them however a process ends. As long as ``server.lock``
cannot be had, some process of the server lives; once it can be had, none does, whatever its own
lock files say, and they may go. The last holder stops the server. Where the holders
were killed it goes on, and the next one joins it.
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
"""Seconds for a start, crash recovery of a large database included."""

STOP_TIMEOUT: Final = 120.0
"""Seconds for a fast stop; past it the server is ended at once and recovers at the next start."""

_POLL: Final = 0.03
_SOCKET: Final = ".s.PGSQL.5432"
_SOCKET_PATH_MAX: Final = 107

# Advisory locks have room for max_connections × max_locks_per_transaction: 25,600.
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
    """Where the embedded database is without a setting: by user, for root by machine.

    Raises:
        EmbeddedError: the user has no home, as in a container whose account has no name.
    """
    if os.geteuid() == 0:
        return ROOT_HOME / "data"
    share = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    try:
        return Path(share).expanduser() / "bulk-import"
    except RuntimeError as error:
        raise EmbeddedError(
            "no place for a database: set DATABASE_URL to a PostgreSQL, or for the embedded one "
            "BULK_IMPORT_DATA_DIR or HOME to a directory"
        ) from error


@contextlib.contextmanager
def running(root: Path, version: str) -> Iterator[str]:
    """Hold the embedded server: start it or join it, and stop it if nobody else holds it.

    Args:
        root: directory of the embedded databases, made where it is missing.
        version: "16" or "18"; each has data of its own below ``root``.

    Yields:
        The DSN of its database, as asyncpg, dbmate and psql read it; valid in this process and
        in those that it starts.

    Raises:
        EmbeddedError: it cannot be had; the text says why, in one line.
    """
    with contextlib.ExitStack() as stack:
        try:
            server = _prepare(root.absolute() / f"pg{version}", version)
            holder = stack.enter_context(_opened(server.home / "holders.lock"))
        except OSError as error:
            raise EmbeddedError(f"cannot use {root}: {error.strerror}") from error
        try:
            with _turn(server):
                fcntl.flock(holder, fcntl.LOCK_SH)
                _ensure_ready(server)
            data = stack.enter_context(_opened(server.data, os.O_RDONLY | os.O_DIRECTORY))
            yield _dsn(server.data, data)
        finally:
            with _turn(server):
                if _locked(holder):
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
    programs = program_files.find(version, home / "data")
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    return _Server(home, programs)


def _ensure_ready(server: _Server) -> None:
    """Wait for the server that runs, or start one; wants the turn."""
    deadline = time.monotonic() + START_TIMEOUT
    started = False
    while not _answers(server):
        with _opened(server.home / "server.lock") as lock:
            if _locked(lock):
                if started:
                    raise EmbeddedError(_why(server))
                _start(server, lock)
                started = True
        if time.monotonic() > deadline:
            raise EmbeddedError(f"the embedded PostgreSQL does not answer: {_why(server)}")
        time.sleep(_POLL)


def _start(server: _Server, lock: int) -> None:
    if not server.data.exists():
        _initialise(server, lock)
    for left in ("postmaster.pid", f"{_SOCKET}.lock"):
        (server.data / left).unlink(missing_ok=True)
    log = server.home / "server.log"
    if log.exists():
        log.replace(log.with_suffix(".log.1"))
    options = [f"--{name}={value}" for name, value in _OPTIONS.items()]
    with _reachable(server.data, server.programs) as (fd, path), log.open("wb") as words:
        command = ("postgres", "-D", path, *options)
        server.child = server.programs.start(*command, fds=(fd, lock), log=words)


def _initialise(server: _Server, lock: int) -> None:
    """Make the cluster and its database beside their place, and put them there once whole."""
    partial = server.home / "data.partial"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(mode=0o700)
    if (account := server.programs.account) is not None:
        os.chown(partial, account.uid, account.gid)
    run = server.programs.run
    with _reachable(partial, server.programs) as (fd, path):
        fds = (fd, lock)
        how = ("--auth=trust", "--encoding=UTF8", "--locale=C")
        run("initdb", "-D", path, f"--username={USER}", *how, fds=fds)
        create = f"CREATE DATABASE {DATABASE}\n"
        run("postgres", "--single", "-D", path, "postgres", fds=fds, text=create)
    partial.rename(server.data)


def _stop(server: _Server) -> None:
    """Stop the server and wait until none of its processes lives; wants the turn."""
    deadline = time.monotonic() + STOP_TIMEOUT
    asked: signal.Signals | None = None
    with _opened(server.home / "server.lock") as lock:
        while not _locked(lock):
            wanted = signal.SIGINT if time.monotonic() < deadline else signal.SIGQUIT
            pid = _postmaster(server.data) if asked is not wanted else None
            if pid is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, wanted)
                asked = wanted
            time.sleep(_POLL)
    if server.child is not None:
        server.child.wait()


def _answers(server: _Server) -> bool:
    """Whether the server takes connections, not only listens."""
    if not server.data.exists():
        return False
    with _opened(server.data, os.O_RDONLY | os.O_DIRECTORY) as fd:
        where = ("-h", f"/proc/self/fd/{fd}", "-p", "5432", "-U", USER, "-d", DATABASE)
        command: list[str | Path] = [server.programs.folder / "pg_isready", "-q", *where]
        asked = subprocess.run(command, pass_fds=(fd,), env=program_files.environment())
    return asked.returncode == 0


def _postmaster(data: Path) -> int | None:
    """The process that listens on the cluster's socket, as the kernel knows it, if there is one."""
    with contextlib.ExitStack() as stack:
        try:
            fd = stack.enter_context(_opened(data, os.O_RDONLY | os.O_DIRECTORY))
            client = stack.enter_context(socket.socket(socket.AF_UNIX))
            client.connect(f"/proc/self/fd/{fd}/{_SOCKET}")
        except OSError:
            return None
        peer = client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    pid: int = struct.unpack("3i", peer)[0]
    return pid


def _dsn(data: Path, fd: int) -> str:
    """Name the socket's directory by its path, or where that is too long by our descriptor."""
    short = len(os.fsencode(data / _SOCKET)) <= _SOCKET_PATH_MAX
    host = str(data) if short else f"/proc/{os.getpid()}/fd/{fd}"
    return f"postgresql://{USER}@/{DATABASE}?host={quote(host, safe='/')}&port=5432"


def _why(server: _Server) -> str:
    log = server.home / "server.log"
    said = log.read_text("utf-8", "replace") if log.exists() else ""
    return f"{program_files.last_line(said)} (more in {log})"


@contextlib.contextmanager
def _turn(server: _Server) -> Iterator[None]:
    with _opened(server.home / "turn.lock") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def _reachable(directory: Path, programs: Programs) -> Iterator[tuple[int, str]]:
    """A directory as an open descriptor, and the path by which the server's account enters it."""
    with _opened(directory, os.O_RDONLY | os.O_DIRECTORY) as fd:
        yield fd, str(directory) if programs.account is None else f"/proc/self/fd/{fd}"


@contextlib.contextmanager
def _opened(path: Path, flags: int = os.O_RDWR | os.O_CREAT) -> Iterator[int]:
    fd = os.open(path, flags | os.O_CLOEXEC, 0o600)
    try:
        yield fd
    finally:
        os.close(fd)


def _locked(fd: int) -> bool:
    """Take a lock for oneself, if it can be had at once."""
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
