"""``serve`` in two processes: one port, one set of metrics, one end."""

import contextlib
import http.client
import json
import os
import re
import select
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.support.command_line import CommandLine
from tests.support.databases import embedded_pid
from tests.support.ipv6 import EVERY_ADDRESS
from tests.support.paths import CHECKOUT

NATIVE = (CHECKOUT / "samples" / "native.xml").read_bytes()
NOWHERE = "postgresql://127.0.0.1:1/x"
UPLOADS = 12
"""Enough that neither of two processes takes them all, if one of them is slow."""

TWO = {
    "BULK_IMPORT_PROCESSES": "2",
    "BULK_IMPORT_LOG_LEVEL": "error",
    "BULK_IMPORT_MAX_IMPORTS_PER_CLIENT": str(UPLOADS),
    "BULK_IMPORT_IDLE_TIMEOUT": "600",
}


@pytest.fixture
def cli(cli: CommandLine, tmp_path: Path) -> CommandLine:
    """With a place for temporary files where nothing else lies."""
    (tmp_path / "temporary").mkdir()
    cli.environment["TMPDIR"] = str(tmp_path / "temporary")
    return cli


@pytest.fixture
def token(cli: CommandLine) -> str:
    return cli.ok("token", "--client", 1).strip()


@pytest.fixture
def secret(token: str, tmp_path: Path) -> Path:
    """The file without which no worker starts."""
    return tmp_path / "data" / "jwt-secret"


def workers(process: subprocess.Popen[str]) -> set[int]:
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    found = set()
    for pid in map(int, children):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it has just ended
            if b"\0worker\0" in Path(f"/proc/{pid}/cmdline").read_bytes():
                found.add(pid)
    return found


def signalled(pid: int) -> bool:
    """Whether a SIGTERM is pending for a process; a second one would merge with it."""
    status = Path(f"/proc/{pid}/status").read_text()
    (pending,) = re.findall(r"^ShdPnd:\s*(\w+)$", status, re.M)
    return bool(int(pending, 16) & 1 << signal.SIGTERM - 1)


def ended(pidfd: int) -> bool:
    """Wait until a process has ended."""
    ready, _, _ = select.select([pidfd], [], [], 30)
    os.close(pidfd)
    return bool(ready)


def get(base: str, path: str, headers: Mapping[str, str] | None = None) -> tuple[int, str]:
    """Return the response on a new connection, so that any process may answer."""
    with contextlib.closing(http.client.HTTPConnection(urlsplit(base).netloc)) as connection:
        connection.request("GET", path, headers=headers or {})
        response = connection.getresponse()
        return response.status, response.read().decode()


def metric(base: str, name: str) -> float:
    """A metric's value; 0 where nothing was counted."""
    found = re.search(rf"^{re.escape(name)} (\S+)$", get(base, "/metrics")[1], re.M)
    return float(found[1]) if found else 0.0


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@contextlib.contextmanager
def begun_uploads(base: str, token: str) -> Iterator[list[Callable[[], int]]]:
    """Uploads that have sent some of their file; called, each sends the rest and has its status."""
    head = b'--x\r\nContent-Disposition: form-data; name="file"\r\n\r\n'
    body = head + NATIVE + b"\r\n--x--\r\n"
    headers = {
        "Authorization": f"Bearer {token}",
        "Content-Type": "multipart/form-data; boundary=x",
        "Content-Length": str(len(body)),
    }

    def begin() -> Callable[[], int]:
        connection = http.client.HTTPConnection(urlsplit(base).netloc, timeout=30)
        stack.callback(connection.close)
        connection.request("POST", "/api/v2/clients/1/projects/bulk", body[:2000], headers)

        def finish() -> int:
            connection.send(body[2000:])
            response = connection.getresponse()
            response.read()
            return response.status

        return finish

    with contextlib.ExitStack() as stack:
        begun = [begin() for _ in range(UPLOADS)]
        until(lambda: metric(base, "bulk_import_imports_running") == UPLOADS)
        yield begun


