"""Real clients that are still sending 200 MB receive the status and the body of a refusal."""

import asyncio
import json
import shutil
import sys
from pathlib import Path
from typing import Any, Final

import pytest

from tests.support.service import Service, token

SIZE: Final = 200_000_000

CURL: Final = ["curl", "-sS", "-w", "\n%{http_code}", "-F", "file=@{path};type=text/xml"]
PYTHON: Final = """
import sys, requests
url, token, path = sys.argv[1:]
with open(path, "rb") as file:
    answer = requests.post(
        url,
        headers={"Authorization": f"Bearer {token}"},
        files={"file": ("export.xml", file, "text/xml")},
    )
print(answer.text, answer.status_code, sep="\\n")
"""
NODE: Final = """
const [url, token, path] = process.argv.slice(1)
const form = new FormData()
form.append("file", await fs.openAsBlob(path, { type: "text/xml" }), "export.xml")
const headers = { Authorization: `Bearer ${token}` }
const answer = await fetch(url, { method: "POST", headers, body: form })
console.log(`${await answer.text()}\\n${answer.status}`)
"""


def command(client: str, url: str, token_: str, path: Path) -> list[str]:
    if client.startswith("curl"):
        filled = [word.format(path=path) if "{path}" in word else word for word in CURL]
        without = ["-H", "Expect:"] if client == "curl without Expect" else []
        return [*filled, *without, "-H", f"Authorization: Bearer {token_}", url]
    if client == "requests":
        return [sys.executable, "-c", PYTHON, url, token_, str(path)]
    script = f"import fs from 'node:fs'\n{NODE}"
    return ["node", "--no-warnings", "--input-type=module", "-e", script, url, token_, str(path)]


@pytest.fixture(scope="module")
def big(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("big") / "export.xml"
    with path.open("wb") as file:
        file.truncate(SIZE)
    return path


@pytest.mark.parametrize(
    ("claims", "status", "message"),
    [
        ({}, 413, "Payload too large"),
        ({"exp": 1}, 401, "Authentication failed"),
        ({"scope": ""}, 403, "Access denied"),
    ],
)
@pytest.mark.parametrize("client", ["curl", "curl without Expect", "requests", "node"])
@pytest.mark.settings(max_upload_bytes=SIZE // 2)
async def test_a_client_that_is_still_sending_receives_the_refusal(
    service: Service, big: Path, client: str, claims: dict[str, Any], status: int, message: str
) -> None:
    words = command(client, service.bulk, token(**claims), big)
    if shutil.which(words[0]) is None:
        pytest.skip(f"{words[0]} is not installed")
    process = await asyncio.create_subprocess_exec(
        *words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    output, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    body, printed = output.decode().strip().rsplit("\n", 1)
    assert int(printed) == status
    assert json.loads(body)["message"] == message
    print(f"{client} printed {printed} {body}")
