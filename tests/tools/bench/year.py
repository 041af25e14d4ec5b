"""Measure a year of nightly imports: size, import and pruning by night, and the versions kept.

python -m tests.tools.bench.year [PROJECTS] [NIGHTS]

The clock of PostgreSQL moves a day ahead before each night (libfaketime), so that retention works
as in a real year. The server has ``fsync`` off, which changes neither bytes nor CPU much.
"""

import asyncio
import contextlib
import hashlib
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from service.projects.retention import PruneResult, prune
from service.settings import Settings
from service.storage import Pool
from service.storage.pool import create_pool
from tests.support.faults.cluster import cluster
from tests.tools.bench import native
from tests.tools.bench.database import VERSION, Database
from tests.tools.bench.process import Server, ends_all_on_sigterm, serving, sign
from tests.tools.bench.upload import upload
from tests.tools.bench.usage import usage

FAKETIME: Final = Path(f"/usr/lib/{platform.machine()}-linux-gnu/faketime/libfaketime.so.1")
_PROJECTS: Final = 2_000
_NIGHTS: Final = 365
_SHARES: Final = (0.05, 0.06, 0.07, 0.08, 0.09, 0.10)
"""Shares of the projects that change, one night after the other."""
_SHOWN: Final = (1, 10, 30, 60, 90, 180, 270, 365)
_DAY: Final = 86_400
_MIB: Final = 1 << 20


@dataclass(frozen=True)
class Night:
    """What one night cost, and what it left.

    Attributes:
        changed: projects of the file that were new or changed.
        service: seconds of CPU of the service, for the import.
        database: seconds of CPU of PostgreSQL, for the import.
        seconds: from the first byte of the import to the last of its response.
        pruning: seconds of CPU of PostgreSQL, for the round of pruning.
        pruned: what the round deleted.
        versions: kept after it, of all projects.
        size: bytes of tables and indexes without outcomes, and of outcomes.
    """

    number: int
    changed: int
    service: float
    database: float
    seconds: float
    pruning: float
    pruned: PruneResult
    versions: int
    size: tuple[int, int]


@dataclass
class Year:
    """A database whose clock moves night by night, a service, and the file that is imported."""

    database: Database
    server: Server
    clock: Path
    file: Path
    settings: Settings
    pool: Pool
    editions: list[int]

    async def spend_night(self, number: int, share: float) -> Night:
        """Import the file after a day in which a share of the projects changed, and prune."""
        _set_clock(self.clock, number * _DAY)
        changed = self._change(number, share)
        native.write(self.file, len(self.editions), self.editions.__getitem__)
        before, cpu = await usage(self.database), self.server.cpu()
        answer = await upload(self.server.bulk(1), self.server.token, self.file)
        answer.expect(**({"created": changed} if number == 1 else {"updated": changed}))
        imported, service = await usage(self.database), self.server.cpu() - cpu
        pruned = await prune(self.pool, self.settings)
        done = await usage(self.database)
        return Night(
            number,
            changed,
            service,
            (imported - before).cpu,
            answer.seconds,
            (done - imported).cpu,
            pruned,
            await self.database.value("SELECT count(*) FROM project_versions"),
            await self._sizes(),
        )

    def _change(self, night: int, share: float) -> int:
        """Give the projects that change another edition; return how many there are."""
        if night == 1:
            return len(self.editions)
        chosen = [n for n in range(len(self.editions)) if _chance(night, n) < share]
        for number in chosen:
            self.editions[number] += 1
        return len(chosen)

    async def _sizes(self) -> tuple[int, int]:
        tables = sum(await self.database.sizes(outcomes=False))
        return tables, sum(await self.database.sizes(outcomes=True))


def _chance(night: int, project: int) -> float:
    """Return a number from 0 to 1 that is the same in every run."""
    digest = hashlib.blake2b(f"{night} {project}".encode(), digest_size=4).digest()
    return int.from_bytes(digest, "big") / (1 << 32)


def _set_clock(clock: Path, seconds: int) -> None:
    new = clock.with_suffix(".new")
    new.write_text(f"{seconds:+d}\n")
    new.chmod(0o644)
    new.replace(clock)  # at once: a process that read half of it would end


@contextlib.asynccontextmanager
async def year(projects: int, **settings: int | float) -> AsyncIterator[Year]:
    """Run a database and a service for nights to come.

    Args:
        projects: in the file.
        settings: of retention, beyond the defaults.

    Raises:
        FileNotFoundError: libfaketime is not installed.
    """
    if not FAKETIME.exists():
        raise FileNotFoundError("libfaketime is not installed: scripts/debian.sh")
    with _folder() as folder:
        clock = folder / "clock"
        _set_clock(clock, 0)
        variables = (
            f"LD_PRELOAD={FAKETIME}",
            f"FAKETIME_TIMESTAMP_FILE={clock}",
            "FAKETIME_NO_CACHE=1",
            "FAKETIME_DONT_FAKE_MONOTONIC=1",
        )
        with cluster(VERSION, variables=variables) as running:
            database = Database(running.dsn())
            await database.execute("INSERT INTO clients (client_id, name) VALUES (1, 'One')")
            rules = Settings(**{"DATABASE_URL": database.dsn, **settings})  # type: ignore[arg-type]
            pool = await create_pool(rules, database.dsn)
            async with pool, serving(database, await sign(database)) as server:
                file = folder / "nightly.xml"
                yield Year(database, server, clock, file, rules, pool, [0] * projects)


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    """A folder that the account of the database can enter."""
    folder = Path(tempfile.mkdtemp(prefix="bulk-import-year-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


async def _measure(projects: int, nights: int) -> None:
    spent: list[Night] = []
    begun = time.monotonic()
    async with year(projects) as running:
        for number in range(1, nights + 1):
            share = _SHARES[number % len(_SHARES)]
            spent.append(await running.spend_night(number, share))
            if number % 10 == 0:
                took = time.monotonic() - begun
                print(f"night {number} of {nights}, {took:,.0f} s", file=sys.stderr)
        kept = await running.database.value(
            "SELECT format('%s to %s, on average %s', min(n), max(n), round(avg(n), 1))"
            "  FROM (SELECT count(*) AS n FROM project_versions GROUP BY project_id) v"
        )
    _print(spent, projects)
    print(f"Versions kept of a project: {kept}")


def _print(nights: list[Night], projects: int) -> None:
    table = Table(title=f"{projects:,} projects of {native.TASKS} tasks, every night")
    heads = ("Night", "Changed", "Import", "CPU: service", "PostgreSQL", "Pruning: PostgreSQL")
    for head in (*heads, "Versions deleted", "Versions kept", "Size", "Outcomes"):
        table.add_column(head, justify="right")
    for night in nights:
        if night.number not in _SHOWN and night is not nights[-1]:
            continue
        table.add_row(
            f"{night.number}",
            f"{night.changed:,}",
            f"{night.seconds:.2f} s",
            f"{night.service:.2f} s",
            f"{night.database:.2f} s",
            f"{night.pruning:.2f} s",
            f"{night.pruned.versions:,}",
            f"{night.versions:,}",
            *(f"{size / _MIB:,.1f} MiB" for size in night.size),
        )
    Console(width=160).print(table)


def main() -> None:
    """Measure, and print a table."""
    ends_all_on_sigterm()
    numbers = [int(text) for text in sys.argv[1:]]
    run = partial(_measure, *numbers[:1] or [_PROJECTS])
    asyncio.run(run(*numbers[1:] or [_NIGHTS]))


if __name__ == "__main__":
    main()
