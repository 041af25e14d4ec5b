"""The command line, with and without a running service, and its errors."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import jwt
import pytest

from service.settings import Settings
from service.storage.embedded.server import default_data_dir
from tests.support.command_line import CommandLine
from tests.support.databases import embedded_pid
from tests.support.paths import CHECKOUT

NATIVE = CHECKOUT / "samples" / "native.xml"
COUNT = "SELECT count(*) FROM current_projects"


def broken(tmp_path: Path, old: str, new: str) -> Path:
    """The native sample with something else in it."""
    text = NATIVE.read_text("utf-8")
    assert old in text
    path = tmp_path / "broken.xml"
    path.write_text(text.replace(old, new, 1), "utf-8")
    return path


def test_commands_join_the_database_of_a_running_service(cli: CommandLine, tmp_path: Path) -> None:
    with cli.serving() as base:
        cli.ok("client", "add", 7, "--name", "Seven")
        assert "Seven" in cli.ok("client", "list")
        token = cli.ok("token", "--client", 7).strip()
        output = cli.ok("upload", NATIVE, "--client", 7, "--url", base, "--token", token)
        assert "3 created" in output
        assert cli.ok("psql", "-Atc", COUNT) == "3\n"
        cli.ok("migrate", "--check")
        assert embedded_pid(tmp_path / "data", "18") is not None
    assert embedded_pid(tmp_path / "data", "18") is None


def test_commands_work_without_a_running_service(cli: CommandLine, tmp_path: Path) -> None:
    first = cli.ok("upload", NATIVE, "--client", 1, "--notes", "first")
    assert "3 created, 0 updated, 0 unchanged, 0 failed" in first
    assert "psql -c" in first
    assert "3 unchanged" in cli.ok("upload", NATIVE, "--client", 1)
    assert cli.ok("psql", "-Atc", "SELECT notes FROM imports ORDER BY import_id") == "first\n\n"
    assert embedded_pid(tmp_path / "data", "18") is None


def test_a_second_signal_does_not_wait_for_running_imports(cli: CommandLine) -> None:
    key = cli.ok("token", "--client", 1).strip()
    patient = {"BULK_IMPORT_IDLE_TIMEOUT": "600"}
    with (
        cli.serving_process(**patient) as (process, base),
        begun_upload(base, key, NATIVE.read_bytes()),
    ):
        while cli.ok("psql", "-Atc", "SELECT state FROM imports") != "running\n":
            pass
        process.send_signal(signal.SIGTERM)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(1)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    assert cli.ok("psql", "-Atc", "SELECT state FROM imports") == "interrupted\n"


@contextlib.contextmanager
def begun_upload(base: str, token: str, data: bytes) -> Iterator[None]:
    """An upload that has sent some of its file and sends no more."""
    host, port = base.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as client:
        client.sendall(
            b"POST /api/v2/clients/1/projects/bulk HTTP/1.1\r\nHost: here\r\n"
            b"Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 99999999\r\n"
            b"Authorization: Bearer " + token.encode() + b"\r\n\r\n"
            b'--x\r\nContent-Disposition: form-data; name="file"\r\n\r\n' + data[:5000]
        )
        yield


def test_the_next_service_uses_the_same_embedded_database(cli: CommandLine) -> None:
    with cli.serving():
        cli.ok("client", "add", 7, "--name", "Seven")
    with cli.serving():
        assert "Seven" in cli.ok("client", "list")


def test_an_upload_with_a_failed_project_exits_with_1_and_prints_the_failure(
    joined: CommandLine, tmp_path: Path
) -> None:
    file = broken(tmp_path, "<percent-complete>75<", "<percent-complete>175<")
    done = joined("upload", file, "--client", 1)
    assert done.returncode == 1
    assert "2 created, 0 updated, 0 unchanged, 1 failed" in done.stdout
    assert "VALIDATION_ERROR" in done.stdout
    assert "175" in done.stdout


def test_a_refused_upload_exits_with_2_and_prints_the_reason(
    joined: CommandLine, tmp_path: Path
) -> None:
    done = joined("upload", NATIVE, "--client", 5)
    assert done.returncode == 2
    assert "404 Not found" in done.stdout
    (tmp_path / "plain.xml").write_text("no XML at all")
    joined.ok("client", "add", 5, "--name", "Five")
    done = joined("upload", NATIVE, tmp_path / "plain.xml", "--client", 5)
    assert done.returncode == 2
    assert "the file is plain text, neither XML nor XER" in done.stdout
    assert "3 created" in done.stdout


def test_a_token_has_clients_scopes_subject_and_expiry(cli: CommandLine, tmp_path: Path) -> None:
    printed = cli.ok(
        "token", "--client", 1, "--client", 2, "--subject", "erp", "--scope", "all", "--hours", 2
    )
    secret = (tmp_path / "data" / "jwt-secret").read_text()
    claims = jwt.decode(printed.strip(), secret, algorithms=["HS256"])
    assert claims["clients"] == [1, 2]
    assert (claims["sub"], claims["scope"]) == ("erp", " ".join(Settings().scopes))
    assert claims["exp"] - claims["iat"] == 7200
    assert (tmp_path / "data" / "jwt-secret").stat().st_mode & 0o777 == 0o600


def test_a_token_follows_the_settings(cli: CommandLine) -> None:
    secret = "x" * 32
    names = {"SECRET": secret, "ISSUER": "us", "AUDIENCE": "them", "CLIENTS_CLAIM": "tenants"}
    settings = {f"BULK_IMPORT_JWT_{name}": value for name, value in names.items()}
    printed = cli.ok("token", "--client", 1, **settings)
    claims = jwt.decode(printed.strip(), secret, ["HS256"], audience="them", issuer="us")
    assert claims["tenants"] == [1]


def test_a_client_with_projects_is_removed_only_with_force(joined: CommandLine) -> None:
    joined.ok("client", "add", 2, "--name", "Other")
    for client in (1, 2):
        joined.ok("upload", NATIVE, "--client", client)
    assert (
        joined.refuses("client", "remove", 1) == "client 1 has 3 projects: --force removes them too"
    )
    joined.ok("client", "remove", 1, "--force")
    left = [
        f"SELECT DISTINCT client_id FROM {table}"
        for table in ("clients", "projects", "tasks", "imports", "import_results")
    ]
    assert joined.ok("psql", "-Atc", " UNION ALL ".join(left)) == "2\n" * len(left)


def test_a_disabled_client_is_refused_until_it_is_enabled(joined: CommandLine) -> None:
    joined.ok("client", "disable", 1)
    assert "disabled" in joined.ok("client", "list")
    assert "403 Access denied" in joined("upload", NATIVE, "--client", 1).stdout
    joined.ok("client", "enable", 1)
    joined.ok("upload", NATIVE, "--client", 1)


def test_adding_a_client_twice_is_refused(cli: CommandLine) -> None:
    assert cli.refuses("client", "add", 1, "--name", "Other") == "client 1 exists already"
    cli.ok("client", "add", 1, "--name", "Other", "--if-missing")
    assert "Demo" in cli.ok("client", "list")
    for verb in ("disable", "enable", "remove"):
        assert cli.refuses("client", verb, 2) == "there is no client 2"


@pytest.fixture
def external(cli: CommandLine, dsn: str) -> CommandLine:
    return CommandLine(cli.environment | {"DATABASE_URL": dsn})


def test_an_external_database_is_migrated_only_by_the_migrate_command(
    external: CommandLine, dsn: str
) -> None:
    secret = {"BULK_IMPORT_JWT_SECRET": "x" * 32}
    external.ok("migrate", "--check")
    external.ok("psql", "-c", "DROP SCHEMA public, report CASCADE; CREATE SCHEMA public")
    assert "run `bulk-import migrate` first" in external.refuses("migrate", "--check")
    assert "leave out" in external.refuses("migrate", "--check", "--partitions", "4")
    assert "run `bulk-import migrate` first" in external.refuses("serve", **secret)
    assert "run `bulk-import migrate` first" in external.refuses("client", "list")
    assert "Applied 2" in external.ok("migrate")
    assert external.ok("migrate") == "The schema is up to date.\n"
    external.ok("client", "add", 1, "--name", "Demo")
    with external.serving(**secret):
        assert "3 created" in external.ok("upload", NATIVE, "--client", 1, **secret)


def test_a_role_is_let_read_the_reports_of_a_client_and_no_longer(external: CommandLine) -> None:
    clients = "SET ROLE planner; SELECT client_id FROM report.clients ORDER BY client_id"
    for number in (1, 2):
        external.ok("client", "add", number, "--name", "Demo")
    external.ok("psql", "-c", "CREATE ROLE planner")
    try:
        external.ok("migrate", "--grant-reader", "planner", "--client", 1, "--client", 2)
        assert external.ok("psql", "-Atqc", clients) == "1\n2\n"
        external.ok("migrate", "--revoke-reader", "planner", "--client", 2)
        assert external.ok("psql", "-Atqc", clients) == "1\n"
        external.ok("migrate", "--revoke-reader", "planner")
        assert "permission denied" in external("psql", "-Atqc", clients).stderr
    finally:
        external.ok("psql", "-c", "DROP OWNED BY planner; DROP ROLE planner")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--grant-reader", "nobody", "--client", 1], 'there is no role "nobody"'),
        (["--grant-reader", "pg_monitor", "--client", 9], "there is no client 9"),
        (["--grant-reader", "postgres"], "--grant-reader needs --client"),
        (["--client", 1], "--client belongs to --grant-reader or --revoke-reader"),
        (["--check", "--revoke-reader", "postgres"], "--check changes nothing"),
    ],
)
def test_options_for_readers_that_make_no_sense_are_refused(
    external: CommandLine, options: list[object], message: str
) -> None:
    assert message in external.refuses("migrate", *options)


def test_the_embedded_database_cannot_be_distributed(cli: CommandLine) -> None:
    assert "set DATABASE_URL" in cli.refuses("migrate", "--distribute", 8)


def test_an_external_database_requires_a_key(external: CommandLine) -> None:
    error = external.refuses("serve")
    assert "BULK_IMPORT_JWT_SECRET" in error
    assert "BULK_IMPORT_JWT_PUBLIC_KEY" in error
    assert "BULK_IMPORT_JWT_SECRET" in external.refuses("token", "--client", 1)


@pytest.mark.parametrize(
    ("setting", "value", "message"),
    [
        ("BULK_IMPORT_PORT", "x", "BULK_IMPORT_PORT"),
        ("BULK_IMPORT_HOST", "192.0.2.1", "cannot listen on 192.0.2.1:0"),
        ("BULK_IMPORT_DATA_DIR", "/dev/null/x", "cannot use /dev/null/x"),
        ("DATABASE_URL", "postgresql://127.0.0.1:1/x", "the database cannot be used"),
    ],
)
def test_a_bad_setting_is_reported_in_one_line(
    cli: CommandLine, setting: str, value: str, message: str
) -> None:
    settings = {"BULK_IMPORT_JWT_SECRET": "x" * 32, "BULK_IMPORT_RETRY_TIMEOUT": "0.01"}
    settings[setting] = value
    assert message in cli.refuses("serve", **settings)


def test_a_fault_of_an_own_format_stops_the_start(cli: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "acme.toml").write_text("name = 3")
    line = cli.refuses("serve", "--processes", 2, BULK_IMPORT_FORMATS_DIR=str(tmp_path))
    assert "acme.toml: name: Input should be a valid string; " in line
    assert "acme.toml: project: is missing" in line


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_a_user_without_a_home_is_asked_to_set_a_directory(environment: dict[str, str]) -> None:
    # A number without an account, let into the checkout even where that is root's alone.
    become = ("--reuid=54321", "--regid=54321", "--clear-groups")
    reads = ("--inh-caps=+dac_override", "--ambient-caps=+dac_override")
    unset = ("HOME", "XDG_DATA_HOME", "BULK_IMPORT_DATA_DIR")
    kept = {name: value for name, value in environment.items() if name not in unset}
    installed = (  # elsewhere than in the checkout, which has a directory for data
        "from service.cli.main import main; from service.storage.embedded import server; "
        "server.find_checkout = lambda: None; main()"
    )
    command = ["setpriv", *become, *reads, sys.executable, "-c", installed, "serve"]
    done = subprocess.run(command, env=kept, cwd=CHECKOUT, capture_output=True, text=True)
    (line,) = done.stderr.splitlines()
    assert line.startswith("bulk-import: ")
    assert {"DATABASE_URL", "BULK_IMPORT_DATA_DIR", "HOME"} <= {*line.split()}
    assert done.returncode == 2


def test_an_unreachable_service_is_reported(cli: CommandLine) -> None:
    nowhere = "http://127.0.0.1:1"
    done = cli("upload", NATIVE, "--client", 1, "--url", nowhere, "--retry-for", 0)
    assert done.returncode == 2
    problem = f"no service answers at {nowhere}: Connection refused"
    assert f"native.xml: {problem}" in done.stdout
    assert problem in cli.refuses("imports", "--client", 1, "--url", nowhere)


def test_the_embedded_database_of_a_test_is_not_in_the_default_directory(cli: CommandLine) -> None:
    before = sorted(default_data_dir().glob("*"))
    cli.ok("client", "list")
    assert sorted(default_data_dir().glob("*")) == before


def test_ctrl_c_while_the_command_is_loaded_prints_nothing() -> None:
    code = (
        "import signal, sys\n"
        "from service.cli.main import main\n"
        "class Interrupt:\n"
        "    def find_spec(self, name, path, target=None):\n"
        "        if name == 'typer': signal.raise_signal(signal.SIGINT)\n"
        "sys.meta_path.insert(0, Interrupt())\n"
        "main()\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, b"", b"")


@pytest.mark.parametrize("on_ctrl_c", ["default_int_handler", "SIG_IGN"])
def test_a_signal_before_the_command_is_found_ends_without_output(on_ctrl_c: str) -> None:
    code = (
        "import signal, typer.main, service.cli.main\n"
        f"signal.signal(signal.SIGINT, signal.{on_ctrl_c})\n"
        "look = typer.main.get_command\n"
        "typer.main.get_command = lambda app: (signal.raise_signal(signal.SIGTERM), look(app))[1]\n"
        "service.cli.main.main()\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, b"", b"")
