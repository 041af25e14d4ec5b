"""A network between the command and the service that a test can cut or hold."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit


@dataclass(eq=False)
class Mark:
    """So many bytes from now on, in one direction; ``reached`` is set once they have passed."""

    at: int
    holds: bool
    reached: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(eq=False)
class Way:
    """One direction.

    Attributes:
        passed: bytes so far, of all connections.
    """

    passed: int = 0
    marks: list[Mark] = field(default_factory=list)

    def cut_after(self, size: int) -> Mark:
        """End the connection at work once so many more bytes have passed."""
        return self._mark(size, holds=False)

    def hold_after(self, size: int) -> Mark:
        """Let nothing more through then, in either direction, and end nothing."""
        return self._mark(size, holds=True)

    def _mark(self, size: int, *, holds: bool) -> Mark:
        mark = Mark(self.passed + size, holds)
        self.marks.append(mark)
        self.marks.sort(key=lambda each: each.at)
        return mark


class Network:
    """Listens on a free port of 127.0.0.1; see ``between``.

    Args:
        base: of the service behind it; may be changed.

    Attributes:
        there: from the command to the service.
        back: from the service to the command.
    """

    def __init__(self, base: str) -> None:
        self.target = base
        self.there = Way()
        self.back = Way()
        self._open = asyncio.Event()
        self._open.set()
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def base(self) -> str:
        """The service, by way of it."""
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def listen(self) -> None:
        self._server = await asyncio.start_server(self._take, "127.0.0.1", 0)

    def cut(self) -> None:
        """End all connections; new ones pass."""
        self._open.set()
        for task in [*self._tasks]:
            task.cancel()

    async def close(self) -> None:
        assert self._server is not None
        self._server.close()
        while self._tasks:
            self.cut()
            await asyncio.wait(self._tasks)

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        where = urlsplit(self.target)
        far: asyncio.StreamWriter | None = None
        try:
            answers, far = await asyncio.open_connection(where.hostname, where.port)
            ways = (self._pass(reader, far, self.there), self._pass(answers, writer, self.back))
            passing = [asyncio.ensure_future(way) for way in ways]
            try:
                await asyncio.wait(passing, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for each in passing:
                    each.cancel()
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            for end in (writer, far):
                if end is not None:
                    end.transport.abort()

    async def _pass(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, way: Way
    ) -> None:
        while data := await source.read(1 << 16):
            while data:
                await self._open.wait()
                mark = way.marks[0] if way.marks else None
                size = len(data) if mark is None else min(len(data), mark.at - way.passed)
                sink.write(data[:size])
                way.passed += size
                await sink.drain()
                data = data[size:]
                if mark is not None and way.passed == mark.at:
                    way.marks.remove(mark)
                    mark.reached.set()
                    if not mark.holds:
                        return
                    self._open.clear()


@contextlib.asynccontextmanager
async def between(base: str) -> AsyncIterator[Network]:
    """A network before a service, until the block ends."""
    network = Network(base)
    await network.listen()
    try:
        yield network
    finally:
        await network.close()
