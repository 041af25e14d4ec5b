"""A proxy to the database that fails on demand.

A proxy passes bytes on in both directions. ``strike`` says what befalls a connection, and at which
bytes from the service; the rest befalls all connections at once.
"""

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from tests.support.faults.ports import kept_port

COMMIT: Final = b"COMMIT;\0"
"""As asyncpg sends it at the end of its transactions."""
OWN_COMMIT: Final = b"COMMIT\0"
"""As the service sends it as a statement."""
_COMMITTED: Final = b"COMMIT\0"
"""In the answer to either."""
READY: Final = b"Z\0\0\0\5"
"""The end of PostgreSQL's answer to any statement."""
_DELAY: Final = 1.0
"""Seconds after which delayed bytes arrive."""
_ANSWERED: Final = 5.0
"""Seconds within which the database answers delayed bytes."""


class Fault(Enum):
    """What befalls a connection."""

    CUT = auto()  # closed in both directions; the bytes it was struck at do not arrive
    RESET = auto()  # the same, by RST
    STALL = auto()  # open, but nothing arrives any more, in either direction
    LOSE_COMMIT = auto()  # the bytes arrive, and the answer that it is committed is cut off
    HOLD = auto()  # the same; struck then, and the proxy passes nothing on until ``resume``
    ABANDON = auto()  # the bytes arrive, only the service's end is closed: the server works on
    DELAY = auto()  # the service's end is closed; the bytes arrive later, and their effect stays


@dataclass(eq=False)
class Strike:
    """A fault at a moment: ``struck`` is set once it has come."""

    fault: Fault
    at: tuple[bytes, ...]
    skip: int
    committed: bytes
    struck: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(eq=False)
class _Link:
    """One connection: the service's end and the database's.

    Attributes:
        losing: what the answer has that is the last to be lost; empty while none is.
    """

    near: asyncio.StreamWriter
    far: asyncio.StreamWriter
    flowing: asyncio.Event
    losing: bytes = b""
    holding: Strike | None = None
    answered: asyncio.Event = field(default_factory=asyncio.Event)

    def end(self, *, reset: bool = False) -> None:
        for writer in (self.near, self.far):
            if reset:
                end: socket.socket = writer.get_extra_info("socket")
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
        self.flowing.set()


