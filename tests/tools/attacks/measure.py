"""Run an attack on a real ``serve`` process, and measure its response, costs and leaks."""

import asyncio
import contextlib
import resource
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from typing import Final

import asyncpg
from prometheus_client import CollectorRegistry
from prometheus_client.multiprocess import MultiProcessCollector

from service.observability.metrics import SHARED_DIR
from service.settings import Settings
from tests.support.raw_http import Connection
from tests.support.service import SECRET, Service
from tests.tools import attacks
from tests.tools.attacks.attack import Attack, inflated
from tests.tools.attacks.neighbour import CLIENT, Neighbour, neighbour, upload_small
from tests.tools.attacks.seen import MOST_HELD_MIB, Seen
from tests.tools.bench.database import Database
from tests.tools.bench.process import Server, serving

_PATIENCE: Final = 15.0
"""Seconds after an attack in which what it opened must be gone."""
_HELD_AFTER: Final = 10.0
"""Seconds after an attack in which its memory must be given back."""
_POOLS: Final = 4
"""Descriptors and threads by which the pools of the process may have grown since its start."""
_MOST_DATA: Final = 3 << 30
"""Bytes of memory that the process gets, so that an attack which is not bounded harms it alone."""
_IDLE_UPLOADS: Final = 20
_TURNS: Final = "bulk_import_parse_turn_cpu_seconds_bucket"


def modules() -> dict[str, list[Attack]]:
    """Return the attacks of each module that has some."""
    prefix = f"{attacks.__name__}."
    names = [module.name for module in walk_packages(attacks.__path__, prefix)]
    found = {
        name.removeprefix(prefix): getattr(import_module(name), "ATTACKS", [])
        for name in names
        if not name.endswith("__main__")
    }
    return {name: its for name, its in found.items() if its}


def by_settings(found: Iterable[Attack]) -> list[tuple[dict[str, object], list[Attack]]]:
    """Return attacks of equal settings together; those share a process."""
    groups: dict[str, list[Attack]] = {}
    for attack in found:
        groups.setdefault(repr(attack.settings), []).append(attack)
    return [(dict(alike[0].settings), alike) for alike in groups.values()]


@contextlib.asynccontextmanager
async def attacked(dsn: str, settings: Mapping[str, object]) -> AsyncIterator["Target"]:
    """A ``serve`` process that has served before, with its clients, until the block ends.

    Args:
        dsn: a migrated database.
        settings: beyond the defaults.
    """
    connection = await asyncpg.connect(dsn)
    await connection.execute(
        "INSERT INTO clients (client_id, name) VALUES (1, 'Attacked'), ($1, 'Neighbour')"
        " ON CONFLICT DO NOTHING",
        CLIENT,
    )
    await connection.close()
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "log"
        changed = {"jwt_secret": SECRET, "log_level": "info", **settings}
        with path.open("wb") as log:
            async with serving(
                Database(dsn), "", log, {SHARED_DIR: directory}, **changed
            ) as server:
                resource.prlimit(server.pid, resource.RLIMIT_DATA, (_MOST_DATA, _MOST_DATA))
                service = Service(server.base, dsn, Settings())
                async with neighbour(service) as other:
                    target = Target(service, server, path, other)
                    await target.warm_up()
                    yield target


@dataclass
class Target:
    """A service under attack, its process and log, and the neighbour.

    Attributes:
        level: descriptors and threads that are open without an attack.
        start_mib: resident memory before the first attack.
        idle_waits: seconds of the neighbour's uploads without an attack.
        idle_cpu: CPU seconds of the process for each of them.
    """

    service: Service
    server: Server
    log: Path
    neighbour: Neighbour
    level: int = 0
    start_mib: float = 0
    idle_waits: list[float] = field(default_factory=list)
    idle_cpu: float = 0

    async def warm_up(self) -> None:
        """Let the service open all that it keeps open, and measure it idle."""
        for _ in range(5):
            await asyncio.gather(
                *(upload_small(self.service, client) for client in (1, CLIENT) for _ in range(8))
            )
        await self._measure_idle()
        self.level = self._opened() + _POOLS
        self.start_mib = self.server.memory()

    async def look(self, attack: Attack) -> Seen:
        """Run the attack, and measure its effects."""
        logged = self.log.stat().st_size
        idle, cpu, turns = self.server.memory(), self.server.cpu(), self._turns()
        self.server.forget_peak()
        sent = Connection.bytes_sent
        inflated.clear()
        await self.neighbour.start()
        began = time.monotonic()
        try:
            async with asyncio.timeout(2 * attack.most_seconds):
                came = await attack.send(self.service)
        except TimeoutError:
            came = "nothing"
        seconds = time.monotonic() - began
        waits = await self.neighbour.stop()
        held = await self._held(idle)
        peak = self.server.peak() - idle
        left = await self._left()
        cpu = self.server.cpu() - cpu - self.idle_cpu * len(waits)
        volume = max(Connection.bytes_sent - sent, sum(inflated))
        ended = (edge for edge, count in self._turns().items() if count > turns[edge])
        turn = max(ended, default=0.0)
        with self.log.open("rb") as log:
            log.seek(logged)
            said = log.read().decode()
        return Seen(
            *(attack, came, seconds, peak, held, volume, cpu, turn),
            *(waits, self.idle_waits, left, said),
        )

    async def examine(self, attack: Attack) -> list[Seen]:
        """Run the attack, and once more if it took long, because the machine may be busy.

        Only the last run counts for times, and the neighbour is measured idle again before it.
        """
        seen = [await self.look(attack)]
        if seen[0].delays():
            await self._measure_idle()
            seen.append(await self.look(attack))
        return seen

    async def _measure_idle(self) -> None:
        cpu = self.server.cpu()
        await self.neighbour.start(_IDLE_UPLOADS, 0.0)
        self.idle_waits = await self.neighbour.stop()
        self.idle_cpu = (self.server.cpu() - cpu) / _IDLE_UPLOADS

    def _turns(self) -> dict[float, float]:
        """How many turns to parse took as much CPU time, by the upper edge of their bucket."""
        registry = CollectorRegistry()
        MultiProcessCollector(registry, str(self.log.parent))  # type: ignore[no-untyped-call]
        counted = sorted(
            (float(sample.labels["le"]), sample.value)
            for metric in registry.collect()
            for sample in metric.samples
            if sample.name == _TURNS
        )
        below = [0.0, *(count for _, count in counted)]
        return {edge: count - less for (edge, count), less in zip(counted, below, strict=False)}

    def _opened(self) -> int:
        """Descriptors and threads."""
        return self.server.descriptors() + self.server.threads()

    async def _held(self, idle: float) -> float:
        """Memory over ``idle``, once it is within the limit, or time is over."""
        return await _poll(lambda: self.server.memory() - idle, MOST_HELD_MIB, _HELD_AFTER)

    async def _left(self) -> int:
        """What is open beyond the level, once that is nothing, or patience ends."""
        return max(0, int(await _poll(lambda: self._opened() - self.level, 0, _PATIENCE)))


async def _poll(measure: Callable[[], float], most: float, seconds: float) -> float:
    """Measure until it is at most so much, but no longer than this; the last value."""
    deadline = time.monotonic() + seconds
    while (value := measure()) > most and time.monotonic() < deadline:  # noqa: ASYNC110
        await asyncio.sleep(0.05)
    return value
