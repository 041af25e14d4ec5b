"""The service on an address, for as long as a block lasts."""

import contextlib
import socket
from collections.abc import AsyncIterator, Sequence

from aiohttp import web

from service.app import create_app
from service.cli.screen import Failure, cannot_listen
from service.cli.sharing import SharedSite
from service.http.server import Runner
from service.settings import Settings


@contextlib.asynccontextmanager
async def listening(
    settings: Settings, dsn: str, shared: Sequence[socket.socket] = ()
) -> AsyncIterator[str]:
    """Serve on the address of the settings until the block ends.

    Args:
        settings: with a key for tokens; port 0 takes a free one.
        dsn: the database, migrated, by a URL.
        shared: sockets bound to that address, where other processes serve on it too.

    Yields:
        The service's base, such as ``http://127.0.0.1:8080``.

    Raises:
        Failure: a key for tokens is too weak, or the address cannot be had.
    """
    try:
        runner = Runner(create_app(settings, dsn))
    except ValueError as error:
        raise Failure(str(error)) from error
    try:
        await runner.setup()
        sites: list[web.BaseSite] = [SharedSite(runner, each) for each in shared]
        try:
            for site in sites or [web.TCPSite(runner, settings.host, settings.port)]:
                await site.start()
        except OSError as error:
            raise cannot_listen(settings.host, settings.port, error) from error
        address = shared[0].getsockname() if shared else runner.addresses[0]
        yield base_url(settings.host, address[1])
    finally:
        await runner.cleanup()


def base_url(host: str, port: int) -> str:
    """Where a service that listens on ``host`` is reached from this machine."""
    reached = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, host)
    if ":" in reached and not reached.startswith("["):
        reached = f"[{reached}]"
    return f"http://{reached}:{port}"
