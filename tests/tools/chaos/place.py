"""What stands between the service and its data in a round, and how it fails and comes back."""

import asyncio
import contextlib
import os
import platform
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Final

import asyncpg

from service.storage import Connection
from tests.support import citus
from tests.support.faults.citus_ways import open_ways
from tests.support.faults.cluster import Cluster, cluster, folder_for, small_disk
from tests.support.faults.proxy import Proxy, proxied
from tests.support.pgbouncer import PgBouncer, run_pgbouncer
from tests.tools.chaos import audit, nodes
from tests.tools.chaos.history import Event
from tests.tools.chaos.nodes import Nodes
from tests.tools.chaos.schedule import Place

VERSION: Final = "18"
CLIENT: Final = 1
ADMIN: Final = "chaos"
"""What the connections of this program call themselves."""
_DISK_MIB: Final = 600
_SPOOL_MIB: Final = 64
_TRIES: Final = 100
_LEFT: Final = 64 * 1024
"""Bytes that a full disk has left."""
_FAKETIME: Final = Path(f"/usr/lib/{platform.machine()}-linux-gnu/faketime/libfaketime.so.1")
_OPTIONS: Final = {
    "max_connections": "80",
    "max_wal_size": "128MB",
    "min_wal_size": "32MB",
    "wal_retrieve_retry_interval": "100ms",
}
_CITUS_OPTIONS: Final = {"citus.recover_2pc_interval": nodes.RECOVERY}
_SYNCHRONOUS: Final = "synchronous_standby_names"
_NAME: Final = "standby"


