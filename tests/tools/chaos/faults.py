"""Inject the faults of a round, and let everything come back."""

import asyncio
import contextlib
import signal
import time
from collections import Counter
from collections.abc import Sequence
from typing import Final, TypeVar

import asyncpg

from tests.support.faults import proxy
from tests.support.faults.proxy import COMMIT, OWN_COMMIT, READY, Fault
from tests.tools.chaos import nodes
from tests.tools.chaos.clients import Client, Site
from tests.tools.chaos.nodes import Nodes
from tests.tools.chaos.place import ADMIN, Servers
from tests.tools.chaos.replicas import Replica
from tests.tools.chaos.schedule import Blow, Round, Strike

FROZEN: Final = 50.0
"""Seconds, longer than every time-out of the service in these rounds."""
_AT_COMMIT: Final = {
    Blow.BEFORE_COMMIT: Fault.CUT,
    Blow.DURING_COMMIT: Fault.ABANDON,
    Blow.LATE_COMMIT: Fault.DELAY,
    Blow.AFTER_COMMIT: Fault.LOSE_COMMIT,
}
_UPLOAD: Final = b"-upload-"
"""In the request id of an upload, which the statement has that inserts the import."""
_AT_THE_UPLOAD: Final = 0.4
"""Share of faults at commits that strike at the statement with a small upload, not at COMMIT."""
_WAITING: Final = 4
"""Faults that wait for a COMMIT, at most."""
_STANDBY_TIMES: Final = 5
"""A standby is away for longer than other faults last."""
LONGEST_STEP: Final = 30
"""Seconds that a clock is set back by, at most: heartbeats seem young for so long."""
_STEPS: Final = (-LONGEST_STEP, -2, 0, 2, LONGEST_STEP)
_WAIT: Final = 30.0
_POLL: Final = 0.01

T = TypeVar("T")

# Ends or cancels one of the service's backends; idle ones come last. A connection that begins has
# no name yet, and may be one of this program.
_STRIKE_A_WRITER: Final = "SELECT chaos.end_a_writer($1, interval '0.2 s')"
_STRIKE: Final = """
WITH backends AS (
    SELECT pid, row_number() OVER (ORDER BY state = 'idle', pid) - 1 AS place, count(*) OVER () AS n
      FROM pg_stat_activity
     WHERE backend_type = 'client backend' AND application_name NOT IN ($1, ''))
SELECT count({function}(pid)) FROM backends WHERE place = floor($2::float8 * $2 * n)
"""


