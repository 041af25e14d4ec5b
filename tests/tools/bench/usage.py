"""What PostgreSQL has used: CPU by the kernel's count, and bytes of WAL by its own."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from service.storage import APPLICATION_NAME
from tests.tools.bench.database import Database
from tests.tools.bench.process import family

_LOOK: Final = 0.1


@dataclass(frozen=True)
class Usage:
    """Since the server's start.

    Attributes:
        cpu: seconds, of all its processes, those that ended included.
        wal: bytes.
    """

    cpu: float
    wal: int

    def __sub__(self, before: "Usage") -> "Usage":
        return Usage(self.cpu - before.cpu, self.wal - before.wal)


async def usage(database: Database) -> Usage:
    """What the database's server has used so far."""
    async with database.connected() as connection:
        row = await connection.fetchrow(
            "SELECT pg_backend_pid(), pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint"
        )
        assert row is not None
        postmaster = int(_stat(row[0])[1])
        ended = sum(map(int, _stat(postmaster)[13:15]))
        ticks = ended + sum(map(_ticks, family(postmaster)))
    return Usage(ticks / os.sysconf("SC_CLK_TCK"), row[1])


@dataclass
class Connections:
    """The service's connections to the database, at most: all, and those in a transaction."""

    open: int = 0
    busy: int = 0


@contextlib.asynccontextmanager
async def counted(database: Database) -> AsyncIterator[Connections]:
    """Count connections ten times a second, until the block ends."""
    found = Connections()
    watching = asyncio.create_task(_watch(database, found))
    try:
        yield found
    finally:
        watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watching


async def _watch(database: Database, found: Connections) -> None:
    async with database.connected() as connection:
        while True:
            row = await connection.fetchrow(
                "SELECT count(*), count(*) FILTER (WHERE state <> 'idle') FROM pg_stat_activity"
                " WHERE application_name = $1",
                APPLICATION_NAME,
            )
            assert row is not None
            found.open, found.busy = max(found.open, row[0]), max(found.busy, row[1])
            await asyncio.sleep(_LOOK)


def _ticks(pid: int) -> int:
    with contextlib.suppress(OSError):  # it has just ended
        return sum(map(int, _stat(pid)[11:13]))
    return 0


def _stat(pid: int) -> list[str]:
    """The fields of proc(5)'s ``stat`` from the third on, the state."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
