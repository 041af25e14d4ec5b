"""A PostgreSQL that accepts passwords over TLS only. Debian's: the wheel's servers have no TLS."""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from service.storage.embedded.program_files import Programs, server_account
from tests.support.faults.cluster import Cluster
from tests.support.paths import CHECKOUT
from tests.support.tls import Authority

_FOLDER: Final = Path("/usr/lib/postgresql")
_ACCESS: Final = """
host    all postgres 127.0.0.1/32 trust
hostssl all all      127.0.0.1/32 scram-sha-256
"""


@contextlib.contextmanager
def tls_server(authority: Authority) -> Iterator[Cluster]:
    """Run an empty server whose certificate an authority issued, until the block ends.

    Only ``postgres`` needs no password and no TLS.
    """
    folder = Path(tempfile.mkdtemp(prefix="tls-server-"))
    account = server_account(folder / "data")
    authority.issue(folder)
    (folder / "pg_hba.conf").write_text(_ACCESS)
    (folder / "tls.key").chmod(0o600)
    if account is not None:
        for path in (folder, *folder.iterdir()):
            os.chown(path, account.uid, account.gid)
    server = Cluster(
        folder,
        Programs(_programs(), account),
        ssl="on",
        ssl_cert_file=str(folder / "tls.crt"),
        ssl_key_file=str(folder / "tls.key"),
        hba_file=str(folder / "pg_hba.conf"),
    )
    with contextlib.closing(server):
        try:
            server.make()
            server.start()
            yield server
        finally:
            server.stop()
            shutil.rmtree(folder)


def make_verifier(password: str) -> str:
    """Return what the documented command makes of a password."""
    script = str(CHECKOUT / "scripts" / "scram_verifier.py")
    return _output(sys.executable, script, text=f"{password}\n")


def psql(*arguments: str) -> str:
    """Return the output of psql, without headings."""
    program = str(_programs() / "psql")
    return _output(program, "--no-psqlrc", "--tuples-only", "--no-align", *arguments)


def _output(*command: str, text: str = "") -> str:
    done = subprocess.run(command, input=text, stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout.strip()


def _programs() -> Path:
    """The programs of the last version that Debian has installed."""
    found = [path.parent for path in _FOLDER.glob("*/bin/postgres")]
    if not found:
        pytest.fail("PostgreSQL with TLS is not installed: apt-get install postgresql", False)
    return max(found, key=lambda folder: int(folder.parent.name))
