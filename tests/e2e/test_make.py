"""``make demo`` and ``make run`` without a database, as the README describes them."""

import json
import os
import re
import shlex
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import jwt
import pytest

from service.settings import Settings
from tests.support.paths import CHECKOUT


def make(target: str, environment: dict[str, str]) -> str:
    done = subprocess.run(
        ["make", "--no-print-directory", target],
        cwd=CHECKOUT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_demo_imports_every_format_and_prints_a_command_that_shows_the_rows(
    environment: dict[str, str],
) -> None:
    first = make("demo", environment)
    assert "3 files: 3 imported" in first
    assert "import 1: 9 created, 0 updated, 0 unchanged, 0 failed" in first
    assert first.count("2 × LINK_END_MISSING") == 1  # links between the projects of Primavera
    command = shlex.split(first.splitlines()[-1])
    rows = subprocess.check_output(command, cwd=CHECKOUT, env=environment, text=True)
    assert "(9 rows)" in rows
    again = make("demo", environment)
    assert "0 created, 0 updated, 9 unchanged, 0 failed" in again


@pytest.fixture
def running(environment: dict[str, str]) -> Iterator[list[str]]:
    """Run ``make run``, return what it prints until it serves, and stop it as Ctrl-C does."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with subprocess.Popen(
        ["make", "--no-print-directory", "run"],
        cwd=CHECKOUT,
        env=environment | {"BULK_IMPORT_PORT": str(port)},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        lines: list[str] = []
        try:
            while not lines or not lines[-1].startswith("Serving on"):
                line = process.stdout.readline()
                assert line, lines
                lines.append(line)
            yield lines
        finally:
            os.killpg(process.pid, signal.SIGINT)
            process.wait(30)


def test_run_prints_a_page_a_token_and_a_curl_command_that_imports(
    running: list[str], environment: dict[str, str]
) -> None:
    lines = [line.strip() for line in running]
    (token,) = (line for line in lines if line.startswith("eyJ"))
    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims["scope"].split() == [*Settings().scopes]
    (page,) = re.findall(r"Open (http://\S+) ", "\n".join(lines))
    (line,) = (line for line in lines if line.startswith("curl"))
    command = f"{line} --silent --show-error"
    sent = subprocess.check_output(command, shell=True, cwd=CHECKOUT, env=environment)
    answer = json.loads(sent)
    assert answer["code"] == 207
    assert answer["counts"]["created"] == 3
    authorised = ["-H", f"Authorization: Bearer {token}", f"{page}/api/v2/clients/1/projects"]
    assert b'"Projects"' in subprocess.check_output(["curl", "-sS", *authorised])
    assert b"<title>" in subprocess.check_output(["curl", "-sS", page])


def test_the_commands_of_the_readme_work(running: list[str], environment: dict[str, str]) -> None:
    text = (CHECKOUT / "README.md").read_text("utf-8")
    blocks = re.findall(r"^```\w*\n(.*?)^```$", text, re.M | re.S)
    curl, psql = (
        next(one for one in blocks if word in one) for word in ("curl", "bulk-import psql")
    )
    port = running[-1].split()[2].rpartition(":")[2]
    script = f"set -e; {curl.replace(':8080', f':{port}')}"
    answer = json.loads(subprocess.check_output(script, shell=True, cwd=CHECKOUT, env=environment))
    members = {"status", "code", "message", "counts", "files", "import_id", "details", "complete"}
    assert members == {*answer}
    rows = subprocess.check_output(psql, shell=True, cwd=CHECKOUT, env=environment, text=True)
    assert f"({answer['counts']['created']} rows)" in rows


def test_the_commands_of_the_tutorial_update_fail_and_query(
    running: list[str], environment: dict[str, str], tmp_path: Path
) -> None:
    text = (CHECKOUT / "docs" / "tutorial" / "first-import.md").read_text("utf-8")
    blocks = re.findall(r"^```\w*\n(.*?)^```$", text, re.M | re.S)
    start, shown, change, fault, query = blocks
    assert start == "make run\n"
    printed = "".join(running).replace(running[-1].split()[2], "http://127.0.0.1:8080")
    assert all(line.removesuffix("…") in printed for line in shown.splitlines()), printed
    port = running[-1].split()[2].rpartition(":")[2]

    def run(script: str) -> tuple[int, str]:
        done = subprocess.run(
            script.replace("/tmp/", f"{tmp_path}/"),
            shell=True,
            cwd=CHECKOUT,
            env=environment | {"BULK_IMPORT_PORT": port},
            capture_output=True,
            text=True,
            timeout=60,
        )
        return done.returncode, done.stdout

    files = " ".join(f"samples/{name}.xml" for name in ("p6", "mspdi", "native"))
    code, out = run(f".venv/bin/bulk-import upload {files} --client 1")
    assert (code, "9 created" in out) == (0, True), out
    code, out = run(change)
    assert (code, "1 updated, 2 unchanged" in out) == (0, True), out
    code, out = run(fault)
    assert (code, "2 unchanged, 1 failed" in out) == (1, True), out
    assert out.count("1 × VALIDATION_ERROR") == 2, out
    code, out = run(query)
    assert (code, "(9 rows)" in out) == (0, True), out
