"""Probes without a token, on hundreds of connections at once."""

import asyncio
import time
from functools import partial
from typing import Final

from tests.support.raw_http import get
from tests.support.service import Service
from tests.tools.attacks.attack import CLOSED, Attack

_CONNECTIONS: Final = 300
_SECONDS: Final = 3.0
_INTERVAL: Final = 1.0
"""Seconds between two requests of a connection. Without a pause the loop would have no free CPU."""


async def _flood(service: Service, path: str) -> str:
    """Request a path again and again, each time on new connections; the statuses."""
    statuses: set[str] = set()

    async def ask(delay: float) -> None:
        await asyncio.sleep(delay)
        for _ in range(int(_SECONDS / _INTERVAL)):
            due = time.monotonic() + _INTERVAL
            try:
                answer = await get(service, path, "Connection: close", token=None)
                statuses.add(str(answer.status))
            except (ConnectionError, ValueError):
                statuses.add(CLOSED)
            await asyncio.sleep(due - time.monotonic())

    async with asyncio.TaskGroup() as group:
        for number in range(_CONNECTIONS):
            group.create_task(ask(_INTERVAL * number / _CONNECTIONS))
    return " ".join(sorted(statuses))


def _probes(where: str, expected: str, settings: dict[str, object]) -> list[Attack]:
    return [
        Attack(
            f"`{path}` on 300 connections for three seconds{where}",
            partial(_flood, path=path),
            expected,
            settings,
        )
        for path in ("/readyz", "/metrics", "/healthz")
    ]


ATTACKS: Final = [
    *_probes("", "200", {}),
    *_probes(", with an admin port", "404", {"admin_port": 0}),
]
