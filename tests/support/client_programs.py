"""The clients of ``docs/clients`` as processes, while the test's own service runs beside them."""

import asyncio
import os
import subprocess
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from tests.support.commands import Done, ended
from tests.support.paths import CHECKOUT
from tests.support.service import Service, token

CLIENTS: Final = CHECKOUT / "docs" / "clients"
GSON: Final = "/usr/share/java/gson.jar"

_MEASURED: Final = """
import resource, subprocess, sys
code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(code)
"""


@cache
def _go() -> str:
    program = CHECKOUT / "build" / "clients" / "upload"
    subprocess.run(["go", "build", "-o", program, CLIENTS / "upload.go"], check=True)
    return str(program)


@cache
def _csharp() -> str:
    program = CHECKOUT / "build" / "clients" / "Upload.exe"
    program.parent.mkdir(parents=True, exist_ok=True)
    libraries = "System.Net.Http,System.Runtime.Serialization,System.Xml,System.Xml.Linq"
    command = ["mcs", f"-out:{program}", f"-r:{libraries}", f"{CLIENTS}/Upload.cs"]
    subprocess.run(command, check=True)
    return str(program)


COMMANDS: Final[dict[str, Callable[[], list[str]]]] = {
    "curl": lambda: [f"{CLIENTS}/upload.sh"],
    "requests": lambda: [sys.executable, f"{CLIENTS}/upload.py"],
    "fetch": lambda: ["node", f"{CLIENTS}/upload.mjs"],
    "rest-client": lambda: ["ruby", f"{CLIENTS}/upload.rb"],
    "guzzle": lambda: ["php", f"{CLIENTS}/upload.php"],
    "java": lambda: ["java", "-cp", GSON, f"{CLIENTS}/Upload.java"],
    "go": lambda: [_go()],
    "csharp": lambda: ["mono", _csharp()],
}
EVERY: Final = list(COMMANDS)
ALWAYS: Final = ("curl", "requests")
"""Clients whose languages every run of the tests has; the others are for ``make clients-check``."""
EVERY_IN_TIME: Final = [
    client if client in ALWAYS else pytest.param(client, marks=pytest.mark.clients)
    for client in EVERY
]


async def begin(client: str, base: str, file: Path, notes: str, token_: str = "") -> Process:
    """Start an upload by client 1; ``ended`` waits for it."""
    return await _start(COMMANDS[client](), base, file, notes, token_)


async def upload(
    client: str, service: Service, file: Path, notes: str = "", *, token_: str = ""
) -> Done:
    """Upload for client 1, and print what the client printed."""
    done = await ended(await begin(client, service.base, file, notes, token_))
    print(f"{client} ended with {done.code}\n{done.out}{done.err}")
    return done


async def peak(client: str, service: Service, file: Path) -> int:
    """The bytes of memory that a client and its children have at most, for an upload that lands.

    A process of its own starts it, as a child begins with what its parent has.
    """
    command = [sys.executable, "-c", _MEASURED, *COMMANDS[client]()]
    done = await ended(await _start(command, service.base, file, "", ""))
    assert done.code == 0, done.err
    return int(done.out) * 1024


async def _start(command: list[str], base: str, file: Path, notes: str, token_: str) -> Process:
    return await asyncio.create_subprocess_exec(
        *command,
        *(base, "1", str(file), notes),
        env=os.environ | {"BULK_IMPORT_TOKEN": token_ or token(), "LC_ALL": "C.UTF-8"},
        stdout=PIPE,
        stderr=PIPE,
    )