class Servers:
    """The PostgreSQL of a round, with its standby, its pooler, its disks and its clocks.

    Attributes:
        primary: where the data is now.
        way: the proxy through which the service reaches it.
        nodes: of the place on Citus, whose coordinator is the primary.
    """

    def __init__(self, place: Place, directory: Path, stack: contextlib.ExitStack) -> None:
        self.place = place
        self.pooler: PgBouncer | None = None
        self.nodes: Nodes | None = None
        self._spool = directory / "spool-a"
        self._stack = stack
        self._clocks = {name: directory / f"clock-{name}" for name in ("database", "service")}
        self._standby: Cluster | None = None
        if place is Place.CLOCK:
            self.step_clock("database", 0)
            self.step_clock("service", 0)
        version, options = VERSION, _OPTIONS
        if place is Place.CITUS:
            version, options = citus.VERSION, _CITUS_OPTIONS
        disk = _DISK_MIB if place is Place.SMALL_DISKS else 0
        self.primary = stack.enter_context(
            cluster(version, disk_mib=disk, variables=self._variables("database"), **options)
        )
        if place is Place.POOLER:
            bouncer = run_pgbouncer(self.primary.dsn(), prepared=200)
            self.pooler = stack.enter_context(bouncer)
        if place is Place.SMALL_DISKS:
            self._spool.mkdir()
            stack.enter_context(small_disk(self._spool, _SPOOL_MIB))

    async def open(self, stack: contextlib.AsyncExitStack) -> None:
        """Make the audit, the client, the proxies and the standby."""
        if self.place is Place.CITUS:
            await self._open_nodes(stack)
        else:
            async with self.connected() as connection:
                await audit.install(connection)
                await connection.execute(
                    "INSERT INTO clients (client_id, name) VALUES ($1, 'c')", CLIENT
                )
        there = self.primary.dsn() if self.pooler is None else self.pooler.dsn("postgres")
        self.way: Proxy = await stack.enter_async_context(proxied(there))
        self._replication: Proxy = await stack.enter_async_context(proxied(self.primary.dsn()))
        if self.place in (Place.SYNCHRONOUS, Place.ASYNCHRONOUS):
            await self.add_standby()

    async def _open_nodes(self, stack: contextlib.AsyncExitStack) -> None:
        self.nodes = Nodes(await stack.enter_async_context(open_ways(self.primary)))
        async with self.connected() as connection:
            self._shards = await self.nodes.shards(connection, CLIENT)
        async with nodes.connected(self.nodes.home, ADMIN) as connection:
            await audit.install(connection, self._shards)

    async def audit(self) -> list[Event]:
        """Return what the audit has of the client."""
        if self.nodes is None:
            async with self.connected() as connection:
                return await audit.read(connection, CLIENT)
        async with nodes.connected(self.nodes.home, ADMIN) as connection:
            return await audit.read(connection, CLIENT, self._shards)

    @contextlib.asynccontextmanager
    async def connected(self) -> AsyncIterator[Connection]:
        """A connection past all proxies."""
        settings = {"application_name": ADMIN, "synchronous_commit": "local"}
        connection = await asyncpg.connect(
            self.primary.dsn(), statement_cache_size=0, server_settings=settings
        )
        try:
            yield connection
        finally:
            connection.terminate()

    async def crash(self) -> None:
        """Kill every process of PostgreSQL, and start it again."""
        await asyncio.to_thread(self.primary.kill)
        await asyncio.to_thread(self.primary.start)

    async def restart(self) -> None:
        """Shut PostgreSQL down, and start it again."""
        await asyncio.to_thread(self.primary.stop, signal.SIGINT)
        await asyncio.to_thread(self.primary.start)

    async def restart_pooler(self) -> None:
        """Kill PgBouncer, and start it again."""
        assert self.pooler is not None
        await asyncio.to_thread(self.pooler.restart, "127.0.0.1", self.primary.port)

    async def standby_away(self, seconds: float) -> None:
        """Cut the standby off for a while."""
        await self._replication.go_away()
        await asyncio.sleep(seconds)
        await self._replication.listen()
        await self._until_standby("sync")

    def hold_back_standby(self) -> None:
        """Let nothing more through to the standby, so that a fail-over loses commits."""
        self._replication.stall()

    async def fail_over(self) -> None:
        """Kill the primary, and make the standby the primary."""
        assert self._standby is not None
        await asyncio.to_thread(self.primary.kill)
        self._replication.cut()
        await asyncio.to_thread(self._standby.promote)
        self.primary, self._standby = self._standby, None
        await self._wait_for_standbys()
        self.way.point_to(self.primary.dsn())
        self.way.cut()

    async def add_standby(self) -> None:
        """Copy the primary to a new standby."""
        await self._wait_for_standbys()
        self._replication.point_to(self.primary.dsn())
        self._standby = await asyncio.to_thread(self._make_standby)
        await self._until_standby("sync" if self.place is Place.SYNCHRONOUS else "async")

    def _make_standby(self) -> Cluster:
        folder, programs = self._stack.enter_context(folder_for(VERSION))
        standby = Cluster(folder, programs, **_OPTIONS)
        self._stack.enter_context(contextlib.closing(standby))
        standby.copy_of(self.primary, _NAME, self._replication.port)
        standby.start()
        return standby

    async def _wait_for_standbys(self) -> None:
        """Have the primary's commits wait for a standby, if the place has a synchronous one."""
        if self.place is Place.SYNCHRONOUS:
            async with self.connected() as connection:
                await connection.execute(f"ALTER SYSTEM SET {_SYNCHRONOUS} = '{_NAME}'")
                await connection.execute("SELECT pg_reload_conf()")

    async def _until_standby(self, state: str) -> None:
        async with asyncio.timeout(60), self.connected() as connection:
            while state != await connection.fetchval("SELECT sync_state FROM pg_stat_replication"):  # noqa: ASYNC110
                await asyncio.sleep(0.05)

    async def fill_disk(self, seconds: float) -> None:
        """Leave PostgreSQL no space for a while; start it again if that ended it."""
        with _filled(self.primary.folder):
            await asyncio.sleep(seconds)
        await asyncio.sleep(0.2)
        if not self.primary.running:
            await asyncio.to_thread(self.primary.start)

    async def fill_spool(self, seconds: float) -> None:
        """Leave the working files no space for a while."""
        with _filled(self._spool):
            await asyncio.sleep(seconds)

    def step_clock(self, name: str, seconds: int) -> None:
        """Set the clock of the database or of the service off by some seconds."""
        new = self._clocks[name].with_suffix(".new")
        new.write_text(f"{seconds:+d}\n")
        new.replace(self._clocks[name])  # at once: a process that read half of it would end

    def _variables(self, name: str) -> list[str]:
        if self.place is not Place.CLOCK:
            return []
        if not _FAKETIME.exists():
            raise FileNotFoundError("libfaketime is not installed: scripts/debian.sh")
        return [
            f"LD_PRELOAD={_FAKETIME}",
            f"FAKETIME_TIMESTAMP_FILE={self._clocks[name]}",
            "FAKETIME_NO_CACHE=1",
            "FAKETIME_DONT_FAKE_MONOTONIC=1",
        ]

    @property
    def service_variables(self) -> dict[str, str]:
        """Of the replicas' environment."""
        return dict(each.split("=", 1) for each in self._variables("service"))


@contextlib.contextmanager
def _filled(folder: Path) -> Iterator[None]:
    ballast = folder / "ballast"
    try:
        with ballast.open("wb") as file:
            for _ in range(_TRIES):
                space = os.statvfs(folder)
                with contextlib.suppress(OSError):  # somebody else took some meanwhile
                    size = space.f_bavail * space.f_frsize - _LEFT
                    os.posix_fallocate(file.fileno(), 0, size)
                    break
        yield
    finally:
        ballast.unlink(missing_ok=True)


@contextlib.asynccontextmanager
async def open_servers(place: Place, directory: Path) -> AsyncIterator[Servers]:
    """Start what a place has, until the block ends."""
    with contextlib.ExitStack() as stack:
        servers = Servers(place, directory, stack)
        async with contextlib.AsyncExitStack() as proxies:
            await servers.open(proxies)
            yield servers
