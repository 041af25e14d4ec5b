"""The service connects through PgBouncer with the configuration and role of the manifests."""

import contextlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg

from service.settings import Settings
from service.storage import migrate
from service.storage.embedded.program_files import server_account
from tests.support.databases import ADD_CLIENT
from tests.support.faults.cluster import Cluster, cluster
from tests.support.paths import CHECKOUT
from tests.support.raw_http import XML, form, get, part, upload
from tests.support.service import served
from tests.tools.image.database import SERVER, make_roles
from tests.tools.k8s.overlays import pods

FILE = CHECKOUT / "k8s" / "components" / "pgbouncer" / "pgbouncer.ini"
PASSWORD = "a password"


@contextlib.contextmanager
def bouncing(server: Cluster, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """Run PgBouncer with that configuration, with other addresses and a server without TLS."""
    program = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
    assert program is not None, "PgBouncer is not installed: apt-get install pgbouncer"
    folder = Path(tempfile.mkdtemp(prefix="pgbouncer-"))
    users = folder / "userlist.txt"
    users.write_text(f'"{SERVER}" "{PASSWORD}"\n')
    text = FILE.read_text("utf-8")
    for name, value in {
        "host": f"127.0.0.1 port={server.port}",
        "listen_addr ": " 127.0.0.1",
        "listen_port ": f" {port}",
        "auth_file ": f" {users}",
        "server_tls_sslmode ": " prefer",
    }.items():
        text, changed = re.subn(rf"{name}=.*", f"{name}={value}", text)
        assert changed == 1, name
    (folder / "pgbouncer.ini").write_text(text)
    account = server_account(folder / "new")
    who = {} if account is None else {"user": account.uid, "group": account.gid}
    folder.chmod(0o755)
    process = subprocess.Popen(
        [program, folder / "pgbouncer.ini"],
        stderr=subprocess.PIPE,
        cwd="/",
        **who,  # type: ignore[call-overload]
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(folder)


async def connect(port: int) -> asyncpg.Connection:
    """Connect as soon as PgBouncer listens."""
    deadline = time.monotonic() + 10
    while True:
        try:
            return await asyncpg.connect(address(port), statement_cache_size=0)
        except OSError:
            assert time.monotonic() < deadline


def address(port: int) -> str:
    return f"postgresql://{SERVER}:{PASSWORD}@127.0.0.1:{port}/bulk_import?sslmode=disable"


async def test_an_import_works_through_pgbouncer_and_a_shutdown_waits_for_transactions(
    postgres: str, settings: Settings
) -> None:
    with cluster(postgres) as server:
        roles = await make_roles(server)
        migrate.migrate(roles.owner)
        await migrate.grant_privileges(roles.owner, SERVER)
        owner = await asyncpg.connect(roles.owner)
        await owner.execute(ADD_CLIENT)
        await owner.close()
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        with bouncing(server, port) as process:
            busy = await connect(port)
            async with served(settings, address(port)) as service:
                assert (await get(service, "/readyz")).status == 200
                answer = await upload(service, form(part("file", XML)))
                assert (answer.status, answer.json["counts"]["created"]) == (207, 2)
            transaction = busy.transaction()
            await transaction.start()
            await busy.execute("SELECT 1")
            process.send_signal(the_signal())
            assert await busy.fetchval("SELECT 2") == 2
            await transaction.commit()
            assert process.wait(10) == 0
            busy.terminate()


def the_signal() -> signal.Signals:
    """Return the signal that the ``preStop`` hook sends to process 1."""
    (container,) = pods("production")["bulk-import-pgbouncer"]["containers"]
    (name,) = re.findall(
        r"^kill -(\w+) 1;", container["lifecycle"]["preStop"]["exec"]["command"][2]
    )
    return signal.Signals[f"SIG{name}"]
