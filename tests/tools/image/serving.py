"""Check the image's default command: readiness, imports, and SIGTERM in the middle of one."""

import json
import os
import secrets
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import requests

from tests.support.paths import CHECKOUT
from tests.tools.image.container import Image, first_process

SECRET: Final = secrets.token_urlsafe(48)
SAMPLES: Final = ("native.xml", "mspdi.xml", "p6.xml")
BOUNDARY: Final = "a-boundary-of-ours"


def import_files(image: Image, dsn: str) -> Iterator[str]:
    """Import the samples, and one while it stops.

    Yields:
        What was found.
    """
    settings = {
        "DATABASE_URL": dsn,
        "BULK_IMPORT_PORT": str(free_port()),
        "BULK_IMPORT_JWT_SECRET": SECRET,
    }
    base = f"http://127.0.0.1:{settings['BULK_IMPORT_PORT']}"
    began = time.monotonic()
    process = image.serve(**settings)
    try:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("Serving on "), process.communicate()
        waited = time.monotonic() - began
        pid = first_process(process)
        yield f"serves after {waited:.1f} s, {_cpu_seconds(pid):.1f} s of CPU"
        assert requests.get(f"{base}/readyz", timeout=10).status_code == 200
        check = image.configuration["Healthcheck"]["Test"][1:]
        assert image.execute(check, **settings).returncode == 0
        yield f"idle memory {_memory(pid, 'VmRSS')} MiB"
        token = image.run("token", "--client", "1", **settings).stdout.strip()
        headers = {"Authorization": f"Bearer {token}"}
        bulk = f"{base}/api/v2/clients/1/projects/bulk"
        for name in SAMPLES:
            with (CHECKOUT / "samples" / name).open("rb") as file:
                answer = requests.post(bulk, headers=headers, files={"file": file}, timeout=60)
            counts = answer.json()["counts"]
            assert (answer.status_code, counts["failed"]) == (207, 0), answer.text
            yield f"{name}: {answer.status_code} {counts}"
        big = image.spool / "big.xml"
        sample = image.run(
            "sample", "/spool/big.xml", "--projects", "2000", "--seed", "9", **settings
        )
        assert sample.returncode == 0, sample
        yield from _stop_in_the_middle(process, pid, base, headers, big)
        assert image.execute(check, **settings).returncode == 1
    finally:
        process.kill()
        process.wait()


def _stop_in_the_middle(
    process: subprocess.Popen[str], pid: int, base: str, headers: dict[str, str], file: Path
) -> Iterator[str]:
    """SIGTERM as the container's runtime sends it, to process 1: the import ends, then it."""
    content = file.read_bytes()

    def body() -> Iterator[bytes]:
        yield f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"\r\n\r\n'.encode()
        yield content[: len(content) // 2]
        os.kill(pid, signal.SIGTERM)
        while requests.get(f"{base}/readyz", timeout=10).status_code != 503:
            pass
        yield content[len(content) // 2 :]
        yield f"\r\n--{BOUNDARY}--\r\n".encode()

    sent = headers | {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
    bulk = f"{base}/api/v2/clients/1/projects/bulk"
    answer = requests.post(bulk, headers=sent, data=body(), timeout=60)
    counts = answer.json()["counts"]
    assert (answer.status_code, counts["created"]) == (207, 2000), answer.text[:1000]
    _, log = process.communicate(timeout=30)
    assert process.returncode == 0, log
    assert all(json.loads(line)["event"] for line in log.splitlines()), log
    yield f"SIGTERM in the middle of {len(content)} bytes: {counts}, then exit code 0"


def _memory(pid: int, name: str) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name)) // 1024


def _cpu_seconds(pid: int) -> float:
    """User and system time of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def free_port() -> int:
    """Return a TCP port that is free now."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    return port
