"""The embedded server: shared, interrupted, killed, and started from odd directories."""

import asyncio
import contextlib
import importlib.util
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from service.storage.embedded import program_files
from service.storage.embedded import server as embedded
from service.storage.embedded.program_files import EmbeddedError
from service.storage.embedded.server import run_server
from tests.support.databases import embedded_pid

HOLD = """
import signal
import sys
from pathlib import Path
from service.storage.embedded.server import run_server
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell lets its jobs ignore it
with run_server(Path(sys.argv[1]), sys.argv[2]) as dsn:
    print(dsn, flush=True)
    sys.stdin.read()
"""


@contextlib.contextmanager
def other_holder(root: Path, version: str) -> Iterator[subprocess.Popen[str]]:
    """Start another process that holds the server until its input is closed."""
    command = [sys.executable, "-c", HOLD, str(root), version]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("postgresql://")
        yield process
        with contextlib.suppress(BrokenPipeError):
            process.communicate()


def ask(dsn: str, query: str) -> object:
    async def fetch() -> object:
        connection = await asyncpg.connect(dsn)
        try:
            return await connection.fetchval(query)
        finally:
            await connection.close()

    return asyncio.run(fetch())


@pytest.fixture(scope="session")
def initialized(tmp_path_factory: pytest.TempPathFactory, postgres: str) -> Path:
    """Directory of a server that ran once: a copy of it is faster than ``initdb``."""
    root = tmp_path_factory.mktemp("initialized")
    with run_server(root, postgres):
        pass
    return root


@pytest.fixture
def root(initialized: Path, tmp_path: Path) -> Path:
    """Directory of a server of the test's own, which does not run."""
    root = tmp_path / "root"
    subprocess.run(["cp", "-a", initialized, root], check=True)  # keeps the owner
    return root


def test_a_second_start_has_the_data_of_the_first(tmp_path: Path, postgres: str) -> None:
    with run_server(tmp_path, postgres) as dsn:
        ask(dsn, "CREATE TABLE kept AS SELECT 42 AS answer")
    assert embedded_pid(tmp_path, postgres) is None
    with run_server(tmp_path, postgres) as dsn:
        assert ask(dsn, "SELECT answer FROM kept") == 42


def test_the_server_is_durable_and_has_no_tcp_port(tmp_path: Path, postgres: str) -> None:
    with run_server(tmp_path, postgres) as dsn:
        assert ask(dsn, "SHOW server_version") != ""
        assert ask(dsn, "SHOW listen_addresses") == ""
        assert ask(dsn, "SHOW fsync") == "on"
        assert ask(dsn, "SHOW synchronous_commit") == "on"
        assert stat.S_IMODE((tmp_path / f"pg{postgres}").stat().st_mode) == 0o700


@pytest.mark.once
def test_the_last_of_several_holders_stops_the_server(root: Path, postgres: str) -> None:
    with other_holder(root, postgres) as first:
        pid = embedded_pid(root, postgres)
        with run_server(root, postgres) as dsn:
            assert embedded_pid(root, postgres) == pid
            first.communicate()
            assert ask(dsn, "SELECT 1") == 1
        assert embedded_pid(root, postgres) is None


@pytest.mark.once
def test_the_next_holder_joins_and_stops_the_server_of_a_killed_holder(
    root: Path, postgres: str
) -> None:
    with other_holder(root, postgres) as holder:
        holder.kill()
    orphan = embedded_pid(root, postgres)
    assert orphan is not None
    with run_server(root, postgres) as dsn:
        assert embedded_pid(root, postgres) == orphan
        assert ask(dsn, "SELECT 1") == 1
    assert embedded_pid(root, postgres) is None


def test_a_killed_server_recovers_at_the_next_start(root: Path, postgres: str) -> None:
    with run_server(root, postgres) as dsn:
        ask(dsn, "CREATE TABLE kept AS SELECT 42 AS answer")
        pid = embedded_pid(root, postgres)
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
    with run_server(root, postgres) as dsn:
        assert ask(dsn, "SELECT answer FROM kept") == 42


@pytest.mark.once
@pytest.mark.parametrize("name", ["postmaster.pid", ".s.PGSQL.5432.lock"])
@pytest.mark.parametrize(
    "left", ["", "12", "{pid}\n", "{pid}\n/elsewhere\n1\n5432\n.\n\n1 2\nready\n"]
)
def test_a_stale_pid_file_does_not_prevent_a_start(
    root: Path, postgres: str, name: str, left: str
) -> None:
    with run_server(root, postgres):
        pass
    data = root / f"pg{postgres}" / "data"
    owner = data.stat()
    account = {} if os.geteuid() else {"user": owner.st_uid, "group": owner.st_gid}
    foreign = subprocess.Popen(["sleep", "60"], cwd="/", **account)  # type: ignore[call-overload]
    try:
        (data / name).write_text(left.format(pid=foreign.pid))
        os.chown(data / name, owner.st_uid, owner.st_gid)
        with run_server(root, postgres) as dsn:
            assert ask(dsn, "SELECT 1") == 1
        assert foreign.poll() is None
    finally:
        foreign.kill()
        foreign.wait()


