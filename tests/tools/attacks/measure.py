"""Run an attack on a real ``serve`` process, and measure its response, costs and leaks."""

import asyncio
import contextlib
import itertools
import re
import tempfile
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Final

import asyncpg

from service.settings import Settings
from tests.support.raw_http import XML, form, part, upload
from tests.support.service import SECRET, Service, token
from tests.tools import attacks
from tests.tools.attacks.attack import Attack
from tests.tools.bench.database import Database
from tests.tools.bench.process import Server, serving

NEIGHBOUR: Final = 2
"""The client that is served meanwhile."""
MOST_WAIT: Final = 5.0
"""Seconds that an upload of the neighbour's may take."""
TRACEBACK: Final = "Traceback"

_PATIENCE: Final = 15.0
"""Seconds after an attack in which what it opened must be gone."""
_POOLS: Final = 4
"""Descriptors and threads by which the pools of the process may have grown since its start."""
_FILE: Final = form(part("file", XML))


@dataclass(frozen=True)
class Seen:
    """What was seen of an attack.

    Attributes:
        came: what came back.
        seconds: from its first byte to what came back.
        peak_mib: highest resident memory of the process meanwhile, over that before.
        waited: seconds that the slowest upload of the neighbour took.
        left: descriptors and threads that were there afterwards and not before the first attack.
        log: what the process said meanwhile.
    """

    attack: Attack
    came: str
    seconds: float
    peak_mib: float
    waited: float
    left: int
    log: str

    def faults(self) -> list[str]:
        """What is not as it should be."""
        attack = self.attack
        found = {
            f"came back: {self.came}": not re.fullmatch(attack.expected, self.came, re.DOTALL),
            f"{self.seconds:.1f} s": self.seconds > attack.most_seconds,
            f"{self.peak_mib:.0f} MiB": self.peak_mib > attack.most_mib,
            f"the neighbour waited {self.waited:.1f} s": self.waited > MOST_WAIT,
            f"{self.left} descriptors or threads are left": self.left > 0,
            f"logged: {self.log[self.log.find(TRACEBACK) :][:3000]}": TRACEBACK in self.log,
        }
        return [words for words, wrong in found.items() if wrong]


def modules() -> dict[str, list[Attack]]:
    """Return the attacks of each module that has some."""
    names = [module.name for module in iter_modules(attacks.__path__) if module.name != "__main__"]
    found = {
        name: getattr(import_module(f"{attacks.__name__}.{name}"), "ATTACKS", []) for name in names
    }
    return {name: its for name, its in found.items() if its}


def by_settings(found: Iterable[Attack]) -> Iterator[tuple[dict[str, object], list[Attack]]]:
    """Yield neighbouring attacks of equal settings together."""
    for _, alike in itertools.groupby(found, lambda attack: repr(attack.settings)):
        together = [*alike]
        yield dict(together[0].settings), together


@contextlib.asynccontextmanager
async def attacked(dsn: str, settings: Mapping[str, object]) -> AsyncIterator["Target"]:
    """A ``serve`` process that has served before, with its clients, until the block ends.

    Args:
        dsn: a migrated database.
        settings: beyond the defaults.
    """
    connection = await asyncpg.connect(dsn)
    await connection.execute(
        "INSERT INTO clients (client_id, name) VALUES (1, 'Attacked'), (2, 'Neighbour')"
        " ON CONFLICT DO NOTHING"
    )
    await connection.close()
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "log"
        with path.open("wb") as log:
            changed = {"jwt_secret": SECRET, "log_level": "info", "pool_size": 8, **settings}
            async with serving(Database(dsn), "", log, **changed) as server:
                target = Target(Service(server.base, dsn, Settings()), server, path)
                for _ in range(5):  # opens all that it keeps open
                    await asyncio.gather(*(target.serve_neighbour() for _ in range(8)))
                target.level = target.opened() + _POOLS
                yield target


@dataclass
class Target:
    """A service under attack, its process, its log, and what that has open with nothing to do."""

    service: Service
    server: Server
    log: Path
    level: int = 0

    def opened(self) -> int:
        """Descriptors and threads."""
        return self.server.descriptors() + self.server.threads()

    async def look(self, attack: Attack) -> Seen:
        """Run the attack, and measure its effects."""
        said = self.log.stat().st_size
        idle = self.server.memory()
        self.server.forget_peak()
        done = asyncio.Event()
        neighbour = asyncio.create_task(self._serve_until(done))
        began = time.monotonic()
        try:
            async with asyncio.timeout(2 * attack.most_seconds):
                came = await attack.send(self.service)
        except TimeoutError:
            came = "nothing"
        seconds = time.monotonic() - began
        done.set()
        waited = await neighbour
        peak = self.server.peak() - idle
        left = await self._left()
        with self.log.open("rb") as log:
            log.seek(said)
            return Seen(attack, came, seconds, peak, waited, left, log.read().decode())

    async def serve_neighbour(self) -> float:
        """Upload as another client, again where the connection is ended; the seconds that it took.

        Raises:
            AssertionError: it was refused.
        """
        began = time.monotonic()
        while time.monotonic() - began <= MOST_WAIT:
            with contextlib.suppress(ConnectionError, ValueError):
                answer = await upload(
                    self.service,
                    _FILE,
                    path=f"/api/v2/clients/{NEIGHBOUR}/projects/bulk",
                    token=token(clients=[NEIGHBOUR], iss="issuer", aud="import"),
                )
                assert answer.status in (207, 408), answer.body
                if answer.status == 207:
                    break
        return time.monotonic() - began

    async def _serve_until(self, done: asyncio.Event) -> float:
        longest = await self.serve_neighbour()
        while not done.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(done.wait(), 0.1)
            longest = max(longest, await self.serve_neighbour())
        return longest

    async def _left(self) -> int:
        """What is open beyond the level, once that is nothing, or patience ends."""
        deadline = time.monotonic() + _PATIENCE
        while (left := self.opened() - self.level) > 0 and time.monotonic() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        return max(left, 0)
