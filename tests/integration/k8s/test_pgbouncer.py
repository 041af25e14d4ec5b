"""PgBouncer with the configuration, the probe and the signals of the manifests.

The database accepts passwords over TLS only, and PgBouncer knows their verifiers only.
"""

import asyncio
import contextlib
import re
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest

from service.settings import Settings
from service.storage import migrate
from service.storage.embedded.program_files import server_account
from tests.support.databases import ADD_CLIENT
from tests.support.faults.cluster import Cluster
from tests.support.raw_http import XML, form, get, part, upload
from tests.support.service import served
from tests.support.tls import Authority
from tests.support.tls_server import make_verifier, psql, tls_server
from tests.tools.image.database import OWNER, SERVER
from tests.tools.k8s.overlays import OVERLAYS, Object, composed, images, of, pods

SECOND = f"{SERVER}_b"
PASSWORD = "a-password"
FIXED = (1, 26, 1)
"""The first version without the faults that a client could use before it logged in."""


@dataclass(frozen=True)
class Bouncer:
    """A PgBouncer that runs, with its files."""

    process: subprocess.Popen[bytes]
    port: int
    folder: Path
    ca: Path

    def url(self, role: str = SERVER) -> str:
        return address(role, self.port, self.ca)

    def probe(self) -> int:
        """Run the probe of the manifests, and return its exit code."""
        (container,) = pods("production")["bulk-import-pgbouncer"]["containers"]
        assert container["livenessProbe"]["exec"] == container["readinessProbe"]["exec"]
        *shell, script = container["livenessProbe"]["exec"]["command"]
        (seconds,) = re.findall(r" -t (\d+) ", script)
        assert int(seconds) < container["livenessProbe"]["timeoutSeconds"]
        script = script.replace("/6432", f"/{self.port}").replace(f"-t {seconds}", "-t 1")
        return subprocess.run([*shell, script]).returncode


def address(role: str, port: int, ca: Path) -> str:
    query = f"sslmode=verify-full&sslrootcert={ca}"
    return f"postgresql://{role}:{PASSWORD}@127.0.0.1:{port}/bulk_import?{query}"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """PgBouncer's configuration with the component database-tls."""
    objects = composed(
        tmp_path_factory.mktemp("overlay"), "overlays/production", components=["database-tls"]
    )
    return data_of(objects)


def data_of(objects: list[Object]) -> dict[str, str]:
    (data,) = [
        each["data"]
        for each in objects
        if each["kind"] == "ConfigMap" and "pgbouncer.ini" in each["data"]
    ]
    assert isinstance(data, dict)
    return data


@contextlib.contextmanager
def bouncing(
    files: dict[str, str], authority: Authority, server_port: int, trusted: Authority, users: str
) -> Iterator[Bouncer]:
    """Run PgBouncer with its files in another folder.

    Args:
        files: of its configuration.
        authority: issues its certificate.
        server_port: of the database, on 127.0.0.1.
        trusted: the authority of the database.
        users: the list of users.
    """
    program = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
    assert program is not None, "PgBouncer is not installed: apt-get install pgbouncer"
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    folder = Path(tempfile.mkdtemp(prefix="pgbouncer-"))
    authority.issue(folder)
    (folder / "ca.crt").write_bytes(trusted.certificate)
    (folder / "bouncer-ca.crt").write_bytes(authority.certificate)
    (folder / "userlist.txt").write_text(users)
    for name, text in files.items():
        text = re.sub(r"(?<= )/(etc/pgbouncer|client-tls|database-tls)/", f"{folder}/", text)
        text = text.replace("listen_port = 6432", f"listen_port = {port}")
        text = text.replace(
            "host=bulk-import-db-rw port=5432", f"host=127.0.0.1 port={server_port}"
        )
        (folder / name).write_text(text)
    account = server_account(folder / "new")
    who = {} if account is None else {"user": account.uid, "group": account.gid}
    for path in (folder, *folder.iterdir()):
        path.chmod(0o755)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [program, folder / "pgbouncer.ini"],
            stderr=log,
            cwd="/",
            **who,  # type: ignore[call-overload]
        )
    try:
        wait_for(port)
        yield Bouncer(process, port, folder, folder / "bouncer-ca.crt")
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(folder)


def wait_for(port: int) -> None:
    """Wait until something listens on the port."""
    deadline = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        else:
            return


async def make_database(server: Cluster) -> str:
    """Make the roles with their verifiers and the database; return the list of users."""
    verifiers = {role: make_verifier(PASSWORD) for role in (OWNER, SERVER, SECOND)}
    connection = await asyncpg.connect(server.dsn())
    try:
        for role in (OWNER, SERVER):
            await connection.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{verifiers[role]}'")
        await connection.execute(f"CREATE DATABASE bulk_import OWNER {OWNER}")
        # As docs/operate/kubernetes/rotation.md rotates the password.
        await connection.execute(
            f"CREATE ROLE {SECOND} LOGIN PASSWORD '{verifiers[SECOND]}' IN ROLE {SERVER}"
        )
        await connection.execute(
            f"GRANT pg_read_all_stats, pg_signal_backend TO {SERVER}, {SECOND}"
        )
    finally:
        await connection.close()
    return "".join(f'"{role}" "{verifiers[role]}"\n' for role in (SERVER, SECOND))


