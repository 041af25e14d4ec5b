"""The definition of an attack, and the summary of its response."""

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from tests.support.answer import Answer
from tests.support.raw_http import Connection
from tests.support.service import Service

CLOSED: Final = "closed"
HURRIED: Final[Mapping[str, object]] = {
    "header_timeout": 1,
    "idle_timeout": 1,
    "keepalive_timeout": 2,
    "refused_timeout": 2,
    "send_timeout": 1,
    "upload_timeout": 3,
    "max_connections": 100,
}
"""Settings under which what would take minutes takes seconds."""
inflated: Final[list[int]] = []
"""Bytes that compressed pieces of the current attack inflate to; their generators add them."""
_LONGEST: Final = 160


@dataclass(frozen=True)
class Attack:
    """One attack.

    Attributes:
        name: what is sent, in the words of the table.
        send: sends it to a service, on whose client 1 ``tests.serving.token`` is good, and returns
            what came back, as ``told`` has it.
        expected: a regular expression that all of that matches.
        settings: of the service under attack, where the defaults would take too long; attacks of
            equal settings share a process.
        most_mib: how far the serving process's memory may rise above what it was before.
        most_seconds: how long the attack may take.
        most_cpu_per_byte: CPU seconds for each byte sent, beyond those that every attack may take.
    """

    name: str
    send: Callable[[Service], Awaitable[str]]
    expected: str
    settings: Mapping[str, object] = field(default_factory=dict)
    most_mib: float = 64
    most_seconds: float = 20
    most_cpu_per_byte: float = 2e-6


def told(answer: Answer) -> str:
    """An answer in a line: its status, and ``details`` of an error or ``message`` of the rest.

    An answer that is not in the envelope comes out as one, and so matches no expectation.
    """
    try:
        said = json.loads(answer.body)
        details, fits = said["details"], said["code"] == answer.status
        words = details if isinstance(details, str) else said["message"]
        if isinstance(details, dict) and details.get("errors"):
            first = details["errors"][0]
            words = f"{words}; {first['error']}: {first['message']}"
    except (ValueError, LookupError, TypeError):
        fits = False
    if not fits:
        return f"{answer.status} without the envelope: {answer.body[:_LONGEST]!r}"
    return f"{answer.status} {words}"


async def outcome(connection: Connection) -> str:
    """Return the next response on a connection, or ``CLOSED`` if the service ends it."""
    try:
        answer = await connection.answer()
    except (ConnectionError, asyncio.IncompleteReadError, ValueError):
        return CLOSED
    return told(answer)


async def all_that_comes(connection: Connection) -> str:
    """Return all bytes of a connection until the service ends it."""
    said: list[str] = []
    while not said or said[-1] != CLOSED:
        said.append(await outcome(connection))
    return ", ".join(said)


async def sent(service: Service, *pieces: bytes) -> str:
    """Send pieces on a new connection, and return everything that comes back."""
    async with Connection(service) as connection:
        await push(connection, *pieces)
        return await all_that_comes(connection)


async def push(connection: Connection, *pieces: bytes) -> bool:
    """Send as far as the service takes it; whether it took all."""
    with contextlib.suppress(ConnectionError):  # what it sent before counts
        await connection.send(*pieces)
        return True
    return False


async def dribbled(service: Service, start: bytes, endless: Iterator[bytes]) -> str:
    """Send a start and then, five times a second, a piece, until the service responds."""
    async with Connection(service) as connection:
        await connection.send(start)
        listening = asyncio.create_task(outcome(connection))
        while not listening.done():
            await push(connection, next(endless))
            await asyncio.wait({listening}, timeout=0.2)
        return await listening


async def flooded(service: Service, start: bytes, piece: bytes, most: int) -> str:
    """Send a start, then a piece repeatedly, until the service responds or a limit is reached."""
    async with Connection(service) as connection:
        await connection.send(start)
        listening = asyncio.create_task(outcome(connection))
        for _ in range(most):
            if listening.done() or not await push(connection, piece):
                break
        return await listening