def test_metrics_of_one_process_include_those_of_the_other(cli: CommandLine, token: str) -> None:
    with cli.serving_process(**TWO) as (_, base):
        with begun_uploads(base, token) as uploads:
            assert [finish() for finish in uploads] == [207] * UPLOADS
        bulk = "/api/v2/clients/{client_id}/projects/bulk"
        labels = f'method="POST",route="{bulk}",status="207"'
        landed = f"bulk_import_http_answers_total{{{labels}}}"
        # Each process keeps what it has rendered for a second.
        until(lambda: {metric(base, landed) for _ in range(20)} == {UPLOADS})
        until(lambda: metric(base, "bulk_import_imports_running") == 0)
        until(lambda: metric(base, "bulk_import_import_seconds_count") == UPLOADS)
        assert metric(base, 'bulk_import_stage_seconds_total{stage="commit"}') > 0
        ways = [f'bulk_import_small_uploads_total{{path="{way}"}}' for way in ("fast", "long")]
        until(lambda: sum(metric(base, way) for way in ways) == UPLOADS)
        until(lambda: metric(base, "bulk_import_batches_waiting") == 0)


def test_long_polls_end_in_whichever_process_the_import_runs(cli: CommandLine, token: str) -> None:
    headers = {"Authorization": f"Bearer {token}"}

    def read(path: str) -> dict[str, Any]:
        details: dict[str, Any] = json.loads(get(base, f"/api/v2/clients/1/{path}", headers)[1])[
            "details"
        ]
        return details

    def poll(number: int) -> str:
        return str(read(f"imports/{number}?wait=60")["state"])

    with (
        cli.serving_process(**TWO) as (_, base),
        ThreadPoolExecutor(2 * UPLOADS) as pool,
        begun_uploads(base, token) as uploads,
    ):
        until(lambda: len(read("imports?state=running")["imports"]) == UPLOADS)
        # Both processes have some for imports of the other one.
        waiting = [pool.submit(poll, number) for number in [*range(1, UPLOADS + 1)] * 2]
        assert {finish() for finish in uploads} == {207}
        assert {each.result(30) for each in waiting} == {"completed"}


def test_a_dead_worker_is_replaced_while_the_other_serves(cli: CommandLine, token: str) -> None:
    with cli.serving_process(**TWO) as (process, base):
        before = workers(process)
        with begun_uploads(base, token) as uploads:
            os.kill(min(before), signal.SIGKILL)
            landed = 0
            for finish in uploads:
                with contextlib.suppress(ConnectionError):
                    landed += finish() == 207
        assert 0 < landed < UPLOADS
        until(lambda: metric(base, "bulk_import_imports_running") == 0)
        until(lambda: len(workers(process) - before) == 1)
        assert len(workers(process)) == 2
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