class Proxy:
    """Listens on a free port of 127.0.0.1; see ``proxied``.

    Args:
        dsn: of the server behind it, by a URL.
    """

    def __init__(self, dsn: str) -> None:
        self._parts = urlsplit(dsn)
        self._links: set[_Link] = set()
        self._strikes: list[Strike] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._silent = False
        self._passing = asyncio.Event()
        self._passing.set()
        self._kept = kept_port()
        self.port: int = self._kept.getsockname()[1]

    @property
    def dsn(self) -> str:
        """URL of the database through the proxy."""
        path = self._parts.path
        return f"postgresql://postgres@127.0.0.1:{self.port}{path}?sslmode=disable"

    def strike(
        self, fault: Fault, *at: bytes, skip: int = 0, committed: bytes = _COMMITTED
    ) -> Strike:
        """Have a fault befall the connection that sends one of ``at``, after ``skip`` times of it.

        Args:
            committed: in the answer, which a fault that loses it waits for.
        """
        strike = Strike(fault, at, skip, committed)
        self._strikes.append(strike)
        return strike

    def cut(self) -> None:
        """End all connections."""
        for link in [*self._links]:
            link.end()

    def cut_one(self, which: float) -> None:
        """End one of the connections, the one at a place between 0 and 1."""
        if links := [*self._links]:
            links[int(which * len(links))].end()

    def stall(self) -> None:
        """Let nothing through on the connections that there are."""
        for link in self._links:
            link.flowing.clear()

    def swallow(self) -> None:
        """Let nothing through any more, also on new connections, until ``listen``."""
        self._silent = True
        self.stall()

    def point_to(self, dsn: str) -> None:
        """Connect to another server from now on."""
        self._parts = urlsplit(dsn)

    def forget_strikes(self) -> None:
        """Let no fault befall a connection that has not befallen one."""
        self._strikes.clear()

    def resume(self) -> None:
        """Pass on what was held since an answer was lost."""
        self._passing.set()

    async def listen(self) -> None:
        """Take connections."""
        self._silent = False
        self._server = await asyncio.start_server(self._take, "127.0.0.1", self.port)

    async def close(self) -> None:
        """Go away for good."""
        await self.go_away()
        self._kept.close()

    async def go_away(self) -> None:
        """End all connections and refuse new ones, until ``listen``."""
        assert self._server is not None
        self._server.close()
        self.cut()
        while self._tasks:
            await asyncio.wait(self._tasks)

    def _listens(self) -> bool:
        return self._server is not None and self._server.is_serving()

    async def _take(self, reader: asyncio.StreamReader, near: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            answers, far = await self._connect()
            link = _Link(near, far, asyncio.Event())
            if not self._listens():  # it went away meanwhile
                link.end()
                return
            if not self._silent:
                link.flowing.set()
            self._links.add(link)
            try:
                await asyncio.gather(self._ask(link, reader), self._answer(link, answers))
            finally:
                self._links.discard(link)
                link.end()
        except OSError:
            near.transport.abort()
        finally:
            self._tasks.discard(task)

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._parts.hostname:
            return await asyncio.open_connection(self._parts.hostname, self._parts.port)
        query = parse_qs(self._parts.query)
        return await asyncio.open_unix_connection(
            f"{query['host'][0]}/.s.PGSQL.{query.get('port', ['5432'])[0]}"
        )

    async def _ask(self, link: _Link, reader: asyncio.StreamReader) -> None:
        while data := await _read(reader):
            await self._passing.wait()
            if strike := self._struck_by(data):
                if strike.fault is Fault.HOLD:
                    link.losing, link.holding = strike.committed, strike
                else:
                    strike.struck.set()
                if strike.fault is Fault.STALL:
                    link.flowing.clear()
                elif strike.fault is Fault.LOSE_COMMIT:
                    link.losing = strike.committed
                elif strike.fault is Fault.ABANDON:
                    link.losing = strike.committed  # ``_answer`` ends the link
                    link.far.write(data)
                    link.near.transport.abort()
                    return
                elif strike.fault is Fault.DELAY:
                    await self._delay(link, data, strike.committed)
                    return
                elif strike.fault in (Fault.CUT, Fault.RESET):
                    link.end(reset=strike.fault is Fault.RESET)
                    return
            await link.flowing.wait()
            link.far.write(data)
            await link.far.drain()
        link.end()

    async def _delay(self, link: _Link, data: bytes, committed: bytes) -> None:
        link.near.transport.abort()
        link.losing = committed
        await asyncio.sleep(_DELAY)
        link.far.write(data)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_ANSWERED):
                await link.answered.wait()
        link.end()

    async def _answer(self, link: _Link, answers: asyncio.StreamReader) -> None:
        while data := await _read(answers):
            if link.losing:
                if link.losing not in data:
                    continue
                if link.holding is not None:
                    self._passing.clear()
                    link.holding.struck.set()
                break
            await link.flowing.wait()
            link.near.write(data)
            await link.near.drain()
        link.answered.set()
        link.end()

    def _struck_by(self, data: bytes) -> Strike | None:
        for strike in self._strikes:
            times = sum(map(data.count, strike.at))
            if times > strike.skip:
                self._strikes.remove(strike)
                return strike
            strike.skip -= times
        return None


async def wait_for_strike(strike: Strike, work: "asyncio.Task[Any]") -> None:
    """Wait for a strike on some work, which must not end before."""
    struck = asyncio.create_task(strike.struck.wait())
    await asyncio.wait([struck, work], return_when=asyncio.FIRST_COMPLETED)
    struck.cancel()
    assert not work.done(), work.result()


@contextlib.asynccontextmanager
async def proxied(dsn: str) -> AsyncIterator[Proxy]:
    """A proxy before a database, until the block ends."""
    proxy = Proxy(dsn)
    await proxy.listen()
    try:
        yield proxy
    finally:
        await proxy.close()


async def _read(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.read(1 << 16)
    except OSError:
        return b""
