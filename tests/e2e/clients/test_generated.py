"""Clients that generators make of the OpenAPI document; runs only in ``make clients-check``."""

import asyncio
import json
import os
import subprocess
from asyncio.subprocess import PIPE
from pathlib import Path
from typing import Final

import pytest

from service.http.openapi.document import document_json
from tests.support.commands import Done, ended
from tests.support.native import native
from tests.support.paths import CHECKOUT
from tests.support.service import Service, token

pytestmark = pytest.mark.clients

GENERATORS: Final = CHECKOUT / "build" / "generators"
PYTHON: Final = """
import json, os, sys
from pathlib import Path
from project_bulk_import_client import AuthenticatedClient
from project_bulk_import_client.api.imports import import_projects, list_results
from project_bulk_import_client.models import Error, ImportProjectsBody
from project_bulk_import_client.types import File

base, path = sys.argv[1:]
client = AuthenticatedClient(base_url=base, token=os.environ["BULK_IMPORT_TOKEN"])
with open(path, "rb") as file:
    body = ImportProjectsBody(file=[File(file, Path(path).name)], notes="generated")
    done = import_projects.sync(1, client=client, body=body)
results = list_results.sync(1, done.import_id, client=client).details.results
print(json.dumps({
    "status": done.status.value,
    "counts": done.counts.to_dict(),
    "landed": [each.external_id for each in done.details.successes],
    "errors": [[each.error.value, each.line] for each in done.details.errors],
    "results": len(results),
}))
refused = import_projects.sync(7, client=client, body=ImportProjectsBody(file=[]))
assert isinstance(refused, Error) and refused.code == 403, refused
"""
TYPESCRIPT: Final = """
import type { components, paths } from "./api"

type Upload = paths["/api/v2/clients/{client_id}/projects/bulk"]["post"]
type Answer = Upload["responses"][207]["content"]["application/json"]

export function summarise(answer: Answer): string[] {
  const failed = answer.details.errors.map((each) => `${each.error} ${each.line ?? "-"}`)
  const landed = answer.details.successes.map((each) => `${each.outcome} ${each.external_id}`)
  return [...landed, ...failed, String(answer.complete)]
}

export function explain(error: components["schemas"]["Error"]): string {
  return `${error.code} ${error.message}: ${error.details}`
}
"""


@pytest.fixture
def document(tmp_path: Path) -> Path:
    path = tmp_path / "openapi.json"
    path.write_bytes(document_json())
    return path


def generate(*command: object) -> str:
    done = subprocess.run([*map(str, command)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


async def run_python(folder: Path, *arguments: object) -> Done:
    command = [f"{GENERATORS}/venv/bin/python", "-c", PYTHON, *map(str, arguments)]
    process = await asyncio.create_subprocess_exec(
        *command,
        env=os.environ | {"BULK_IMPORT_TOKEN": token(), "PYTHONPATH": str(folder)},
        stdout=PIPE,
        stderr=PIPE,
    )
    return await ended(process)


async def test_the_python_client_uploads_a_file_and_reads_its_results(
    service: Service, document: Path, tmp_path: Path
) -> None:
    generator = GENERATORS / "venv/bin/openapi-python-client"
    said = generate(generator, "generate", "--path", document, "--output-path", tmp_path / "made")
    omitted = {line for line in said.split("\n") if line.startswith(("WARNING", "ERROR"))}
    assert omitted == {"WARNING parsing GET /schema/native.xsd within service."}
    file = tmp_path / "plan.xml"
    bad = '\n<project id="P-2"><name>Two</name><start>soon</start></project>'
    file.write_text(native('<project id="P-1"><name>One</name></project>', bad), "utf-8")
    done = await run_python(tmp_path / "made", service.base, file)
    assert (done.code, done.err) == (0, "")
    assert json.loads(done.out) == {
        "status": "partial",
        "counts": {"created": 1, "updated": 0, "unchanged": 0, "failed": 1},
        "landed": ["P-1"],
        "errors": [["VALIDATION_ERROR", 2]],
        "results": 2,
    }


def test_the_types_of_typescript_check_a_program(document: Path, tmp_path: Path) -> None:
    programs = GENERATORS / "node_modules" / ".bin"
    generate(programs / "openapi-typescript", document, "--output", tmp_path / "api.d.ts")
    check = (programs / "tsc", "--noEmit", "--strict", "--target", "es2022")
    (tmp_path / "right.ts").write_text(TYPESCRIPT)
    generate(*check, tmp_path / "right.ts")
    (tmp_path / "wrong.ts").write_text(TYPESCRIPT.replace("external_id", "externalId"))
    refused = subprocess.run([*check, tmp_path / "wrong.ts"], capture_output=True, text=True)
    assert "externalId" in refused.stdout