def test_processes_share_the_admin_port(cli: CommandLine, token: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    admin = f"http://127.0.0.1:{port}"
    both = {"BULK_IMPORT_HOST": EVERY_ADDRESS, "BULK_IMPORT_ADMIN_PORT": str(port)}
    with cli.serving_process(**TWO, **both) as (process, base):
        assert metric(admin, "bulk_import_processes") == 2
        for path in ("/healthz", "/readyz", "/metrics"):
            assert (get(base, path)[0], get(admin, path)[0]) == (404, 200)
        # A command finds the service by its public port; it could not start another one.
        found = {"BULK_IMPORT_PORT": base.rpartition(":")[2], "DATABASE_URL": NOWHERE}
        assert cli.ok("projects", "--client", 1, "--token", token, **found) == ""
        # The other process still answers after one has died.
        dying = min(workers(process))
        alive = os.pidfd_open(dying)
        os.kill(dying, signal.SIGKILL)
        assert ended(alive)
        assert get(admin, "/readyz")[0] == 200


def test_replacing_a_worker_is_tried_until_it_succeeds(cli: CommandLine, secret: Path) -> None:
    with cli.serving_process(**TWO) as (process, base):
        kept = secret.read_text()
        secret.write_text("short")
        one, other = workers(process)
        os.kill(one, signal.SIGKILL)
        assert process.stderr is not None
        assert "worker.ended" in process.stderr.readline()
        assert "shorter than 32 bytes" in process.stderr.readline()
        until(lambda: workers(process) == {other})
        assert get(base, "/healthz")[0] == 200
        until(lambda: metric(base, "bulk_import_processes") == 1)
        secret.write_text(kept)
        until(lambda: metric(base, "bulk_import_processes") == 2)
        until(lambda: metric(base, "bulk_import_faults_total") == 1)
        assert len(workers(process)) == 2
        alive = os.pidfd_open(other)
        os.kill(other, signal.SIGKILL)
        assert ended(alive)
        assert get(base, "/healthz")[0] == 200


def test_the_service_exits_when_no_worker_can_start(cli: CommandLine, secret: Path) -> None:
    with cli.serving_process(**TWO) as (process, _):
        secret.write_text("short")
        for pid in workers(process):
            os.kill(pid, signal.SIGKILL)
        assert process.wait(30) == 2


@pytest.mark.parametrize("by", ["SIGTERM", "Ctrl-C"])
def test_the_service_waits_for_running_imports(
    cli: CommandLine, token: str, tmp_path: Path, by: str
) -> None:
    with cli.serving_process(**TWO) as (process, base):
        with begun_uploads(base, token) as uploads:
            if by == "SIGTERM":
                process.send_signal(signal.SIGTERM)
            else:
                os.killpg(process.pid, signal.SIGINT)
            until(lambda: {get(base, "/readyz")[0] for _ in range(10)} == {503})
            assert [finish() for finish in uploads] == [207] * UPLOADS
        assert process.wait(30) == 0
    assert nothing_is_left(tmp_path)


def test_a_second_signal_does_not_wait_for_running_imports(
    cli: CommandLine, token: str, tmp_path: Path
) -> None:
    with cli.serving_process(**TWO) as (process, base), begun_uploads(base, token):
        until(lambda: states(cli) == "running\n" * UPLOADS)
        process.send_signal(signal.SIGTERM)
        until(lambda: {get(base, "/readyz")[0] for _ in range(10)} == {503})
        until(lambda: not any(map(signalled, workers(process))))
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    assert states(cli) == "interrupted\n" * UPLOADS
    assert nothing_is_left(tmp_path)


def test_workers_end_when_the_first_process_is_killed(
    cli: CommandLine, token: str, tmp_path: Path
) -> None:
    with cli.serving_process(**TWO) as (process, base), begun_uploads(base, token):
        until(lambda: states(cli) == "running\n" * UPLOADS)
        living = [os.pidfd_open(pid) for pid in workers(process)]
        process.kill()
        for each in living:
            assert ended(each)
    assert nothing_is_left(tmp_path)
    assert states(cli) == "interrupted\n" * UPLOADS


@pytest.mark.parametrize(
    ("setting", "value", "message"),
    [
        ("BULK_IMPORT_HOST", "192.0.2.1", "cannot listen on 192.0.2.1:0"),
        ("BULK_IMPORT_JWT_SECRET", "short", "BULK_IMPORT_JWT_SECRET is shorter than 32 bytes"),
        ("BULK_IMPORT_PROCESSES", "0", "BULK_IMPORT_PROCESSES is `0`: "),
    ],
)
def test_a_bad_setting_is_reported_once(
    cli: CommandLine, setting: str, value: str, message: str
) -> None:
    done = cli("serve", "--processes", 2, **{setting: value})
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"bulk-import: {message}")


def states(cli: CommandLine) -> str:
    return cli.ok("psql", "-Atc", "SELECT state FROM imports")


def nothing_is_left(tmp_path: Path) -> bool:
    """Neither the database's server nor temporary files."""
    return embedded_pid(tmp_path / "data", "18") is None and not any(
        (tmp_path / "temporary").iterdir()
    )
