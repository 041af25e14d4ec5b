"""Eight writers that always have something to write; heartbeats and atomic imports beside them."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Final

from service.storage.advisory_locks import client_key
from tests.tools.bench.database import Database
from tests.tools.chaos.clients import Client
from tests.tools.chaos.files import many
from tests.tools.chaos.history import Wish
from tests.tools.chaos.replicas import Replica

WRITERS: Final = 8
BEAT: Final = 0.5
SETTINGS: Final[dict[str, object]] = {
    "writers": WRITERS,
    "pool_size": 20,
    "batch_projects": 50,
    "heartbeat_every": BEAT,
    "heartbeat_expiry": 15,
    "status_after": 60,
}
_PROJECTS: Final = 3000
_EVERY: Final = 0.02
_FULL: Final = 60.0
"""Seconds within which all writers are at work at once."""
_AGE: Final = """
SELECT max(extract(epoch FROM clock_timestamp() - p.beat_at))
  FROM import_progress p
  JOIN imports i USING (client_id, import_id)
 WHERE i.state = 'running'
"""
_WRITING: Final = """
SELECT count(*) FROM pg_locks
 WHERE locktype = 'advisory' AND objsubid = 1 AND mode = 'ShareLock' AND granted
   AND (classid::bigint << 32) | objid::bigint = $1
"""


@dataclass
class Saturated:
    """What was seen.

    Attributes:
        oldest: age of the oldest heartbeat of a running import, in seconds.
        writing: batches of the client under way at once, at most.
        full: set once all writers were under way at once.
        turns: seconds that each atomic import took.
    """

    oldest: float = 0.0
    writing: int = 0
    full: asyncio.Event = field(default_factory=asyncio.Event)
    turns: list[float] = field(default_factory=list)

    def faults(self, oldest: float) -> list[str]:
        """What is wrong, where no heartbeat may be older than so many seconds."""
        found = []
        if self.oldest > oldest:
            found.append(f"a heartbeat was {self.oldest:.2f} s old, at {BEAT:g} s between two")
        if self.writing < WRITERS:
            found.append(f"only {self.writing} writers were at work at once")
        if not self.turns:
            found.append("no atomic import had its turn")
        return found


async def saturate(
    client: Client, database: Database, replica: Replica, seconds: float
) -> Saturated:
    """Have eight writers write for so long, by a service that was started with ``SETTINGS``."""
    seen = Saturated()
    end = float("inf")

    def going_on() -> bool:
        return time.monotonic() < end

    async with _watching(database, client.id, seen), asyncio.TaskGroup() as group:
        async with _copies_held(database):
            for sender in range(2):
                group.create_task(_keep_writing(client, replica, sender, going_on))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_FULL):
                    await seen.full.wait()
        end = time.monotonic() + seconds
        while going_on():
            await asyncio.sleep(1)
            begun = time.monotonic()
            name = f"atomic {begun}"
            await client.deliver(
                Wish("upload", name, "atomic", file=many(0, 5), query="atomic=true"), replica
            )
            seen.turns.append(time.monotonic() - begun)
    return seen


async def _keep_writing(
    client: Client, replica: Replica, sender: int, going_on: Callable[[], bool]
) -> None:
    number = 0
    while going_on():
        first = 1000 + (2 * number + sender) * _PROJECTS
        await client.deliver(
            Wish("upload", f"{sender}-{number}", "sender", file=many(first, _PROJECTS)), replica
        )
        number += 1


@contextlib.asynccontextmanager
async def _copies_held(database: Database) -> AsyncIterator[None]:
    """Hold each writer in its transaction, at its COPY: on busy cores they seldom overlap."""
    async with database.connected() as connection, connection.transaction():
        await connection.execute("LOCK TABLE tasks IN SHARE MODE")
        yield


@contextlib.asynccontextmanager
async def _watching(database: Database, client_id: int, seen: Saturated) -> AsyncIterator[None]:
    async def watch() -> None:
        async with database.connected() as connection:
            while True:
                seen.oldest = max(seen.oldest, await connection.fetchval(_AGE) or 0.0)
                writing = await connection.fetchval(_WRITING, client_key(client_id))
                seen.writing = max(seen.writing, writing)
                if seen.writing >= WRITERS:
                    seen.full.set()
                await asyncio.sleep(_EVERY)

    watching = asyncio.create_task(watch())
    try:
        yield
    finally:
        watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watching
