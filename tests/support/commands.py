"""The program as a process, while the test's own service and network run beside it."""

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from tests.support.fork_server import Copy, start_copy
from tests.support.service import Service, token


@dataclass(frozen=True)
class Done:
    """What a command left.

    Attributes:
        code: that it ended with.
        out: its standard output.
        err: its standard error.
    """

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Its output as lines of JSON."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def told(self) -> dict[str, Any]:
        """Its output as one line of JSON."""
        (line,) = self.lines
        return line


Running: TypeAlias = Process | Copy
_PROGRAM: Final = ("-m", "service")

RunHere: TypeAlias = Callable[..., Done]
"""Runs a command in the process of the test."""


@dataclass(frozen=True)
class Commands:
    """``bulk-import`` for client 1 at a service, by whatever way its address is.

    Attributes:
        program: arguments of Python that run it.
    """

    service: Service
    program: tuple[str, ...] = _PROGRAM

    async def __call__(self, name: str, *arguments: object, base: str = "", **claims: Any) -> Done:
        return await ended(await self.begin(name, *arguments, base=base, **claims))

    async def begin(self, name: str, *arguments: object, base: str = "", **claims: Any) -> Running:
        """Start a command; ``ended`` waits for it."""
        words = [name, *map(str, arguments), "--client", "1", "--url", base or self.service.base]
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith("BULK_IMPORT_")
        }
        environment = kept | {"BULK_IMPORT_TOKEN": token(**claims)}
        if self.program == _PROGRAM:
            return await start_copy(words, environment)
        return await asyncio.create_subprocess_exec(
            *(sys.executable, *self.program, *words), env=environment, stdout=PIPE, stderr=PIPE
        )

    async def upload(self, *arguments: object, base: str = "", **claims: Any) -> Done:
        """Run ``upload --json``."""
        return await self("upload", *arguments, "--json", base=base, **claims)


async def ended(process: Running) -> Done:
    """Wait for a command; it must not print a traceback."""
    out, err = await asyncio.wait_for(process.communicate(), 120)
    assert process.returncode is not None
    assert b"Traceback" not in err, err.decode()
    return Done(process.returncode, out.decode(), err.decode())


async def says(process: Running, words: str) -> None:
    """Wait until a command prints certain words on its standard error."""
    assert process.stderr is not None
    async with asyncio.timeout(60):
        while words not in (line := (await process.stderr.readline()).decode()):
            assert line, "the command has ended"