@pytest.mark.once
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_start_leaves_no_process(
    tmp_path: Path, postgres: str, number: signal.Signals
) -> None:
    script = "import signal; signal.signal(signal.SIGTERM, signal.default_int_handler)" + HOLD
    command = [sys.executable, "-c", script, str(tmp_path), postgres]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        lock = tmp_path / f"pg{postgres}" / "server.lock"
        while not lock.exists():
            assert process.poll() is None
        process.send_signal(number)
    with embedded._open_file(lock) as fd:
        assert embedded._try_lock(fd)
    with run_server(tmp_path, postgres) as dsn:
        assert ask(dsn, "SELECT 1") == 1


@pytest.mark.once
def test_an_interrupted_start_waits_for_the_processes_of_initdb(
    tmp_path: Path, postgres: str
) -> None:
    (home := tmp_path / f"pg{postgres}").mkdir()
    with embedded._open_file(home / "server.lock") as left:
        assert embedded._try_lock(left)
        command = [sys.executable, "-c", HOLD, str(tmp_path), postgres]
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        while not (home / "turn.lock").exists():
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(1)
    _, stderr = process.communicate()
    assert stderr.rstrip().endswith("KeyboardInterrupt")


@pytest.mark.once
def test_a_path_that_is_too_long_for_a_socket_works(
    tmp_path: Path, root: Path, postgres: str
) -> None:
    root = root.rename(tmp_path / ("long" * 30))
    with run_server(root, postgres) as dsn:
        assert ask(dsn, "SELECT 1") == 1
        psql = program_files.find_programs(postgres, root).folder / "psql"
        shown = subprocess.check_output([psql, dsn, "-Atc", "SELECT 2"], text=True)
        assert shown == "2\n"


def test_a_missing_wheel_is_reported_with_both_remedies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(program_files, "_PACKAGE", "not_installed")
    with (
        pytest.raises(EmbeddedError, match=r"DATABASE_URL.*\[embedded\]"),
        run_server(tmp_path, "18"),
    ):
        pass


def test_an_unusable_directory_is_named_in_the_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EmbeddedError, match="file"), run_server(tmp_path / "file", "18"):
        pass


@pytest.mark.once
def test_a_failed_start_is_reported_with_the_last_line_of_the_log(
    root: Path, postgres: str
) -> None:
    with run_server(root, postgres):
        pass
    data = root / f"pg{postgres}" / "data"
    (data / "PG_VERSION").write_text("9.6\n")
    with (
        pytest.raises(EmbeddedError, match=r"incompatible|not compatible|9\.6"),
        run_server(root, postgres),
    ):
        pass


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can change its account")


@pytest.fixture
def wheel(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the wheel's files in a directory that every account can enter."""
    spec = importlib.util.find_spec(program_files._PACKAGE)
    assert spec is not None
    assert spec.submodule_search_locations
    package = Path(spec.submodule_search_locations[0])
    folder = Path(tempfile.mkdtemp())
    for part in (package, package.with_name(f"{package.name}.libs")):
        if part.exists():
            shutil.copytree(part, folder / part.name)
    program_files._make_readable(folder)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.once
@needs_root
def test_root_starts_a_server_below_directories_that_its_account_cannot_enter(
    tmp_path: Path, wheel: Path, monkeypatch: pytest.MonkeyPatch, postgres: str
) -> None:
    (private := tmp_path / "private").mkdir(mode=0o700)
    wheel.chmod(0o700)
    monkeypatch.syspath_prepend(str(wheel))
    monkeypatch.setattr(program_files, "ROOT_HOME", home := Path(tempfile.mkdtemp()))
    try:
        with run_server(private, postgres) as dsn:
            assert ask(dsn, "SELECT 1") == 1
            assert [*home.glob("programs/*")] != []
        assert stat.S_IMODE(private.stat().st_mode) == 0o700
        assert stat.S_IMODE(wheel.stat().st_mode) == 0o700
    finally:
        shutil.rmtree(home)


@pytest.mark.once
@needs_root
def test_an_ordinary_user_starts_a_server(wheel: Path, postgres: str) -> None:
    nobody = pwd.getpwnam("nobody")
    (root := wheel / "data").mkdir(mode=0o700)
    os.chown(root, nobody.pw_uid, nobody.pw_gid)
    become = f"""
import os, sys, asyncio, encodings.idna
import service.storage.embedded.server
sys.path.insert(0, {str(wheel)!r})
os.chdir("/")
os.setgroups([]); os.setgid({nobody.pw_gid}); os.setuid({nobody.pw_uid})
"""
    with subprocess.Popen(
        [sys.executable, "-c", become + HOLD, str(root), postgres],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        dsn = process.stdout.readline().strip()
        assert ask(dsn, "SELECT 1") == 1
        process.communicate()
    assert process.returncode == 0
    assert embedded_pid(root, postgres) is None
