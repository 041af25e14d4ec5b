"""Check what the image does without unused files: the help of all commands, RS256, traces, export.

The service names the modules that it loads (``PYTHONVERBOSE``). So a module without byte-code,
which would delay every start, is found.
"""

import http.server
import json
import os
import re
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Final

import jwt
import requests
import typer.main
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from service.cli.app import app
from tests.tools.image.container import Image, first_process
from tests.tools.image.serving import free_port

WITHOUT_BYTE_CODE: Final = re.compile(r"^# code object from (/.+\.py)$", re.M)
RSA: Final = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PUBLIC: Final = RSA.public_key().public_bytes(
    serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
)


def show_help(image: Image) -> str:
    """Print the help of each command, and return how many there are."""
    group: Any = typer.main.get_command(app)
    commands = sorted(group.commands)
    script = 'set -e; bulk-import --help; for name; do bulk-import "$name" --help; done'
    shown = image.execute(["sh", "-c", script, "sh", *commands])
    assert (shown.returncode, shown.stdout.count("Usage: ")) == (0, len(commands) + 1), shown
    return f"help of {len(commands)} commands"


def use_everything(image: Image, dsn: str, release: str) -> Iterator[str]:
    """Serve with a public key and a collector of traces, and call the service with the commands.

    Args:
        dsn: the database, with client 1.
        release: the version that the image was built with.

    Yields:
        What was found.
    """
    base = f"http://127.0.0.1:{(port := free_port())}"
    with collector() as (endpoint, exports), ThreadPoolExecutor() as pool:
        process = image.serve(
            DATABASE_URL=dsn,
            BULK_IMPORT_PORT=str(port),
            BULK_IMPORT_JWT_PUBLIC_KEY=PUBLIC.decode(),
            OTEL_EXPORTER_OTLP_ENDPOINT=endpoint,
            PYTHONVERBOSE="1",
        )
        assert process.stdout is not None
        assert process.stderr is not None
        log = pool.submit(process.stderr.read)
        try:
            assert process.stdout.readline().startswith("Serving on ")
            document = requests.get(f"{base}/openapi.json", timeout=10).json()
            assert document["info"]["version"] == release
            yield call(image, base)
            os.kill(first_process(process), signal.SIGTERM)
            assert process.wait(30) == 0
        finally:
            process.kill()
            process.wait()
    slow = WITHOUT_BYTE_CODE.findall(log.result())
    assert not slow, f"modules without byte-code: {slow}"
    yield "every module that serves has its byte-code"
    assert any(b"projects/bulk" in export for export in exports), exports
    yield f"traces: {len(exports)} exports"


def call(image: Image, base: str) -> str:
    """Upload, list and export with the image's commands and a token signed with RS256."""
    claims = {"sub": "check", "clients": [1], "exp": int(time.time()) + 600}
    scope = {"scope": "projects:import projects:read"}
    token = jwt.encode(claims | scope, RSA, algorithm="RS256")

    def run(*arguments: str) -> str:
        done = image.run(*arguments, "--client", "1", "--url", base, BULK_IMPORT_TOKEN=token)
        assert done.returncode == 0, done
        return done.stdout

    image.run("sample", "/spool/few.xml", "--projects", "3", "--seed", "7")
    uploaded = run("upload", "/spool/few.xml")
    assert "3 created" in uploaded, uploaded
    project = json.loads(run("projects", "--json", "--limit", "1").splitlines()[0])
    exported = run("export", str(project["project_id"]))
    assert exported.startswith("<?xml"), exported[:200]
    return f"RS256: upload, projects and export, {len(exported)} characters"


@contextmanager
def collector() -> Iterator[tuple[str, list[bytes]]]:
    """Receive OTLP over HTTP until the block ends: the endpoint, and the bodies so far."""
    exports: list[bytes] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            exports.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", exports
        server.shutdown()