async def test_service_and_database_work_through_verified_tls_on_both_sides(
    settings: Settings, files: dict[str, str], tmp_path: Path
) -> None:
    ours, theirs = Authority("of PgBouncer"), Authority("of the database")
    ca = tmp_path / "ca.crt"
    ca.write_bytes(theirs.certificate)
    with tls_server(theirs) as server:
        users = await make_database(server)
        first, second = users.splitlines(keepends=True)
        owner = address(OWNER, server.port, ca)
        await asyncio.to_thread(migrate.migrate, owner)
        await migrate.grant_privileges(owner, SERVER)
        assert psql(owner, "-c", ADD_CLIENT) == "INSERT 0 1"
        with bouncing(files, ours, server.port, theirs, first) as bouncer:
            assert await migrate.pending_migrations(bouncer.url()) == []
            with pytest.raises(ssl.SSLCertVerificationError):
                await asyncpg.connect(address(SERVER, bouncer.port, ca))
            async with served(settings, bouncer.url()) as service:
                assert (await get(service, "/readyz")).status == 200
                answer = await upload(service, form(part("file", XML)))
                assert (answer.status, answer.json["counts"]["created"]) == (207, 2)

                # A second role, while the first one still serves.
                (bouncer.folder / "userlist.txt").write_text(first + second)
                bouncer.process.send_signal(sent("command", r"kill -(\w+) 1; done"))
                await until_accepted(bouncer.url(SECOND))
                async with served(settings, bouncer.url(SECOND)) as other:
                    assert (await get(other, "/readyz")).status == 200
                    assert (await get(service, "/readyz")).status == 200
                    answer = await upload(other, form(part("file", XML)))
                    assert (answer.status, answer.json["counts"]["unchanged"]) == (207, 2)
            await ends_after_its_transactions(bouncer)
        with bouncing(files, ours, server.port, ours, first) as bouncer:
            await refuses_the_server(bouncer)


async def refuses_the_server(bouncer: Bouncer) -> None:
    """Check that PgBouncer does not accept the certificate of the database."""
    with pytest.raises(TimeoutError):
        await asyncpg.connect(bouncer.url(), timeout=1)
    assert "certificate verify failed" in (bouncer.folder / "log").read_text()


async def until_accepted(url: str) -> None:
    """Wait until PgBouncer has read its list of users again."""
    deadline = time.monotonic() + 10
    while True:
        try:
            await (await asyncpg.connect(url, statement_cache_size=0)).close()
        except asyncpg.InvalidPasswordError:
            assert time.monotonic() < deadline
        else:
            return


async def ends_after_its_transactions(bouncer: Bouncer) -> None:
    """Check that the shutdown of the manifests waits for a transaction."""
    busy = await asyncpg.connect(bouncer.url(), statement_cache_size=0)
    transaction = busy.transaction()
    await transaction.start()
    await busy.execute("SELECT 1")
    bouncer.process.send_signal(sent("preStop", r"^kill -(\w+) 1;"))
    assert await busy.fetchval("SELECT 2") == 2
    await transaction.commit()
    assert bouncer.process.wait(10) == 0
    busy.terminate()


def sent(where: str, pattern: str) -> signal.Signals:
    """Return the signal that the command or the hook sends to process 1."""
    (container,) = pods("production")["bulk-import-pgbouncer"]["containers"]
    commands = {
        "command": container["command"],
        "preStop": container["lifecycle"]["preStop"]["exec"]["command"],
    }
    (name,) = re.findall(pattern, commands[where][2])
    return signal.Signals[f"SIG{name}"]


@pytest.mark.parametrize("overlay", ["production", "database-tls"])
def test_the_probe_notices_a_hang_that_no_packet_can_cause(
    overlay: str, files: dict[str, str]
) -> None:
    given = files if overlay == "database-tls" else data_of(of(overlay, "ConfigMap"))
    authority = Authority("of PgBouncer")
    with bouncing(given, authority, 1, authority, f'"{SERVER}" "{PASSWORD}"\n') as bouncer:
        assert bouncer.probe() == 0
        # Before 1.26.1, an empty name of an option made a loop without an end, if the list
        # ignore_startup_parameters had other names.
        words = f"user\0{SERVER}\0database\0bulk_import\0options\0-c=\0\0".encode()
        with socket.create_connection(("127.0.0.1", bouncer.port)) as client:
            client.sendall(struct.pack("!II", 8 + len(words), 3 << 16) + words)
            client.settimeout(5)
            assert client.recv(1) in (b"R", b"E")
        assert bouncer.probe() == 0
        assert "handshake" not in (bouncer.folder / "log").read_text(), "one line for each probe"
        bouncer.process.send_signal(signal.SIGSTOP)
        assert bouncer.probe() != 0


def test_no_image_of_pgbouncer_has_the_known_faults() -> None:
    found = [image for overlay in OVERLAYS for image in images(overlay) if "pgbouncer" in image]
    for image in found:
        (version,) = re.findall(r":(\d+)\.(\d+)\.(\d+)", image)
        assert tuple(map(int, version)) >= FIXED, image
    assert found
