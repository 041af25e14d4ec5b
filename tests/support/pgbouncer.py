"""PgBouncer in transaction mode between a test and its database."""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from service.storage.embedded.program_files import server_account

_CONFIGURATION: Final = """
[databases]
* = host={host} port={port} user=postgres
[pgbouncer]
pool_mode = transaction
max_prepared_statements = {prepared}
listen_addr =
unix_socket_dir = {folder}
auth_type = any
max_client_conn = 500
default_pool_size = {connections}
application_name_add_host = {add_host}
server_login_retry = 0.5
"""
_PORT: Final = 6432


class PgBouncer:
    """A PgBouncer of the test's own.

    Args:
        folder: the running program's.
        prepared: number of prepared statements to keep for each connection; 0 disables them.
        connections: to each database.
        add_host: append the client's address to the names of its sessions.
    """

    def __init__(
        self, folder: Path, prepared: int, connections: int, *, add_host: bool = False
    ) -> None:
        self._folder = folder
        self._prepared = prepared
        self._connections = connections
        self._add_host = add_host
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def _file(self) -> Path:
        return self._folder / "pgbouncer.ini"

    def dsn(self, database: str) -> str:
        """URL of a database through the pooler."""
        return f"postgresql://postgres@/{database}?host={quote(str(self._folder))}&port={_PORT}"

    def start(self, host: str, port: int) -> None:
        """Start it before the server at ``host``, a directory or an address.

        Raises:
            RuntimeError: it does not come up; with its log.
        """
        account = server_account(self._folder)
        who = {} if account is None else {"user": account.uid, "group": account.gid}
        with contextlib.ExitStack() as stack:
            fds = []
            if host.startswith("/"):  # which its account could not reach by the path
                fds = [os.open(host, os.O_RDONLY | os.O_DIRECTORY)]
                stack.callback(os.close, fds[0])
                host = f"/proc/self/fd/{fds[0]}"
            self._write(host, port)
            with (self._folder / "log").open("wb") as log:
                self._process = subprocess.Popen(
                    [_program(), "--quiet", self._file],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    cwd="/",
                    pass_fds=fds,
                    start_new_session=True,
                    **who,  # type: ignore[call-overload]
                )
        socket = self._folder / f".s.PGSQL.{_PORT}"
        deadline = time.monotonic() + 10
        while not socket.exists():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((self._folder / "log").read_text())
            time.sleep(0.01)

    def point_to(self, host: str, port: int) -> None:
        """Send who connects from now on to another server, as an operator would."""
        assert self._process is not None
        self._write(host, port)
        self._process.send_signal(signal.SIGHUP)

    def restart(self, host: str, port: int) -> None:
        """Kill it, and start it again."""
        self.stop()
        (self._folder / f".s.PGSQL.{_PORT}").unlink(missing_ok=True)
        self.start(host, port)

    def stop(self) -> None:
        """End it at once."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def _write(self, host: str, port: int) -> None:
        self._file.write_text(
            _CONFIGURATION.format(
                host=host,
                port=port,
                prepared=self._prepared,
                connections=self._connections,
                add_host=int(self._add_host),
                folder=self._folder,
            )
        )
        self._file.chmod(0o644)


@contextlib.contextmanager
def run_pgbouncer(
    dsn: str, *, prepared: int, connections: int = 40, add_host: bool = False
) -> Iterator[PgBouncer]:
    """A PgBouncer before a server, until the block ends.

    Args:
        dsn: of the server, by a URL.
        prepared: number of prepared statements to keep for each connection; 0 disables them.
        connections: to each database.
        add_host: append the client's address to the names of its sessions.
    """
    parts = urlsplit(dsn)
    query = parse_qs(parts.query)
    folder = Path(tempfile.mkdtemp(prefix="pgbouncer-"))
    if (account := server_account(folder)) is not None:
        os.chown(folder, account.uid, account.gid)
    bouncer = PgBouncer(folder, prepared, connections, add_host=add_host)
    try:
        bouncer.start(
            parts.hostname or query["host"][0], parts.port or int(query.get("port", ["5432"])[0])
        )
        yield bouncer
    finally:
        bouncer.stop()
        shutil.rmtree(folder)


def _program() -> str:
    found = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
    if found is None:
        pytest.fail("PgBouncer is not installed: apt-get install pgbouncer", pytrace=False)
    return found
