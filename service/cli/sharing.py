"""A listening socket that several processes share, and who of them takes what comes.

The kernel wakes all of them for a new connection, and whoever accepts first has it. Left to chance
one takes most of a burst, and of two uploads at a time one process often gets both. So each
waits the longer, the more connections it has, and takes one at a time. With a socket for each
(``SO_REUSEPORT``) the kernel would draw lots, and what waits at a process that ends would be lost.
"""

import asyncio
import socket
from typing import Final

import structlog
from aiohttp import web

BACKLOG: Final = 1024
"""Connections that wait; the kernel takes fewer where ``net.core.somaxconn`` says so."""

_STEP: Final = 0.002
"""Seconds that an idle process has the start of one with a connection."""

_STEPS: Final = 8
_RETRY: Final = 1.0
"""Seconds before the next try where descriptors ran out."""

_log = structlog.get_logger()


class SharedSite(web.BaseSite):
    """Serves what it accepts from a socket that other processes accept from too.

    Args:
        runner: set up.
        listener: bound; it is left open.
    """

    def __init__(self, runner: web.BaseRunner, listener: socket.socket) -> None:
        super().__init__(runner, backlog=BACKLOG)
        self._listener = listener
        self._accepting: asyncio.Task[None] | None = None

    @property
    def name(self) -> str:
        """Where it listens."""
        host, port, *_ = self._listener.getsockname()
        return f"{host}:{port}"

    async def start(self) -> None:
        """Listen.

        Raises:
            OSError: the address was taken meanwhile.
        """
        await super().start()
        self._listener.setblocking(False)
        self._listener.listen(self._backlog)
        self._accepting = asyncio.create_task(self._accept(), name="accept")

    async def stop(self) -> None:
        """Accept no more; what waits is for the others."""
        if self._accepting is not None:
            self._accepting.cancel()
            await asyncio.wait([self._accepting])
        await super().stop()

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        server = self._runner.server
        assert server is not None
        while True:
            await _readable(self._listener)
            if had := min(len(server.connections), _STEPS):
                await asyncio.sleep(had * _STEP)
            try:
                connection, _ = self._listener.accept()
                connection.setblocking(False)
                await loop.connect_accepted_socket(server, connection)
            except (BlockingIOError, ConnectionError):  # another was faster, or the client left
                continue
            except OSError as error:
                _log.error("accept failed", fault=repr(error))
                await asyncio.sleep(_RETRY)


async def _readable(listener: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    woken = asyncio.Event()
    loop.add_reader(listener, woken.set)
    try:
        await woken.wait()
    finally:
        loop.remove_reader(listener)
