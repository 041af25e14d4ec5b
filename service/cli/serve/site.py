"""The HTTP service on an address, alone or with other processes on the same socket.

When a connection comes, the kernel wakes every process that shares the socket, and the first one to
accept gets the connection. By chance, one process could take most of a burst, or both of two
uploads. Each process therefore accepts one connection at a time, and waits longer the more
connections it has. With one socket for each process (``SO_REUSEPORT``), the kernel would choose at
random, and a process that ends would lose the connections that wait for it.
"""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Sequence
from typing import Final, NamedTuple

import structlog
from aiohttp import web

from service.app import StartRefused, create_admin_app, create_app, drain
from service.cli.database import database_errors
from service.cli.output import CommandError
from service.cli.serve.address import (
    ADMIN_PORT,
    ALL,
    PORT,
    base_url,
    bind_dual_stack,
    cannot_listen,
)
from service.http.server import Runner
from service.observability import metrics
from service.settings import Settings

BACKLOG: Final = 1024
"""Connections that can wait; the kernel allows fewer if ``net.core.somaxconn`` is lower."""
STEP: Final = 0.002
"""Seconds that a process waits for each of its connections before it accepts another."""
MAX_STEPS: Final = 8
_RETRY: Final = 1.0
"""Seconds until the next attempt if the process has no descriptors left."""
MAX_ADMIN_CONNECTIONS: Final = 64
"""Open connections of the admin port. Connections of the public port do not count."""

_log = structlog.get_logger()


class Addresses(NamedTuple):
    """Where a service answers, such as ``http://127.0.0.1:8080``.

    Attributes:
        base: of the API.
        admin: of the probes; None if they are at ``base``.
    """

    base: str
    admin: str | None = None


@contextlib.asynccontextmanager
async def serve_at(
    settings: Settings,
    dsn: str,
    listeners: Sequence[socket.socket] = (),
    admin_listeners: Sequence[socket.socket] = (),
) -> AsyncIterator[Addresses]:
    """Serve on the addresses of the settings until the block ends.

    Args:
        settings: with a key for tokens; port 0 takes a free one.
        dsn: of the database, which has the current schema; a URL.
        listeners: sockets bound to the public port, if other processes serve on it too.
        admin_listeners: the same for the admin port.

    Raises:
        CommandError: a key for tokens is too weak, an address is not available, or the service
            cannot work on the database.
    """
    try:
        app = create_app(settings, dsn)
    except ValueError as error:
        raise CommandError(str(error)) from error
    async with contextlib.AsyncExitStack() as stack:
        try:
            with database_errors():
                runner = await _run(stack, app, settings.max_connections)
        except StartRefused as error:
            raise CommandError(str(error)) from error
        ports = [(runner, settings.port, listeners, PORT)]
        if settings.admin_port is not None:
            probes = await _run(stack, create_admin_app(app), MAX_ADMIN_CONNECTIONS)
            ports.append((probes, settings.admin_port, admin_listeners, ADMIN_PORT))
        stack.push_async_callback(drain, app)
        addresses = Addresses(
            *[
                await _listen(each, settings.host, port, own, setting)
                for each, port, own, setting in ports
            ]
        )
        metrics.PROCESSES.set(1)
        yield addresses


async def _run(
    stack: contextlib.AsyncExitStack, app: web.Application, max_connections: int
) -> Runner:
    """Set up a runner, which the stack cleans up."""
    runner = Runner(app, max_connections)
    stack.push_async_callback(runner.cleanup)
    await runner.setup()
    return runner


async def _listen(
    runner: Runner, host: str, port: int, listeners: Sequence[socket.socket], setting: str
) -> str:
    """Accept connections on sockets, or else on an address; return the base URL.

    Raises:
        CommandError: the address is not available.
    """
    sites: list[web.BaseSite] = [SharedSite(runner, each) for each in listeners]
    try:
        if not sites and host == ALL:
            sites = [web.SockSite(runner, bind_dual_stack(port))]
        for site in sites or [web.TCPSite(runner, host, port)]:
            await site.start()
    except OSError as error:
        raise cannot_listen(host, port, error, setting) from error
    address = listeners[0].getsockname() if listeners else runner.addresses[0]
    return base_url(host, address[1])


class SharedSite(web.BaseSite):
    """Accepts and serves connections on a socket that other processes share.

    Args:
        runner: set up.
        listener: bound; it stays open when the site stops.
    """

    def __init__(self, runner: web.BaseRunner, listener: socket.socket) -> None:
        super().__init__(runner, backlog=BACKLOG)
        self._listener = listener
        self._accepting: asyncio.Task[None] | None = None

    @property
    def name(self) -> str:
        """The address of the site."""
        host, port, *_ = self._listener.getsockname()
        return f"{host}:{port}"

    async def start(self) -> None:
        """Listen.

        Raises:
            OSError: the address was taken in the meantime.
        """
        await super().start()
        self._listener.setblocking(False)
        self._listener.listen(self._backlog)
        self._accepting = asyncio.create_task(self._accept(), name="accept")

    async def stop(self) -> None:
        """Stop accepting connections. Other processes accept those that wait."""
        if self._accepting is not None:
            self._accepting.cancel()
            await asyncio.wait([self._accepting])
        await super().stop()

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        server = self._runner.server
        assert server is not None
        while True:
            await _wait_readable(self._listener)
            if steps := min(len(server.connections), MAX_STEPS):
                await asyncio.sleep(steps * STEP)
            try:
                connection, _ = self._listener.accept()
                connection.setblocking(False)
                await loop.connect_accepted_socket(server, connection)
            except (
                BlockingIOError,
                ConnectionError,
            ):  # taken or closed meanwhile
                continue
            except OSError as error:
                _log.error("accept failed", fault=repr(error))
                await asyncio.sleep(_RETRY)


async def _wait_readable(listener: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    readable = asyncio.Event()
    loop.add_reader(listener, readable.set)
    try:
        await readable.wait()
    finally:
        loop.remove_reader(listener)
