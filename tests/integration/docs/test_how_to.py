"""The commands and programs of the how-to pages work as the pages show them."""

import asyncio
import json
import os
import re
import sys
from asyncio.subprocess import PIPE
from pathlib import Path
from typing import Any, Final

import aiohttp
import pytest

from tests.support.commands import Done, ended
from tests.support.native import native
from tests.support.paths import CHECKOUT
from tests.support.service import Service, token

HOW_TO: Final = CHECKOUT / "docs" / "how-to"
HOST: Final = "https://import.example.com"
PLAN: Final = native('<project id="P"><name>One</name></project>').encode()
ALL: Final = "projects:import projects:read projects:undo"

pytestmark = pytest.mark.once


def blocks(page: str, language: str) -> list[str]:
    """The blocks of code of a page in one language."""
    text = (HOW_TO / page).read_text("utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the commands run: plans, and an AWS command line that reads files in place of S3."""
    for name in ("plan.xml", "north.xml", "nightly/a.xml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(PLAN)
    aws = tmp_path / "bin" / "aws"
    aws.parent.mkdir()
    aws.write_text('#!/bin/sh\n[ "$2" = sync ] || exec cat "${3##*/}"\n')
    aws.chmod(0o755)
    return tmp_path


async def run(script: str, folder: Path, service: Service) -> Done:
    """Run the commands of a page against the service of the test."""
    script = script.replace(HOST, service.base)
    programs = f"{folder / 'bin'}:{CHECKOUT / '.venv' / 'bin'}:{os.environ['PATH']}"
    secret = token(scope=ALL)
    variables = {"TOKEN": secret, "API": service.url("").rstrip("/"), "BULK_IMPORT_TOKEN": secret}
    kept = {k: v for k, v in os.environ.items() if not k.startswith("BULK_IMPORT_")}
    environment = kept | {"PATH": programs} | variables
    return await ended(
        await asyncio.create_subprocess_exec(
            *("bash", "-euo", "pipefail", "-c", script),
            cwd=folder,
            env=environment,
            stdout=PIPE,
            stderr=PIPE,
        )
    )


async def test_the_commands_import_follow_and_undo(service: Service, folder: Path) -> None:
    [follow] = blocks("retry-safely.md", "bash")
    done = await run(follow, folder, service)
    assert (done.code, done.out) == (0, '["completed",1,0]\n'), done.err

    by_command, by_http = blocks("undo.md", "bash")
    done = await run(by_http, folder, service)
    assert done.code == 0, done.err
    assert json.loads(done.out)["counts"]["updated"] == 1
    done = await run(by_command, folder, service)
    assert "1 failed" in done.out, "another undo has changed the project"


async def test_the_nightly_script_and_the_commands_for_s3_import(
    service: Service, folder: Path
) -> None:
    [script] = blocks("send-nightly.md", "bash")
    (folder / "token").write_text(token(scope=ALL))
    for place, own in (("/etc/bulk-import/token", "token"), ("/srv/plans", "nightly")):
        script = script.replace(place, str(folder / own))
    done = await run(script.replace("/var/lib/bulk-import/", ""), folder, service)
    assert done.code == 0, done.err
    assert "1 created" in done.out
    assert (folder / "failures.csv").exists()

    one, all_of_them = blocks("send-from-s3.md", "bash")
    done = await run(one, folder, service)
    assert json.loads(done.out)["unchanged"] == 1, done.err
    done = await run(all_of_them, folder, service)
    assert "1 unchanged" in done.out, done.err


async def test_the_function_for_airflow_continues_under_its_key(
    service: Service, folder: Path
) -> None:
    module, dag = blocks("send-from-airflow.md", "python")
    compile(dag, "dag", "exec")
    (folder / "bulk_import.py").write_text(module.replace(HOST, service.base))
    (folder / "twice.py").write_text(
        "from bulk_import import import_file\n"
        "print(import_file('plan.xml', 'K') == import_file('plan.xml', 'K'))\n"
    )
    done = await run(f"{sys.executable} twice.py", folder, service)
    assert (done.code, done.out) == (0, "True\n"), done.err


async def test_the_form_of_power_automate_is_an_upload(service: Service) -> None:
    [form] = blocks("send-from-power-automate.md", "json")
    body = b""
    for part in json.loads(form)["$multipart"]:
        head = "".join(f"{name}: {value}\r\n" for name, value in part["headers"].items())
        assert part["body"] == "@body('Get_file_content')"
        body += b"--B\r\n" + head.encode() + b"\r\n" + PLAN + b"\r\n"
    headers = service.headers() | {"Content-Type": "multipart/form-data; boundary=B"}
    async with (
        aiohttp.ClientSession() as http,
        http.post(service.bulk, data=body + b"--B--\r\n", headers=headers) as response,
    ):
        answer: dict[str, Any] = await response.json()
    assert answer["counts"]["created"] == 1
    assert answer["details"]["successes"][0]["file"] == "plan.xml"
