"""Kill and stop the service and its database while uploads are under way."""

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final

import asyncpg

from service.storage import Connection
from service.storage.advisory_locks import import_key
from tests.tools.chaos.clients import Client, Site, Wrong
from tests.tools.chaos.database import Killable
from tests.tools.chaos.replicas import Replica
from tests.tools.chaos.schedule import Blow, Round, Strike, Upload

_POLL: Final = 0.01
_SETTLED: Final = 0.05
"""Seconds after which a backend has taken what a stopped process had sent before."""
_WAIT: Final = 30.0

_BEGUN: Final = """
SELECT import_id, attempt FROM imports WHERE client_id = $1 AND idempotency_key = $2
"""
# The backends that write for an import: they hold its lock.
_WRITING: Final = """
SELECT a.state, a.query, a.wait_event
  FROM pg_locks l
  JOIN pg_stat_activity a USING (pid)
 WHERE l.locktype = 'advisory' AND l.objsubid = 1 AND l.granted AND l.mode = 'ShareLock'
   AND (l.classid::bigint << 32) | l.objid::bigint = $1
"""
_WRITTEN: Final = """
SELECT count(*) FROM import_results WHERE client_id = $1 AND import_id = $2 AND attempt = $3
"""


@dataclass
class Struck:
    """The faults injected so far.

    Attributes:
        kills: of the service; ``crashes`` of PostgreSQL.
        copying: stops in the middle of a COPY; ``between`` two statements.
        takeovers: seconds from a stop until another replica had the import.
    """

    kills: int = 0
    crashes: int = 0
    copying: int = 0
    between: int = 0
    takeovers: list[float] = field(default_factory=list)


class Striker:
    """Injects faults, and immediately restarts each killed process."""

    def __init__(
        self, site: Site, database: Killable, struck: Struck, group: asyncio.TaskGroup
    ) -> None:
        self._site = site
        self._database = database
        self._struck = struck
        self._group = group

    async def strike(self, strike: Strike, round_: Round, client: Client) -> None:
        """Inject one fault while uploads are under way.

        Raises:
            Wrong: the service reacted wrongly.
        """
        match strike.blow:
            case Blow.KILL:
                await self._kill(strike.after)
            case Blow.CRASH:
                await self._moment(strike.after)
                await self._database.kill()
                self._struck.crashes += 1
            case Blow.STOP:
                await self._stop(strike, round_, client)

    async def _moment(self, after: float) -> Replica:
        """Wait until uploads have been under way for a while; return the busiest replica."""
        while True:
            await self._site.busy.wait()
            await asyncio.sleep(after)
            busy = [*self._site.under_way.values()]
            if busy:
                return max(busy, key=busy.count)

    async def _kill(self, after: float) -> None:
        replica = await self._moment(after)
        await replica.kill()
        self._struck.kills += 1
        self._group.create_task(replica.start())

    async def _stop(self, strike: Strike, round_: Round, client: Client) -> None:
        for number in count():
            upload = round_.stopped_upload(strike.copying, number)
            replica = await self._site.serving()
            await self._site.serving(but=replica)
            sending = self._group.create_task(client.deliver(upload, replica))
            async with self._database.database.connected() as connection:
                hunt = _Hunt(connection, client.id, upload, replica)
                if await hunt.stopped_while(sending, copying=strike.copying):
                    await self._see_through(hunt, sending, early=strike.early)
                    if strike.copying:
                        self._struck.copying += 1
                    else:
                        self._struck.between += 1
                    return
            await sending

    async def _see_through(
        self, hunt: "_Hunt", sending: "asyncio.Task[Any]", *, early: bool
    ) -> None:
        """Have the import taken over, wake its first owner, and check that it writes nothing."""
        replica, stopped = hunt.replica, time.monotonic()
        replica.stopped.set()
        try:
            await hunt.taken_over()
            self._struck.takeovers.append(time.monotonic() - stopped)
            written = await hunt.written()
            if not early:
                await asyncio.wait({sending})
        finally:
            replica.wake()
        await sending
        await until_idle(replica)
        replica.stopped.clear()
        if await hunt.written() != written:
            raise Wrong(f"the owner of {hunt.upload} wrote after it had been taken over")


class _Hunt:
    """An upload whose service is to be stopped at a certain moment of its import."""

    def __init__(
        self, connection: Connection, client_id: int, upload: Upload, replica: Replica
    ) -> None:
        self.upload = upload
        self.replica = replica
        self._connection = connection
        self._client_id = client_id
        self._import_id = 0
        self._attempt = 0

    async def stopped_while(self, sending: "asyncio.Task[Any]", *, copying: bool) -> bool:
        """Stop the service at the wanted moment; return whether the import was still running."""
        while not sending.done():
            if await self._there(copying=copying):
                self.replica.stop()
                await asyncio.sleep(_SETTLED)
                if await self._there(copying=copying, waiting=True):
                    return True
                self.replica.wake()
            await asyncio.sleep(_POLL)
        return False

    async def _there(self, *, copying: bool, waiting: bool = False) -> bool:
        if not self._import_id:
            row = await self._connection.fetchrow(_BEGUN, self._client_id, self.upload.key)
            if row is None:
                return False
            self._import_id, self._attempt = row
        key = import_key(self._client_id, self._import_id)
        backends = await self._connection.fetch(_WRITING, key)
        return _copying(backends, waiting) if copying else _between(backends)

    async def taken_over(self) -> None:
        """Wait until the import has its next attempt."""
        end = time.monotonic() + _WAIT
        while True:
            row = await self._connection.fetchrow(_BEGUN, self._client_id, self.upload.key)
            if row is not None and row["attempt"] > self._attempt:
                return
            if time.monotonic() > end:
                raise Wrong(f"{self.upload} was not taken over within {_WAIT:g} s")
            await asyncio.sleep(_POLL)

    async def written(self) -> int:
        """Return the number of outcomes of the stopped attempt."""
        key = (self._client_id, self._import_id, self._attempt)
        return int(await self._connection.fetchval(_WRITTEN, *key))


def _copying(backends: Iterable[asyncpg.Record], waiting: bool) -> bool:
    return any(
        backend["state"] == "active"
        and backend["query"].startswith("COPY")
        and (backend["wait_event"] == "ClientRead" or not waiting)
        for backend in backends
    )


def _between(backends: Iterable[asyncpg.Record]) -> bool:
    states = {backend["state"] for backend in backends}
    return states == {"idle in transaction"}


async def until_idle(replica: Replica) -> None:
    """Wait until a woken replica has ended all its imports.

    Raises:
        Wrong: imports still run.
    """
    end = time.monotonic() + _WAIT
    while running := await replica.imports_running():
        if time.monotonic() > end:
            raise Wrong(f"{running} imports still run in a replica that was stopped and woken")
        await asyncio.sleep(_POLL)
