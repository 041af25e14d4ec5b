"""Probes without a token, on hundreds of connections at once."""

import asyncio
import time
from collections import Counter
from functools import partial
from typing import Final

from tests.support.raw_http import get
from tests.support.service import Service
from tests.tools.attacks.attack import Attack

_CONNECTIONS: Final = 300
_SECONDS: Final = 3.0


async def _flood(service: Service, path: str) -> str:
    """Request a path on each connection again and again; the statuses."""
    deadline = time.monotonic() + _SECONDS
    statuses: Counter[int] = Counter()

    async def ask() -> None:
        while time.monotonic() < deadline:
            statuses[(await get(service, path, "Connection: close", token=None)).status] += 1

    async with asyncio.TaskGroup() as group:
        for _ in range(_CONNECTIONS):
            group.create_task(ask())
    return " ".join(map(str, sorted(statuses)))


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
