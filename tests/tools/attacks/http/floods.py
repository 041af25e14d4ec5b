"""Connections by the hundred, past their bound, while the neighbour opens new ones all the time."""

import asyncio
from collections import Counter
from functools import partial
from typing import Final

from tests.support.raw_http import Connection, head
from tests.support.service import Service
from tests.tools.attacks.attack import HURRIED, Attack, outcome

_MANY: Final = 600


async def _flood(service: Service, start: bytes) -> str:
    """Open them all, send a start on each, and wait for what becomes of it."""

    async def one() -> str:
        try:
            async with Connection(service) as connection:
                await connection.send(start)
                return await outcome(connection)
        except ConnectionError:
            return "closed"

    came = Counter(await asyncio.gather(*(one() for _ in range(_MANY))))
    return ", ".join(f"{words} ({count})" for words, count in sorted(came.items()))


async def _refused(service: Service) -> str:
    return await _flood(service, head(service, f"Content-Length: {1 << 33}", token=None) + b" ")


_OR_ENDED: Final = r"( \(\d+\))?(, closed \(\d+\))?"
ATTACKS: Final = [
    Attack("600 connections and no byte", partial(_flood, start=b""), r"closed \(600\)", HURRIED),
    Attack(
        "600 connections and half a head on each",
        partial(_flood, start=b"GET / HTTP/1.1\r\n"),
        rf"408 [^(]*{_OR_ENDED}",
        HURRIED,
    ),
    Attack(
        "600 connections and an upload without a token on each",
        _refused,
        rf"401 JWT token not found: .*{_OR_ENDED}",
        HURRIED,
    ),
]
