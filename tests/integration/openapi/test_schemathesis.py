"""Schemathesis against a real service: responses to valid and invalid requests match the document.

``FUZZ=50 pytest tests/integration/openapi/test_schemathesis.py -s`` tries fifty times as many, and
others each time; it prints the seed.
"""

import asyncio
import os
import sys
from pathlib import Path
from typing import Final

from tests.support.native import native_file
from tests.support.openapi.requests import ALL_SCOPES, OTHER, PLANT, upload
from tests.support.paths import CHECKOUT
from tests.support.service import Service, token

TIMES: Final = int(os.environ.get("FUZZ", "1"))
EXAMPLES: Final = 5 * TIMES
NOT_ASKED: Final = (
    # A GET that follows a DELETE finds the project, archived: it is not gone.
    "use_after_free",
)


async def test_the_service_conforms_to_the_document(service: Service, tmp_path: Path) -> None:
    for _ in range(3):
        assert (await upload(service, native_file(PLANT, OTHER))).status == 207
    hooks = {"SCHEMATHESIS_HOOKS": "tests.support.openapi.hooks", "PYTHONPATH": str(CHECKOUT)}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "schemathesis.cli",
        "--no-color",
        "run",
        f"{service.base}/openapi.json",
        "--header",
        f"Authorization: Bearer {token(scope=ALL_SCOPES)}",
        "--exclude-checks",
        ",".join(NOT_ASKED),
        "--max-examples",
        str(EXAMPLES),
        *(["--generation-deterministic"] if TIMES == 1 else []),
        "--continue-on-failure",
        env=os.environ | hooks,
        cwd=tmp_path,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    print(output.decode())
    assert process.returncode == 0, output.decode()[-8000:]
