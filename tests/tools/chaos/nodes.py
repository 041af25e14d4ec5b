"""The nodes of a round on Citus: which has the client's rows, and how workers fail."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final

import asyncpg

from service.storage import Connection
from tests.support.faults.citus_ways import Ways
from tests.support.faults.cluster import Cluster
from tests.support.faults.proxy import READY, Fault, Proxy, Strike
from tests.tools.bench.process import family
from tests.tools.chaos import audit

RECOVERY: Final = "5s"
"""How often Citus ends the transactions that lost their second phase."""
_HOME: Final = 0.7
"""Share of the faults of workers that befall the one with the client's rows."""
_PHASES: Final = (b"PREPARE TRANSACTION", b"COMMIT PREPARED")
_FAULTS: Final = (Fault.CUT, Fault.ABANDON, Fault.LOSE_COMMIT, Fault.DELAY)
_SHARD: Final = "SELECT get_shard_id_for_distribution_column($1::text::regclass, $2::bigint)"
_ON_WORKERS: Final = {
    "citus.enable_ddl_propagation": "off",
    "citus.enable_manual_changes_to_shards": "on",
}
_PREPARED: Final = "SELECT count(*) FROM pg_prepared_xacts"


class Nodes:
    """The nodes of a cluster, with a proxy before each worker.

    Attributes:
        home: the worker that has the rows of the first client.
    """

    def __init__(self, ways: Ways) -> None:
        self.home, self._other = ways.coordinator.workers
        self._way_home, self._way_other = ways.proxies
        if ways.clients[0] > ways.clients[1]:  # client 1 is on the second worker
            self.home, self._other = self._other, self.home
            self._way_home, self._way_other = self._way_other, self._way_home
        self._coordinator = ways.coordinator

    @property
    def servers(self) -> list[Cluster]:
        return [self._coordinator, self.home, self._other]

    @property
    def ways(self) -> list[Proxy]:
        """Those to the workers."""
        return [self._way_home, self._way_other]

    async def shards(self, connection: Connection, client_id: int) -> Mapping[str, str]:
        """Return the shards of a client by the names of the audited tables."""
        numbers = {name: await connection.fetchval(_SHARD, name, client_id) for name in audit.NAMES}
        return {name: f"{name}_{number}" for name, number in numbers.items()}

    async def restart(self, which: float, how: signal.Signals, seconds: float) -> None:
        """End a worker, and start it again after some seconds."""
        worker = self._worker(which)
        await asyncio.to_thread(worker.stop, how)
        await asyncio.sleep(seconds)
        await asyncio.to_thread(worker.start)

    async def stall(self, which: float, seconds: float) -> None:
        """Stop all processes of a worker for some seconds, as if its packets were lost."""
        postmaster = int((self._worker(which).data / "postmaster.pid").read_text().split()[0])
        stopped = family(postmaster)
        _send(stopped, signal.SIGSTOP)
        try:
            await asyncio.sleep(seconds)
        finally:
            _send(stopped, signal.SIGCONT)

    def strike_phase(self, which: float) -> Strike:
        """Have a fault befall a connection to a worker at one of the two phases of a commit."""
        number = int(which * len(_FAULTS) * len(_PHASES))
        phase = _PHASES[number % len(_PHASES)]
        return self._way_home.strike(_FAULTS[number // len(_PHASES)], phase, committed=READY)

    async def prepared(self, name: str) -> int:
        """Return the number of transactions between their two phases."""
        number = 0
        for server in self.servers:
            async with connected(server, name) as connection:
                number += await connection.fetchval(_PREPARED)
        return number

    def _worker(self, which: float) -> Cluster:
        return self.home if which < _HOME else self._other


@asynccontextmanager
async def connected(worker: Cluster, name: str) -> AsyncIterator[Connection]:
    """A connection past all proxies that may change the shards of a worker."""
    settings = {"application_name": name} | _ON_WORKERS
    connection = await asyncpg.connect(
        worker.dsn(), statement_cache_size=0, server_settings=settings
    )
    try:
        yield connection
    finally:
        connection.terminate()


def _send(processes: list[int], number: signal.Signals) -> None:
    for process in processes:
        try:
            os.kill(process, number)
        except ProcessLookupError:
            continue