class Striker:
    """Injects faults, and counts those that befell something."""

    def __init__(
        self, site: Site, servers: Servers, client: Client, group: asyncio.TaskGroup
    ) -> None:
        self.struck: Counter[Blow] = Counter()
        self._site = site
        self._servers = servers
        self._history = client.history
        self._group = group
        self._at_commits: list[tuple[Blow, proxy.Strike]] = []
        self._coming_back: set[asyncio.Task[None]] = set()

    async def storm(self, round_: Round) -> None:
        """Inject all faults of a round; return when everything has come back."""
        cheap = self._group.create_task(self._strike_cheaply(round_))
        end = time.monotonic() + round_.seconds
        for strike in round_.strikes():
            await asyncio.sleep(strike.after)
            await self._strike_heavily(strike)
            self.struck[strike.blow] += 1
        await asyncio.sleep(max(0.0, end - time.monotonic()))
        cheap.cancel()
        await asyncio.wait({cheap, *self._coming_back})
        for way in self._ways:
            way.forget_strikes()
        self.struck.update(blow for blow, strike in self._at_commits if strike.struck.is_set())

    async def _strike_cheaply(self, round_: Round) -> None:
        for strike in round_.cheap():
            await asyncio.sleep(strike.after)
            if strike.blow in _AT_COMMIT or strike.blow is Blow.PHASE:
                self._strike_at_commit(strike, round_.course.small)
            elif strike.blow is Blow.CUT:
                _choose(self._ways, strike.which).cut_one(strike.which)
                self.struck[Blow.CUT] += 1
            else:
                with contextlib.suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                    aimed = round_.course.small
                    self.struck[strike.blow] += await self._strike_backend(strike, aimed)

    @property
    def _ways(self) -> list[proxy.Proxy]:
        workers = self._servers.nodes.ways if self._servers.nodes else []
        return [self._servers.way, *workers]

    def _strike_at_commit(self, strike: Strike, small: bool) -> None:
        phase = strike.blow is Blow.PHASE
        waiting = [
            blow
            for blow, each in self._at_commits
            if not each.struck.is_set() and (blow is Blow.PHASE) is phase
        ]
        if len(waiting) >= _WAITING:
            return
        if phase:
            assert self._servers.nodes is not None
            self._at_commits.append((strike.blow, self._servers.nodes.strike_phase(strike.which)))
            return
        fault, way = _AT_COMMIT[strike.blow], self._servers.way
        if small and strike.which < _AT_THE_UPLOAD:
            waits = way.strike(fault, _UPLOAD, committed=READY)
        else:
            waits = way.strike(fault, COMMIT, OWN_COMMIT)
        self._at_commits.append((strike.blow, waits))

    async def _strike_backend(self, strike: Strike, aimed: bool) -> int:
        if self._servers.nodes is not None:
            return await self._strike_node(self._servers.nodes, strike, aimed)
        if aimed:
            async with self._servers.connected() as connection:
                return int(await connection.fetchval(_STRIKE_A_WRITER, ADMIN, timeout=2))
        async with self._servers.connected() as connection:
            return int(await connection.fetchval(_any(strike), ADMIN, strike.which, timeout=2))

    async def _strike_node(self, cluster: Nodes, strike: Strike, aimed: bool) -> int:
        """As ``_strike_backend``; writers are on the worker, because others have no transaction."""
        if aimed and strike.which < _AT_THE_UPLOAD:
            async with nodes.connected(cluster.home, ADMIN) as connection:
                return int(await connection.fetchval(_STRIKE_A_WRITER, ADMIN, timeout=2))
        async with nodes.connected(_choose(cluster.servers, strike.which), ADMIN) as connection:
            return int(await connection.fetchval(_any(strike), ADMIN, strike.which, timeout=2))

    async def _strike_heavily(self, strike: Strike) -> None:
        servers = self._servers
        match strike.blow:
            case Blow.KILL:
                replica = await self._busiest()
                await replica.kill()
                self._start(replica)
            case Blow.STOP:
                await self._stop(strike.lasts)
            case Blow.FREEZE:
                await self._stop(FROZEN)
            case Blow.CLOCK:
                which = "database" if strike.which < 0.5 else "service"
                servers.step_clock(which, _STEPS[int(strike.which * 10) % 5])
            case Blow.SPOOL_FULL:
                await servers.fill_spool(strike.lasts)
            case _:
                with self._site.outage():
                    await self._strike_servers(strike)

    async def _strike_servers(self, strike: Strike) -> None:
        servers = self._servers
        match strike.blow:
            case Blow.CRASH:
                await servers.crash()
            case Blow.POOLER:
                await servers.restart_pooler()
            case Blow.STANDBY:
                await servers.standby_away(strike.lasts * _STANDBY_TIMES)
            case Blow.FAIL_OVER:
                await servers.fail_over()
                await servers.add_standby()
            case Blow.LOSS:
                servers.hold_back_standby()
                await asyncio.sleep(strike.lasts)
                await servers.fail_over()
                self._site.generation += 1
                self._history.lost_until = time.time()
                await servers.add_standby()
            case Blow.DISK_FULL:
                await servers.fill_disk(strike.lasts)
            case Blow.RESTART:
                await servers.restart()
            case _:
                assert servers.nodes is not None
                await _strike_workers(servers.nodes, strike)

    async def _busiest(self) -> Replica:
        await self._site.serving()
        sending = [*self._site.under_way.values()]
        serving = [replica for replica in self._site.replicas if replica.serving.is_set()]
        return max(serving, key=sending.count)

    def _start(self, replica: Replica) -> None:
        task = self._group.create_task(replica.start())
        self._coming_back.add(task)

    async def _stop(self, seconds: float) -> None:
        replica = await self._busiest()
        replica.stop()
        replica.stopped.set()
        try:
            await asyncio.sleep(seconds)
        finally:
            replica.wake()
        await asyncio.sleep(_POLL)
        replica.stopped.clear()


async def _strike_workers(cluster: Nodes, strike: Strike) -> None:
    match strike.blow:
        case Blow.WORKER_KILL:
            await cluster.restart(strike.which, signal.SIGKILL, 0.0)
        case Blow.WORKER_RESTART:
            await cluster.restart(strike.which, signal.SIGINT, strike.lasts)
        case Blow.WORKER_STALL:
            await cluster.stall(strike.which, strike.lasts)


def _any(strike: Strike) -> str:
    """A query that ends or cancels any backend."""
    function = "pg_terminate_backend" if strike.blow is Blow.END else "pg_cancel_backend"
    return _STRIKE.format(function=function)


def _choose(all_of_them: Sequence[T], which: float) -> T:
    """One of them, by other digits of a random number than those that choose its backend."""
    return all_of_them[int(which * 1000) % len(all_of_them)]


async def until_idle(replica: Replica) -> None:
    """Wait until a woken replica has ended all its imports.

    Raises:
        TimeoutError: imports still run.
    """
    async with asyncio.timeout(_WAIT):
        while await replica.imports_running():  # noqa: ASYNC110
            await asyncio.sleep(_POLL)
