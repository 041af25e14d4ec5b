"""Starts that find no database yet, and one whose certificate must be verified."""

import asyncio
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import pytest

from tests.support.command_line import CommandLine
from tests.support.databases import execute
from tests.support.service import SECRET
from tests.support.tls_front import run_tls_front

NAME = f"late_{os.getpid()}"


class LateDatabase:
    """A database whose server can be reached, created and migrated step by step."""

    def __init__(self, server: str, folder: Path) -> None:
        self._server = server
        query = {name: values[0] for name, values in parse_qs(urlsplit(server).query).items()}
        self._socket = Path(query["host"]) / f".s.PGSQL.{query['port']}"
        self._link = folder / self._socket.name
        changed = urlencode(query | {"host": str(folder)})
        self.dsn = urlsplit(server)._replace(path=f"/{NAME}", query=changed).geturl()

    def dsn_as(self, role: str) -> str:
        return self.dsn.replace("//postgres@", f"//{role}@")

    def connect(self) -> None:
        self._link.symlink_to(self._socket)

    def disconnect(self) -> None:
        self._link.unlink()

    def execute(self, statement: str) -> None:
        asyncio.run(execute(self._server, statement))


@pytest.fixture
def late(server: str, tmp_path: Path) -> Iterator[LateDatabase]:
    database = LateDatabase(server, tmp_path)
    yield database
    database.execute(f"DROP DATABASE IF EXISTS {NAME} WITH (FORCE)")
    database.execute(f"DROP ROLE IF EXISTS {NAME}")


def test_commands_wait_until_the_database_can_be_used(cli: CommandLine, late: LateDatabase) -> None:
    started = {"DATABASE_URL": late.dsn, "BULK_IMPORT_JWT_SECRET": SECRET}
    with cli.begin("migrate", "--check", "--wait", 60, **started) as checking:
        assert checking.stderr is not None
        assert "No such file or directory" in checking.stderr.readline()
        late.connect()
        assert f'database "{NAME}" does not exist' in checking.stderr.readline()
        assert f'database "{NAME}" does not exist' in cli.refuses("serve", **started)
        late.execute(f"CREATE DATABASE {NAME}")
        assert "run `bulk-import migrate` first" in checking.stderr.readline()
        late.disconnect()
        with cli.begin("migrate", "--wait", 60, **started) as migrating:
            assert migrating.stderr is not None
            assert "Waiting for the database, up to 60 s: " in migrating.stderr.readline()
            late.connect()
            assert migrating.wait(60) == 0
        assert checking.wait(60) == 0
    role = {"DATABASE_URL": late.dsn_as(NAME)}
    with cli.begin("migrate", "--check", "--wait", 60, **role) as checking:
        assert checking.stderr is not None
        assert f'role "{NAME}" does not exist' in checking.stderr.readline()
        late.execute(f"CREATE ROLE {NAME} LOGIN")
        assert "permission denied" in checking.stderr.readline()
        cli.ok("migrate", "--grant-to", NAME, **started)
        assert checking.wait(60) == 0
    late.execute(f"ALTER ROLE {NAME} RENAME TO {NAME}_old")
    with cli.begin("migrate", "--grant-to", NAME, "--wait", 60, **started) as migrating:
        assert migrating.stderr is not None
        assert f'role "{NAME}" does not exist' in migrating.stderr.readline()
        late.execute(f"ALTER ROLE {NAME}_old RENAME TO {NAME}")
        assert migrating.wait(60) == 0
    late.disconnect()
    with cli.begin("serve", **started) as serving:
        assert serving.stderr is not None
        assert serving.stdout is not None
        assert "the database is awaited" in serving.stderr.readline()
        late.connect()
        assert serving.stdout.readline().startswith("Serving on ")
        serving.terminate()
        assert serving.wait(60) == 0


@pytest.mark.parametrize("command", [["serve"], ["migrate", "--wait", 60]])
def test_a_signal_ends_the_wait_for_the_database(
    cli: CommandLine, late: LateDatabase, command: list[object]
) -> None:
    started = {"DATABASE_URL": late.dsn, "BULK_IMPORT_JWT_SECRET": SECRET}
    with cli.begin(*command, **started) as waiting:
        assert waiting.stderr is not None
        assert "No such file or directory" in waiting.stderr.readline()
        waiting.terminate()
        assert waiting.wait(30) == 130
        assert waiting.stderr.read() == ""


def test_a_wait_for_the_database_ends(cli: CommandLine, late: LateDatabase) -> None:
    said = "the database cannot be used: [Errno 2] No such file or directory"
    assert said in cli.refuses("migrate", "--check", "--wait", 0.1, DATABASE_URL=late.dsn)


async def test_the_systems_authorities_verify_the_database(
    cli: CommandLine, dsn: str, tmp_path: Path
) -> None:
    async def run(*arguments: object, **settings: str) -> subprocess.CompletedProcess[str]:
        return await asyncio.to_thread(cli, *arguments, **settings)

    async with run_tls_front(dsn, tmp_path) as front:
        parts = urlsplit(dsn)
        path = f"postgresql://{parts.username}@{front.netloc}{quote(parts.path)}"
        address = {"DATABASE_URL": f"{path}?sslrootcert=system"}
        trusted = address | {"SSL_CERT_FILE": str(front.authority)}
        for command in (["migrate"], ["client", "list"], ["psql", "-c", "SELECT 1"]):
            done = await run(*command, **trusted)
            assert done.returncode == 0, done.stderr
            assert (await run(*command, **address)).returncode == 2, command
        refused = await run("migrate", "--check", "--wait", 60, **address)
        assert "certificate verify failed" in refused.stderr
