"""What the clients send, what they print of the response, and their exit codes."""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE
from pathlib import Path
from typing import Final

import pytest

from service.storage import Pool
from tests.support.client_programs import COMMANDS, EVERY_IN_TIME, peak, upload
from tests.support.commands import ended
from tests.support.native import native
from tests.support.service import Service, token

MB = 1_000_000
GOOD = '<project id="P-1"><name>Köln</name></project>\n'
BAD = '<project id="P-2"><name>Two</name><start>soon</start></project>\n'
IMPORTS = "SELECT state, notes, filename, bytes_read FROM imports"

TWO_FILES: Final = """
import sys, requests
from requests_toolbelt import MultipartEncoder
url, a, b = sys.argv[1:]
name, value = sys.stdin.read().split(": ")
with open(a, "rb") as first, open(b, "rb") as second:
    parts = [("file", (a.rpartition("/")[2], first)), ("file", (b.rpartition("/")[2], second))]
    form = MultipartEncoder([("notes", "two"), *parts])
    headers = {name: value, "Content-Type": form.content_type}
    print(requests.post(url, data=form, headers=headers, timeout=60).text)
"""

every_client = pytest.mark.parametrize("client", EVERY_IN_TIME)


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "a plan; of, one.xml"
    path.write_text(native(GOOD), "utf-8")
    return path


@every_client
async def test_a_file_is_imported(client: str, service: Service, good: Path, pool: Pool) -> None:
    notes = "@Zürich; week 2"
    done = await upload(client, service, good, notes)
    assert (done.code, done.err) == (0, "")
    assert done.out == "created P-1 Köln\nProjects successfully imported\n"
    assert await pool.fetchval("SELECT name FROM current_projects") == "Köln"
    (kept,) = await pool.fetch(IMPORTS)
    assert tuple(kept) == ("completed", notes, good.name, len(native(GOOD).encode()))
    again = await upload(client, service, good)
    assert again.out.startswith("unchanged P-1 Köln\n")
    keys = await pool.fetchval("SELECT count(DISTINCT idempotency_key) FROM imports")
    assert keys == 2


@every_client
async def test_a_client_prints_its_usage_without_arguments(client: str) -> None:
    process = await asyncio.create_subprocess_exec(*COMMANDS[client](), stdout=PIPE, stderr=PIPE)
    done = await ended(process)
    assert (done.code, done.out) == (2, "")
    assert "ADDRESS CLIENT FILE [NOTES]" in done.err
    assert "BULK_IMPORT_TOKEN" in done.err


@every_client
async def test_a_failed_project_is_named_with_its_line(
    client: str, service: Service, tmp_path: Path, pool: Pool
) -> None:
    file = tmp_path / "plans.xml"
    file.write_text(native(GOOD, BAD), "utf-8")
    line = file.read_text("utf-8").split("P-2")[0].count("\n") + 1
    done = await upload(client, service, file)
    assert done.code == 1
    landed, failed, summary = done.out.splitlines()
    assert landed == "created P-1 Köln"
    assert failed.startswith(f'failed P-2, line {line}: VALIDATION_ERROR, start "soon" is not')
    assert summary == "1 of 2 projects imported"
    assert await pool.fetchval("SELECT array_agg(external_id) FROM current_projects") == ["P-1"]


@every_client
async def test_a_refusal_is_printed_as_the_service_worded_it(
    client: str, service: Service, good: Path, pool: Pool
) -> None:
    done = await upload(client, service, good, token_="wrong")
    assert (done.code, done.out) == (2, "")
    assert "refused with 401: " in done.err
    assert '"details":"JWT token is malformed; ' in done.err
    assert await pool.fetch(IMPORTS) == []


@every_client
async def test_memory_does_not_grow_with_the_file(
    client: str, service: Service, good: Path, tmp_path: Path
) -> None:
    """What collects garbage lets some tens of MB gather, so it is measured by a larger file."""
    size = 200 * MB if client in ("fetch", "rest-client") else 32 * MB
    large = tmp_path / "large.xml"
    comment = f"<!-- {'x' * 1000} -->\n"
    large.write_text(native(GOOD, comment * (size // len(comment))), "utf-8")
    grown = await peak(client, service, large) - await peak(client, service, good)
    print(f"{client} takes {grown / MB:.0f} MB more for {size / MB:.0f} MB")
    assert grown < size / 2


@pytest.mark.parametrize("client", ["curl", "requests"])
async def test_a_line_more_sends_another_file(
    client: str, service: Service, good: Path, tmp_path: Path, pool: Pool
) -> None:
    """The lines of the table in the README of the clients."""
    other = tmp_path / "other.xml"
    other.write_text(native(GOOD.replace("P-1", "P-2")), "utf-8")
    url = service.url("projects/bulk")
    if client == "curl":
        command = ["curl", "-sS", "-H", "@-", "-F", f'file=@"{good}"', "-F", f"file=@{other}", url]
    else:
        command = [sys.executable, "-c", TWO_FILES, url, str(good), str(other)]
    process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE)
    answer, _ = await process.communicate(f"Authorization: Bearer {token()}".encode())
    assert json.loads(answer)["files"] == {"read": 2, "failed": 0}
    names = "SELECT array_agg(file ORDER BY file) FROM import_results"
    assert await pool.fetchval(names) == [good.name, other.name]
